// What holds of every page; answers the faults.
const faults = [];
const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
if (!document.documentElement.lang) faults.push("no language");
if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
if (!document.title.includes("IXPQoS")) faults.push("no title");
for (const field of document.querySelectorAll("select, input:not([type=hidden])")) {
  if (!field.labels?.length && !field.ariaLabel) faults.push(`field ${field.name} without label`);
}
for (const link of document.querySelectorAll("main a[href], nav a, button")) {
  if (!(link.ariaLabel || link.textContent).trim() && !link.querySelector("title")) faults.push(`link ${link.getAttribute("href")} without name`);
}
for (const image of document.querySelectorAll("svg[role=img]")) {
  const named = (image.getAttribute("aria-labelledby") || "").split(" ").every((id) => document.getElementById(id));
  if (!image.hasAttribute("aria-labelledby") || !named) faults.push("image without name");
}
for (const head of document.querySelectorAll("th")) if (!head.scope) faults.push(`th ${head.textContent} without scope`);
for (const element of document.querySelectorAll("[style], [onclick], style, main script")) faults.push(`inline ${element.tagName}`);
for (const element of document.querySelectorAll("[tabindex]")) if (element.tabIndex > 0) faults.push("order of focus changed");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push(`id ${id} twice`);
// The skip link, the brand and the navigation come before everything else.
const focusable = [...document.querySelectorAll("a[href], button, select, input:not([type=hidden]), [tabindex='0']")].filter((e) => e.tabIndex >= 0);
if (!focusable[0]?.classList.contains("skip")) faults.push("the skip link is not first");
if (!focusable[1]?.classList.contains("brand")) faults.push("the brand is not second");
// Contrast of every text (WCAG 2.2, 1.4.3: 4.5 to 1).
const parse = (color) => { const m = color.match(/[\d.]+/g)?.map(Number); return m && { rgb: m.slice(0, 3), a: m[3] ?? 1 }; };
const luminance = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const grounds = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    const image = style.backgroundImage.match(/rgba?\([^)]*\)/g);
    if (image) return image.map((color) => parse(color).rgb);
    const color = parse(style.backgroundColor);
    if (color && color.a > 0.99) return [color.rgb];
  }
  return [[255, 255, 255]];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const told = new Set();
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !seen(element) || element.closest("title, desc, .skip, noscript, option")) continue;
  const style = getComputedStyle(element);
  const ink = parse(element.closest("svg") ? style.fill : style.color);
  if (!ink) continue;
  const worst = Math.min(...grounds(element).map((ground) => contrast(ink.rgb, ground)));
  const what = `${element.tagName}.${element.className?.baseVal ?? element.className} ${style.color}`;
  if (worst < 4.5 && !told.has(what)) { told.add(what); faults.push(`contrast ${worst.toFixed(2)} of "${walker.currentNode.textContent.trim().slice(0, 30)}" ${what}`); }
}
// Nothing sticks out of the page, except the matrix, which scrolls with it.
if (!document.querySelector(".matrix") && document.documentElement.scrollWidth > innerWidth + 1) faults.push(`the page is ${document.documentElement.scrollWidth} wide`);
return faults;
