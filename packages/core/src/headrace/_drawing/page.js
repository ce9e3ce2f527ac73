"use strict";
(() => {
  const view = document.getElementById("view");
  const svg = view.querySelector("svg");
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const links = [...document.querySelectorAll("#steps a")];
  const nodes = [...svg.querySelectorAll("a.node")];
  const edges = [...svg.querySelectorAll("g.edge[data-from]")];
  const whole = svg.viewBox.baseVal;
  const full = { x: whole.x, y: whole.y, w: whole.width, h: whole.height };
  let now = { ...full };

  function show() {
    svg.setAttribute("viewBox", `${now.x} ${now.y} ${now.w} ${now.h}`);
  }
  function scale() {
    return Math.max(now.w / view.clientWidth, now.h / view.clientHeight);
  }
  function fit() {
    // Do not enlarge small drawings.
    const w = Math.max(full.w, view.clientWidth / 1.25);
    const h = Math.max(full.h, view.clientHeight / 1.25);
    now = { x: full.x - (w - full.w) / 2, y: full.y - (h - full.h) / 2, w, h };
    show();
  }
  function begin() {
    fit();
    if (scale() <= 1.4) return;
    // A large drawing starts at the top, at a readable size.
    now = { x: full.x + full.w / 2, y: full.y, w: 0, h: 0 };
    now.w = view.clientWidth * 1.2;
    now.h = view.clientHeight * 1.2;
    now.x -= now.w / 2;
    show();
  }
  function zoom(factor, px = view.clientWidth / 2, py = view.clientHeight / 2) {
    const before = scale();
    const after = Math.min(Math.max(before * factor, 0.15), Math.max(20, 4 * full.w / view.clientWidth));
    const midX = now.x + now.w / 2 + (px - view.clientWidth / 2) * (before - after);
    const midY = now.y + now.h / 2 + (py - view.clientHeight / 2) * (before - after);
    now.w *= after / before;
    now.h *= after / before;
    now.x = midX - now.w / 2;
    now.y = midY - now.h / 2;
    show();
  }
  function move(dx, dy) {
    now.x += dx * scale();
    now.y += dy * scale();
    show();
  }
  function bringIn(node) {
    view.scrollTo(0, 0); // undo the browser's own scrolling to the anchor
    const box = node.getBoundingClientRect();
    const around = view.getBoundingClientRect();
    if (box.left >= around.left && box.right <= around.right
      && box.top >= around.top && box.bottom <= around.bottom) return;
    move(
      (box.left + box.right - around.left - around.right) / 2,
      (box.top + box.bottom - around.top - around.bottom) / 2,
    );
  }
  const deeds = { in: () => zoom(1 / 1.3), out: () => zoom(1.3), fit };

  for (const button of document.querySelectorAll("button[data-do]")) {
    button.addEventListener("click", () => deeds[button.dataset.do]());
  }
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = view.getBoundingClientRect();
    zoom(Math.exp(event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });

  let grip = null;
  let moved = false;
  view.addEventListener("pointerdown", (event) => {
    if (event.button === 0) {
      grip = { x: event.clientX, y: event.clientY };
      moved = false;
    }
  });
  window.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const dx = grip.x - event.clientX;
    const dy = grip.y - event.clientY;
    if (!moved && Math.abs(dx) + Math.abs(dy) < 5) return;
    moved = true;
    view.classList.add("moving");
    move(dx, dy);
    grip = { x: event.clientX, y: event.clientY };
  });
  window.addEventListener("pointerup", () => {
    grip = null;
    view.classList.remove("moving");
  });
  view.addEventListener("click", (event) => {
    if (moved) event.preventDefault();
  }, true);
  view.addEventListener("dragstart", (event) => event.preventDefault());

  const keys = {
    ArrowLeft: () => move(-60, 0), ArrowRight: () => move(60, 0),
    ArrowUp: () => move(0, -60), ArrowDown: () => move(0, 60),
    "+": deeds.in, "=": deeds.in, "-": deeds.out, 0: fit,
  };
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      search.value = "";
      sift();
      choose(null);
    }
  });

  function fade(isKept) {
    for (const node of nodes) node.classList.toggle("faded", !isKept(node.id));
    for (const edge of edges) {
      const kept = isKept(edge.dataset.from) && isKept(edge.dataset.to);
      edge.classList.toggle("faded", !kept);
    }
  }
  function sift() {
    const word = search.value.trim().toLowerCase();
    const hits = new Set();
    for (const link of links) {
      const hit = link.textContent.toLowerCase().includes(word);
      link.parentElement.hidden = !hit;
      if (hit) hits.add(link.hash.slice(1));
    }
    found.textContent = word ? `${hits.size} of ${links.length}` : "";
    fade((id) => !word || hits.has(id));
  }
  search.addEventListener("input", sift);
  search.addEventListener("keydown", (event) => {
    const first = links.find((link) => !link.parentElement.hidden);
    if (event.key === "Enter" && first) location.hash = first.hash;
  });

  function choose(id) {
    for (const node of nodes) node.classList.toggle("chosen", node.id === id);
    for (const link of links) {
      if (link.hash.slice(1) === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
  function arrive() {
    const id = decodeURIComponent(location.hash.slice(1));
    const node = nodes.find((each) => each.id === id);
    if (!node) return;
    choose(id);
    links.find((link) => link.hash.slice(1) === id)?.scrollIntoView({ block: "nearest" });
    bringIn(node);
  }
  window.addEventListener("hashchange", arrive);
  for (const link of [...links, ...nodes]) {
    link.addEventListener("click", () => setTimeout(arrive));
  }
  for (const node of nodes) {
    node.addEventListener("focus", () => bringIn(node));
  }
  window.addEventListener("resize", fit);
  begin();
  arrive();
})();
