// A table of orders or fills: filter, sort, copy as CSV. Only the rows in sight are elements, so ten thousand are no burden.
import { Scope, h, put, say, heading, button, columns, number, moment, isKnown } from "./base.js";

const ROW_PX = 26, SPARE = 8, COPIED_MS = 2500;
const WIDTHS = { time: 170, side: 72, number: 108, words: 120 }, MILLIS_PX = 30;

function read(model) {
  const heads = model.get("columns") ?? [];
  if (!heads.length) return { heads, rows: [] };
  const arrays = columns(model.get("rows"), "f".repeat(heads.length).replace(/./g, (_, k) => (heads[k].kind === "words" ? "i" : "f")));
  const rows = Array.from({ length: arrays[0].length }, (_, k) =>
    heads.map((head, c) => (head.kind === "words" ? head.words[arrays[c][k]] ?? null : isNaN(arrays[c][k]) ? null : arrays[c][k])));
  for (const [place, cells] of (model.get("patched") ?? {}).rows ?? []) rows[place] = cells;
  const found = rows.filter((row) => row);
  heads.forEach((head, c) => { head.millis = head.kind === "time" && found.some((row) => row[c] !== null && row[c] % 1000 !== 0); });
  return { heads, rows: found };
}

function shown(value, kind, millis = true) {
  if (value === null || value === undefined) return "n/a";
  if (kind === "time") return moment(value, { date: true, millis });
  if (kind === "side") return value > 0 ? "\u25b2 buy" : "\u25bc sell";
  return kind === "number" ? number(value) : value;
}

