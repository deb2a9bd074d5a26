// The page as it looks now, as an SVG with its text as text. `return` ends a WebDriver script.
const limit = LIMIT;
const page = document.documentElement;
const width = page.clientWidth;
const bottom = Math.max(...[...document.body.children].map(e => e.getBoundingClientRect().bottom));
const height = Math.min(limit, Math.ceil(bottom));
const out = [], hatches = new Map();
const escape = text => text.replace(/[&<>"]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);
const round = number => +number.toFixed(1);
const measure = document.createElement('canvas').getContext('2d');
const isClear = color => color === 'transparent' || /^rgba\(.*, 0\)$/.test(color);
const hex = color => {
  const [r, g, b, a] = color.match(/[\d.]+/g).map(Number);
  const solid = '#' + [r, g, b].map(n => Math.round(n).toString(16).padStart(2, '0')).join('');
  return a === undefined || a === 1 ? solid : `${solid}" fill-opacity="${a}`;
};

function rect(x, y, w, h, fill, radius = 0) {
  if (w <= 0 || h <= 0) return;
  out.push(`<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}"${radius ? ` rx="${round(Math.min(radius, h / 2))}"` : ''} fill="${fill}"/>`);
}

// Two colors in stripes at 45 degrees.
function hatch(colors) {
  const key = colors.join();
  if (!hatches.has(key)) hatches.set(key, [`hatch${hatches.size}`, ...colors]);
  return `url(#${hatches.get(key)[0]})`;
}

function box(style, at) {
  const radius = parseFloat(style.borderTopLeftRadius) || 0;
  const side = name => [parseFloat(style[`border${name}Width`]), style[`border${name}Style`], style[`border${name}Color`]];
  const sides = ['Top', 'Right', 'Bottom', 'Left'].map(side).map(([w, kind, color]) => kind === 'none' || isClear(color) ? [0, ''] : [w, hex(color)]);
  const [top, right, low, left] = sides;
  const isFramed = top[0] > 0 && sides.every(s => s.join() === top.join());
  if (isFramed) rect(at.left, at.top, at.width, at.height, top[1], radius);
  const inner = isFramed ? top[0] : 0;
  let fill = isClear(style.backgroundColor) ? isFramed ? '#ffffff' : '' : hex(style.backgroundColor);
  const stripes = /^repeating-linear-gradient/.test(style.backgroundImage) && [...new Set(style.backgroundImage.match(/rgba?\([^)]*\)/g))];
  if (stripes) fill = hatch(stripes.map(hex));
  if (fill) rect(at.left + inner, at.top + inner, at.width - 2 * inner, at.height - 2 * inner, fill, radius - inner);
  if (!isFramed) {
    rect(at.left, at.top, at.width, top[0], top[1]);
    rect(at.left, at.bottom - low[0], at.width, low[0], low[1]);
    rect(at.left, at.top, left[0], at.height, left[1]);
    rect(at.right - right[0], at.top, right[0], at.height, right[1]);
  }
  const shadow = style.boxShadow.match(/^(rgba?\([^)]*\)) (-?[\d.]+)px (-?[\d.]+)px 0px 0px inset$/);
  if (shadow) {
    const [x, y] = [Number(shadow[2]), Number(shadow[3])];
    if (y < 0) rect(at.left, at.bottom + y, at.width, -y, hex(shadow[1]));
    if (x > 0) rect(at.left, at.top, x, at.height, hex(shadow[1]));
  }
}

function write(text, style, x, baseline, wide, more = '') {
  const weight = style.fontWeight === '400' ? '' : ` font-weight="${style.fontWeight}"`;
  const family = /mono/i.test(style.fontFamily) ? ' font-family="ui-monospace, DejaVu Sans Mono, monospace"' : '';
  const length = wide > 0 ? ` textLength="${round(wide)}" lengthAdjust="spacingAndGlyphs"` : '';
  const line = /underline/.test(style.textDecorationLine) ? ' text-decoration="underline"' : '';
  out.push(`<text x="${round(x)}" y="${round(baseline)}" font-size="${round(parseFloat(style.fontSize))}"${weight}${family} fill="${hex(style.color)}"${length}${line}${more}>${escape(text)}</text>`);
}

const ascent = style => {
  measure.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const size = measure.measureText('x');
  return [size.fontBoundingBoxAscent, size.fontBoundingBoxDescent];
};

// Each line of a text by itself, where it stands.
function lines(node, style) {
  const range = document.createRange();
  const found = [];
  for (let at = 0; at < node.data.length; at++) {
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    const place = range.getClientRects()[0];
    if (!place || place.width === 0) continue;
    const last = found.at(-1);
    if (last && Math.abs(last.top - place.top) < 2) Object.assign(last, {text: last.text + node.data[at], right: place.right});
    else if (node.data[at].trim()) found.push({text: node.data[at], left: place.left, right: place.right, top: place.top, bottom: place.bottom});
  }
  for (const line of found) {
    const [up, down] = ascent(style);
    const baseline = line.top + (line.bottom - line.top - up - down) / 2 + up;
    const spare = line.text.length - line.text.trimEnd().length;
    const space = spare ? measure.measureText(' ').width : 0;
    if (line.top < height) write(line.text.replace(/\s+/g, ' ').trim(), style, line.left, baseline, line.right - line.left - space);
  }
  return found[0];
}

