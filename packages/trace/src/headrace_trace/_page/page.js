"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const BEYOND = 10;  // rows drawn above and below the visible ones
  const at = (id) => document.getElementById(id);
  const list = at("list"), rows = at("rows"), search = at("search"), story = at("story");
  // The first line has everything except the stories; each story has its own line, read when opened.
  const text = at("data").textContent;
  const data = JSON.parse(text.slice(0, text.indexOf("\n") - 1) + "}");
  let found = data.operations, current = 0, chosen = null, height = 0;

  // Control characters and those that change the direction of the text around them.
  const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
  const plain = (text) => String(text).replace(odd, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));

  function made(tag, text, style) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = plain(text);
    if (style) element.className = style;
    return element;
  }

  function once(make) {
    let value;
    return () => value === undefined ? value = make() : value;
  }

  const tone = (state) => state === "ok" ? "ok" : state === "error" || state === "not sent" ? "error" : "open";
  const counted = (number, word) => number.toLocaleString("en") + " " + word + (number === 1 ? "" : "s");

  function span(ms) {
    if (ms === null) return "";
    if (ms < 1000) return (ms < 10 ? ms.toFixed(1) : ms.toFixed(0)) + " ms";
    return ms < 60000 ? (ms / 1000).toFixed(2) + " s" : (ms / 60000).toFixed(1) + " min";
  }

  // --- the list ---

  const haystack = once(() => data.operations.map((one) => one[0].toLowerCase() + "\n" + one[1].toLowerCase()));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = words.length ? data.operations.filter((one, index) =>
      words.every((word) => haystack()[index].includes(word) || one[2] === word)) : data.operations;
    at("found").textContent = words.length ? counted(found.length, "operation") + " found" : "";
    current = 0;
    rows.replaceChildren();
    list.scrollTop = 0;
    draw();
  }

  // Only the visible rows are in the document, and the row that the Tab key reaches.
  function draw() {
    if (!height && found.length) {
      rows.append(item(0));
      height = rows.firstChild.offsetHeight;
    }
    rows.style.height = found.length * height + "px";
    const first = Math.max(0, Math.floor(list.scrollTop / height) - BEYOND);
    const last = Math.min(found.length - 1, Math.ceil((list.scrollTop + list.clientHeight) / height) + BEYOND);
    const wanted = [];
    for (let index = first; index <= last; index++) wanted.push(index);
    if (found.length && current < first) wanted.unshift(current);
    if (found.length && current > last) wanted.push(current);
    const needed = new Set(wanted);
    for (const row of [...rows.children]) if (!needed.has(row.index)) row.remove();
    let next = rows.firstChild;
    for (const index of wanted) {
      if (next && next.index === index) next = next.nextSibling;
      else rows.insertBefore(item(index), next);
    }
    mark();
  }

  function item(index) {
    const [id, entry, state, started, duration] = found[index];
    const button = made("button");
    button.type = "button";
    button.append(made("bdi", entry.slice(0, 300), "name"), made("bdi", id.slice(0, 300), "id small"));
    const about = made("span", undefined, "soft");
    about.append(made("span", state, tone(state)), made("span", [started, span(duration)].filter(Boolean).join("  ")));
    button.append(about);
    button.addEventListener("click", () => { current = index; show(found[index]); });
    const row = made("li");
    row.index = index;
    row.style.top = index * height + "px";
    row.setAttribute("aria-setsize", found.length);
    row.setAttribute("aria-posinset", index + 1);
    row.append(button);
    return row;
  }

  function mark() {
    for (const row of rows.children) {
      row.firstChild.tabIndex = row.index === current ? 0 : -1;
      if (found[row.index] === chosen) row.firstChild.setAttribute("aria-current", "true");
      else row.firstChild.removeAttribute("aria-current");
    }
  }

  function focus(index) {
    current = Math.min(Math.max(index, 0), found.length - 1);
    if (current < 0) return;
    const top = current * height;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
    draw();
    [...rows.children].find((row) => row.index === current).firstChild.focus({ preventScroll: true });
  }

  // --- the story ---

  const lines = once(() => {
    const starts = [];
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
    return starts;
  });

  function storyOf(index) {
    const start = lines()[index + 1];
    return JSON.parse(text.slice(start, text.indexOf("\n", start)).replace(/,$/, ""));
  }

  function show(one) {
    chosen = one;
    mark();
    const [id, entry, state, started, duration] = one;
    const [units, clocks] = storyOf(data.operations.indexOf(one));
    const heading = made("h2");
    heading.append(made("bdi", entry));
    const about = made("p", undefined, "soft");
    about.append(made("bdi", id, "id"), " ", made("span", state, tone(state)), " " + [started, span(duration)].filter(Boolean).join("  "));
    const waterfall = made("ol");
    const end = units.reduce((most, row) => Math.max(most, (row[5] || 0) + (row[6] || 0)), Math.max(duration || 0, 0.001));
    for (const row of units) waterfall.append(unit(row, end));
    story.replaceChildren(heading, about, ...clocks.map((text) => made("p", text, "soft")), waterfall);
    story.focus();
    try { history.replaceState(null, "", "#" + encodeURIComponent(id)); } catch { /* a page from a file may refuse */ }
  }

  function unit(row, end) {
    const [depth, name, kind, process, outcome, start, duration, queued, attempt, error, lines] = row;
    const element = made("li", undefined, "d" + Math.min(depth, 5));
    const title = made("div");
    title.append(made("bdi", name, "name"));
    if (attempt) title.append(" attempt " + attempt);
    title.append(" ", made("span", outcome, tone(outcome)), " " + span(duration));
    const details = [kind, process, queued ? "queued " + span(queued) : ""].filter(Boolean).join(", ");
    element.append(title, bars(start, duration, queued, end, tone(outcome), name));
    if (details) element.append(made("div", details, "small"));
    if (error) element.append(made("div", error, "error"));
    if (lines.length) {
      const log = made("ol", undefined, "log");
      for (const [offset, level, logger, message] of lines) {
        log.append(made("li", [offset === null ? "" : "+" + span(Math.max(offset, 0)), level, logger, message].filter(Boolean).join("  ")));
      }
      element.append(log);
    }
    return element;
  }

  function bars(start, duration, queued, end, style, name) {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", "0 0 1000 12");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    const bar = (from, length, kind) => {
      const element = document.createElementNS(SVG, "rect");
      const x = Math.min(Math.max(from / end, 0), 1) * 1000;
      element.setAttribute("x", x.toFixed(2));
      element.setAttribute("y", kind === "bar-wait" ? "4" : "0");
      element.setAttribute("height", kind === "bar-wait" ? "4" : "12");
      element.setAttribute("width", Math.min(Math.max(length / end * 1000, 3), 1000 - x + 3).toFixed(2));
      element.setAttribute("class", kind);
      drawing.append(element);
    };
    if (start !== null && queued) bar(start - queued, queued, "bar-wait");
    if (start !== null) bar(start, duration || 0, "bar-" + style);
    return drawing;
  }

  // --- figures ---

  const figures = once(() => {
    const table = made("table");
    table.append(made("caption", "Counts and durations", "soft"));
    const head = made("tr");
    for (const word of ["flow, route or task", "step", "count", "errors", "median", "95 %"]) {
      const cell = made("th", word, "count errors median 95 %".includes(word) ? "number" : "");
      cell.scope = "col";
      head.append(cell);
    }
    const body = made("tbody");
    for (const [flow, step, count, errors, median, most] of data.figures) {
      const row = made("tr");
      const name = made("td"), inner = made("td");
      name.append(made("bdi", flow));
      inner.append(made("bdi", step));
      row.append(name, inner);
      for (const text of [count.toLocaleString("en"), errors.toLocaleString("en"), span(median), span(most)]) row.append(made("td", text, "number"));
      body.append(row);
    }
    const top = made("thead");
    top.append(head);
    table.append(top, body);
    at("figures").replaceChildren(table);
    return table;
  });

  function view(name) {
    if (name === "figures") figures();
    for (const each of ["operations", "figures"]) {
      at(each).hidden = each !== name;
      at("to-" + each).setAttribute("aria-pressed", String(each === name));
    }
    draw();
  }

  // --- keys ---

  // The target of a key in the list; null for keys that do not move.
  function target(key, isTyping) {
    if (key === "ArrowDown") return isTyping ? 0 : current + 1;
    if (key === "ArrowUp") return isTyping ? found.length - 1 : current - 1;
    if (isTyping) return null;
    const some = Math.max(1, Math.floor(list.clientHeight / height));
    return { Home: 0, End: found.length - 1, PageDown: current + some, PageUp: Math.max(0, current - some) }[key] ?? null;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target === search;
    const next = isTyping || list.contains(event.target) ? target(event.key, isTyping) : null;
    if (event.key === "/" && !isTyping) {
      view("operations");
      search.focus();
      event.preventDefault();
    } else if (event.key === "Escape" && story.contains(document.activeElement)) {
      const index = found.indexOf(chosen);
      if (index < 0) search.focus();
      else focus(index);
    } else if (next !== null) {
      if (next < 0) search.focus();
      else focus(next);
      event.preventDefault();
    }
  });
  search.addEventListener("input", filter);
  list.addEventListener("scroll", draw, { passive: true });
  addEventListener("resize", draw);
  at("to-operations").addEventListener("click", () => view("operations"));
  at("to-figures").addEventListener("click", () => view("figures"));

  const left = data.left ? ", the newest; " + counted(data.left, "older one") + " left out" : "";
  at("counts").textContent = counted(data.operations.length, "operation") + left;
  draw();
  let wanted = "";
  try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { /* no ID of ours */ }
  const linked = wanted && data.operations.find((one) => one[0] === wanted);
  if (linked) show(linked);
})();