// A cell that a spreadsheet would take for a formula is given a quote in front.
function csvCell(value, kind) {
  if (value === null || value === undefined) return "";
  if (kind === "time") return new Date(value).toISOString();
  if (kind === "side") return value > 0 ? "buy" : "sell";
  const text = String(value);
  const safe = kind === "words" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function render({ model, el }) {
  const scope = new Scope(model, el, "blotter", "Orders and fills");
  const head = heading(scope);
  const search = h("input", { type: "search", placeholder: "Filter: words, or side:buy, price>100", "aria-label": "filter rows" });
  const count = h("span", { class: "b25-count", "aria-live": "polite" });
  const filler = h("div", { "aria-hidden": "true" });
  const top = h("thead"), body = h("tbody");
  const table = h("table", { "aria-label": "rows" }, top, body);
  const scroll = h("div", { class: "b25-scroll", tabindex: "0", role: "region", "aria-label": "table; up and down choose a row" }, filler, table);
  const empty = h("div", { class: "b25-empty", hidden: true });
  let data = { heads: [], rows: [] }, order = [], sort = { column: 0, down: true }, first = -1, chosen = -1;

  const copy = button(scope, "Copy as CSV", async () => {
    const lines = [data.heads.map((one) => csvCell(one.title, "words")), ...order.map((k) => data.rows[k].map((cell, c) => csvCell(cell, data.heads[c].kind)))];
    const text = lines.map((line) => line.join(",")).join("\r\n");
    const done = await copied(text);
    say(copy, done ? `Copied ${number(order.length, 0)} rows` : "The browser refused");
    scope.send({ kind: "copied", rows: order.length });
    clearTimeout(again);
    again = setTimeout(() => say(copy, "Copy as CSV"), COPIED_MS);
  });
  let again = 0;
  scope.undo.push(() => clearTimeout(again));

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = h("textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
      area.value = text;
      scope.box.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  function matching(words) {
    const tests = words.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
      const [, name, sign, value] = /^([\w ]+)(>=|<=|>|<|:|=)(.+)$/.exec(word) ?? [];
      const c = name ? data.heads.findIndex((one) => one.name.toLowerCase() === name || one.title === name) : -1;
      if (c < 0) return (row) => row.some((cell, k) => String(shown(cell, data.heads[k].kind)).toLowerCase().includes(word));
      if (sign === ":" || sign === "=") return (row) => String(shown(row[c], data.heads[c].kind)).toLowerCase().includes(value);
      const bound = Number(value);
      const test = { ">": (x) => x > bound, "<": (x) => x < bound, ">=": (x) => x >= bound, "<=": (x) => x <= bound }[sign];
      return (row) => row[c] !== null && test(Number(row[c]));
    });
    return (row) => tests.every((test) => test(row));
  }

  function arrange() {
    const keep = matching(search.value), { column, down } = sort, sign = down ? -1 : 1;
    order = [];
    data.rows.forEach((row, k) => { if (keep(row)) order.push(k); });
    if (data.heads[column]) {
      const value = (k) => data.rows[k][column];
      order.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === y) return sign * (a - b);
        if (x === null || y === null) return x === null ? 1 : -1;  // what is not known comes last, either way
        return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true }));
      });
    }
    say(count, order.length === data.rows.length ? `${number(order.length, 0)} rows` : `${number(order.length, 0)} of ${number(data.rows.length, 0)} rows`);
    empty.hidden = order.length > 0;
    say(empty, data.rows.length ? "No row matches the filter." : "No rows yet.");
    filler.style.height = `${28 + order.length * ROW_PX}px`;
    first = -1;
    paint();
  }

  function paint() {
    const from = Math.max(0, Math.floor(scroll.scrollTop / ROW_PX) - SPARE);
    const until = Math.min(order.length, from + Math.ceil(scroll.clientHeight / ROW_PX) + 2 * SPARE);
    if (from === first) return;
    first = from;
    const pad = (rows) => h("tr", { "aria-hidden": "true", style: `height:${rows * ROW_PX}px` }, h("td", { colspan: data.heads.length || 1, style: "border:0;padding:0" }));
    const made = order.slice(from, until).map((k, n) => {
      const line = h("tr", { "aria-selected": String(k === chosen), "aria-rowindex": from + n + 2, "data-row": k });
      line.append(...data.rows[k].map((cell, c) => {
        const { kind, millis } = data.heads[c], text = shown(cell, kind, millis);
        const classes = [kind === "words" || kind === "time" || kind === "side" ? "b25-words" : "",
          cell === null ? "b25-unknown" : kind === "side" ? (cell > 0 ? "b25-up" : "b25-down") : ""].filter(Boolean).join(" ");
        return h("td", { class: classes || null, title: text.length > 14 || kind === "time" ? shown(cell, kind) : null }, text);
      }));
      return line;
    });
    put(body, from ? pad(from) : "", made);
    table.setAttribute("aria-rowcount", String(order.length + 1));
  }

  const wide = (one) => WIDTHS[one.kind] + (one.millis ? MILLIS_PX : 0);

  function titles() {
    put(top, h("tr", {}, data.heads.map((one, c) => {
      const on = sort.column === c, words = one.kind !== "number";
      const made = h("button", { type: "button" }, one.title, on ? (sort.down ? " \u2193" : " \u2191") : "");
      made.addEventListener("click", () => { sort = { column: c, down: on ? !sort.down : true }; titles(); arrange(); top.querySelectorAll("button")[c].focus(); });
      return h("th", { scope: "col", class: words ? "b25-words" : null, style: `width:${wide(one)}px`, "aria-sort": on ? (sort.down ? "descending" : "ascending") : "none" }, made);
    })));
    table.style.width = `max(100%, ${data.heads.reduce((sum, one) => sum + wide(one), 0)}px)`;
  }

  function load() {
    data = read(model);
    if (sort.column >= data.heads.length) sort = { column: 0, down: true };
    const version = (model.get("patched") ?? {}).version;
    if (titles.version !== version) { titles.version = version; titles(); chosen = -1; }
    arrange();
  }

  const choose = (k) => {
    chosen = k;
    first = -1;
    paint();
    scope.send({ kind: "pick", row: k });
  };
  scope.on(body, "click", (event) => {
    const line = event.target.closest("tr[data-row]");
    if (line) choose(Number(line.dataset.row));
  });
  scope.on(scroll, "keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !order.length || event.target !== scroll) return;
    event.preventDefault();
    const at = Math.max(0, Math.min(order.length - 1, chosen < 0 ? 0 : order.indexOf(chosen) + by));
    const y = at * ROW_PX;
    if (y < scroll.scrollTop) scroll.scrollTop = y;
    else if (y > scroll.scrollTop + scroll.clientHeight - 60) scroll.scrollTop = y - scroll.clientHeight + 60;
    choose(order[at]);
  });
  scope.on(search, "input", arrange);
  scope.on(scroll, "scroll", paint);
  const observer = new ResizeObserver(() => { first = -1; paint(); });
  observer.observe(scroll);
  scope.undo.push(() => observer.disconnect());

  head.tools.append(copy);
  scope.box.append(h("div", { class: "b25-bar" }, search, count), h("div", { class: "b25-body" }, scroll, empty));
  scope.watch("rows columns patched", load);
  return () => scope.close();
}

export default { render };