const SHOWN = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'fill-opacity', 'stroke-opacity', 'font-size', 'font-weight', 'text-anchor'];
const USUAL = {'fill': 'rgb(0, 0, 0)', 'stroke': 'none', 'stroke-width': '1px', 'stroke-dasharray': 'none', 'opacity': '1', 'fill-opacity': '1', 'stroke-opacity': '1', 'font-weight': '400', 'text-anchor': 'start'};

// A drawing of the page, with its style written into it.
function drawing(element, at) {
  const copy = node => {
    if (node.nodeType === Node.TEXT_NODE) return escape(node.data.trim());
    const name = node.nodeName;
    if (node.nodeType !== Node.ELEMENT_NODE || name === 'title' || name === 'desc') return '';
    const style = getComputedStyle(node);
    if (style.display === 'none' || style.visibility === 'hidden') return '';
    const inner = [...node.childNodes].map(copy).join('');
    if (name === 'a') return inner;
    const kept = [...node.attributes].filter(a => !/^(class|style|href|aria-.*|role|tabindex|data-.*|font-family|xmlns)$|^on/.test(a.name) && !SHOWN.includes(a.name));
    const isText = name === 'text' || name === 'tspan';
    const shown = /^(g|svg|defs|clipPath|pattern)$/.test(name) ? [] : SHOWN.filter(key => isText || !/^(font|text)/.test(key))
      .map(key => [key, style.getPropertyValue(key)])
      .filter(([key, value]) => value !== USUAL[key] && !(key === 'stroke-width' && style.stroke === 'none'))
      .map(([key, value]) => [key, /^rgba?\(/.test(value) ? isClear(value) ? 'none' : hex(value) : value.replace(/px$/, '').replaceAll('"', '')]);
    if (/^(rect|path|line|polyline|polygon|circle)$/.test(name) && shown.some(([k, v]) => k === 'fill' && v === 'none') && style.stroke === 'none') return '';
    const attributes = [...kept.map(a => [a.name, a.value.replace(/\d+\.\d{2,}/g, n => round(Number(n)))]), ...shown].map(([key, value]) => ` ${key}="${/^(fill|stroke)$/.test(key) ? value : escape(value)}"`).join('');
    return inner ? `<${name}${attributes}>${inner}</${name}>` : `<${name}${attributes}/>`;
  };
  const view = element.getAttribute('viewBox') || `0 0 ${at.width} ${at.height}`;
  const inner = [...element.childNodes].map(copy).join('\n').replace(/\n+/g, '\n');
  out.push(`<svg x="${round(at.left)}" y="${round(at.top)}" width="${round(at.width)}" height="${round(at.height)}" viewBox="${view}">${inner}</svg>`);
}

function visit(element) {
  const style = getComputedStyle(element), at = element.getBoundingClientRect();
  if (style.display === 'none' || style.visibility === 'hidden' || at.right <= 0 || at.top >= height) return;
  const isBox = style.display !== 'contents' && at.width > 0 && at.height > 0;
  if (isBox && element !== document.body) box(style, at);
  if (element instanceof SVGSVGElement) return drawing(element, at);
  if (element.matches('input, select, textarea')) {
    const chosen = element.selectedOptions ? `${element.selectedOptions[0].textContent.trim()} ▾` : element.value.replace(/(\d)T(\d)/, '$1 $2') || element.placeholder;
    const left = at.left + parseFloat(style.paddingLeft) + parseFloat(style.borderLeftWidth) + 3;
    return write(chosen, style, left, at.top + at.height / 2 + parseFloat(style.fontSize) * 0.36, 0);
  }
  for (const child of element.childNodes) {
    if (child.nodeType === Node.ELEMENT_NODE) visit(child);
    if (child.nodeType !== Node.TEXT_NODE || !child.data.trim()) continue;
    if (style.writingMode.startsWith('vertical')) {
      const [x, y] = [at.left + at.width / 2, at.top + at.height / 2];
      const more = ` text-anchor="middle" transform="rotate(-90 ${round(x)} ${round(y)})"`;
      write(child.data.trim(), style, x, y + parseFloat(style.fontSize) * 0.36, 0, more);
      continue;
    }
    const first = lines(child, style);
    const before = getComputedStyle(element, '::before').content.match(/^"(.+)"$/);
    if (first && before) write(before[1].trim(), style, first.left - measure.measureText(' ').width, first.top + ascent(style)[0], 0, ' text-anchor="end"');
  }
}

visit(document.body);
const patterns = [...hatches.values()].map(([id, one, other]) => `<pattern id="${id}" width="10" height="10" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="10" height="10" fill="${one}"/><rect width="5" height="10" fill="${other || one}"/></pattern>`);
return [
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, Noto Sans, DejaVu Sans, sans-serif">`,
  `<title>${escape(document.title)}</title>`,
  ...(patterns.length ? [`<defs>${patterns.join('')}</defs>`] : []),
  `<rect width="${width}" height="${height}" fill="${hex(getComputedStyle(document.body).backgroundColor)}"/>`,
  ...out,
  '</svg>',
  '',
].join('\n');
