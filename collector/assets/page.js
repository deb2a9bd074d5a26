// Comfort only: every page works without this file.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // The viewer's own zone, on top of the UTC that every page shows.
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const nameTimes = (within) => {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!Number.isNaN(date.getTime())) time.title = zoned.format(date);
    }
  };

  // A changed choice shows at once.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });

  // A live page is read again; scroll position, focus and open parts stay.
  const parts = ["age", "banner", "main"];
  const isBusy = () => {
    const focused = document.activeElement;
    return document.hidden || (focused && focused.matches("input, select, textarea"));
  };
  // By id or address, and if several elements share it, by their order.
  const keyOf = (element) => {
    if (!element || element === document.body) return null;
    const attribute = element.id ? "id" : element.getAttribute("href") ? "href" : null;
    if (!attribute) return null;
    const selector = `[${attribute}="${CSS.escape(element.getAttribute(attribute))}"]`;
    return { selector, at: [...document.querySelectorAll(selector)].indexOf(element) };
  };
  const refresh = async () => {
    if (isBusy()) return;
    const status = document.getElementById("refreshed");
    try {
      const address = location.origin + location.pathname + location.search;
      const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-cache" });
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (isBusy()) return;
      const focus = keyOf(document.activeElement);
      const scrolled = [...document.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
      const open = new Set([...document.querySelectorAll("details[open][id]")].map((box) => box.id));
      const [x, y] = [scrollX, scrollY];
      for (const id of parts) {
        const [old, fresh] = [document.getElementById(id), next.getElementById(id)];
        if (old && fresh) old.replaceChildren(...fresh.childNodes);
      }
      nameTimes(document);
      for (const box of document.querySelectorAll("details[id]")) if (open.has(box.id)) box.open = true;
      document.querySelectorAll(".scroll").forEach((box, at) => {
        if (scrolled[at]) [box.scrollLeft, box.scrollTop] = scrolled[at];
      });
      scrollTo(x, y);
      if (focus) document.querySelectorAll(focus.selector)[focus.at]?.focus({ preventScroll: true });
      root.dataset.refreshes = String(Number(root.dataset.refreshes || 0) + 1);
      status.textContent = "";
      document.body.classList.remove("stale");
    } catch {
      status.textContent = "This page could not be refreshed: what it shows is getting old.";
      document.body.classList.add("stale");
    }
  };
  const seconds = Number(document.body.dataset.live);
  if (seconds > 0) {
    setInterval(refresh, seconds * 1000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
    // For tests, and for whoever cannot wait.
    document.addEventListener("ixpqos-refresh", refresh);
  }
  nameTimes(document);
})();
