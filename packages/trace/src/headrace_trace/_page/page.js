"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PAGE = 200;
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const list = at("list"), search = at("search"), story = at("story"), more = at("more");
  let found = [], shown = 0, chosen = null;

  // Control characters and those that change the direction of the text around them.
  const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
  const plain = (text) => String(text).replace(odd, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));

  function made(tag, text, style) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = plain(text);
    if (style) element.className = style;
    return element;
  }

  const tone = (state) => state === "ok" ? "ok" : state === "error" || state === "not sent" ? "error" : "open";
  const counted = (number, word) => number.toLocaleString("en") + " " + word + (number === 1 ? "" : "s");

  function span(ms) {
    if (ms === null) return "";
    if (ms < 1000) return (ms < 10 ? ms.toFixed(1) : ms.toFixed(0)) + " ms";
    return ms < 60000 ? (ms / 1000).toFixed(2) + " s" : (ms / 60000).toFixed(1) + " min";
  }

  // --- the list ---

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = data.operations.filter((one) => words.every((word) =>
      one[0].toLowerCase().includes(word) || one[1].toLowerCase().includes(word) || one[2] === word));
    list.replaceChildren();
    shown = 0;
    grow();
    at("found").textContent = words.length ? counted(found.length, "operation") + " found" : "";
  }

  function grow() {
    const part = document.createDocumentFragment();
    for (const one of found.slice(shown, shown + PAGE)) part.append(item(one));
    list.append(part);
    shown = Math.min(found.length, shown + PAGE);
    more.hidden = shown >= found.length;
  }

  function item(one) {
    const [id, entry, state, started, duration] = one;
    const button = made("button");
    button.type = "button";
    button.append(made("bdi", entry.slice(0, 300), "name"), made("bdi", id.slice(0, 300), "id small"));
    const about = made("span", undefined, "soft");
    about.append(made("span", state, tone(state)), made("span", [started, span(duration)].filter(Boolean).join("  ")));
    button.append(about);
    button.operation = one;
    if (one === chosen) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => show(one));
    const row = made("li");
    row.append(button);
    return row;
  }

  // --- the story ---

  function show(one) {
    chosen = one;
    for (const button of list.querySelectorAll("button")) {
      if (button.operation === one) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    const [id, entry, state, started, duration, rows, clocks] = one;
    const heading = made("h2");
    heading.append(made("bdi", entry));
    const about = made("p", undefined, "soft");
    about.append(made("bdi", id, "id"), " ", made("span", state, tone(state)), " " + [started, span(duration)].filter(Boolean).join("  "));
    const units = made("ol");
    const end = Math.max(duration || 0, ...rows.map((row) => (row[5] || 0) + (row[6] || 0)), 0.001);
    for (const row of rows) units.append(unit(row, end));
    story.replaceChildren(heading, about, ...clocks.map((text) => made("p", text, "soft")), units);
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

  function figures() {
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
  }

  function view(name) {
    for (const each of ["operations", "figures"]) {
      at(each).hidden = each !== name;
      at("to-" + each).setAttribute("aria-pressed", String(each === name));
    }
  }

  // --- keys ---

  function move(step) {
    const buttons = [...list.querySelectorAll("button")];
    const now = buttons.indexOf(document.activeElement);
    const next = buttons[now < 0 ? (step > 0 ? 0 : buttons.length - 1) : now + step];
    if (next) next.focus();
    else if (now === 0) search.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target === search;
    if (event.key === "/" && !isTyping) {
      view("operations");
      search.focus();
      event.preventDefault();
    } else if (event.key === "Escape" && story.contains(document.activeElement)) {
      (list.querySelector("[aria-current]") || search).focus();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (isTyping || list.contains(event.target))) {
      move(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    }
  });
  search.addEventListener("input", filter);
  more.addEventListener("click", grow);
  at("to-operations").addEventListener("click", () => view("operations"));
  at("to-figures").addEventListener("click", () => view("figures"));

  const left = data.left ? ", the newest; " + counted(data.left, "older one") + " left out" : "";
  at("counts").textContent = counted(data.operations.length, "operation") + left;
  figures();
  filter();
  let wanted = "";
  try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { /* no ID of ours */ }
  const linked = wanted && data.operations.find((one) => one[0] === wanted);
  if (linked) show(linked);
})();
