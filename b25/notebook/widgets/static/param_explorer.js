// Controls made from a strategy's parameters; each move asks for a backtest. Curves of pinned settings stay to compare with.
import { Scope, h, put, say, heading, button, canvas, bytes, columns, number, moment, marks, timeMarks, faded, isKnown, decimalsOf } from "./base.js";

const SETTLE_MS = 150, LOG_STEPS = 300, LEFT = 8, RIGHT = 76, BOTTOM = 20, TOP = 8, POINT_BYTES = 16;
const PIN_INKS = ["muted", "sell", "accent", "good", "warn"];
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 2]];

function render({ model, el }) {
  const scope = new Scope(model, el, "explorer", "Parameter explorer");
  const head = heading(scope);
  const side = h("div", { class: "b25-controls" });
  const body = h("div", { class: "b25-body" });
  const tip = h("div", { class: "b25-tip", hidden: true });
  const legend = h("div", { class: "b25-legend" }), told = h("div", { class: "b25-run", role: "status", "aria-live": "polite" });
  const table = h("table", { "aria-label": "figures" }), trials = h("p", { class: "b25-trials" });
  let values = { ...model.get("values") }, curves = [], pointer = null, made = "";
  const parts = new Map();

  const commit = scope.settle(SETTLE_MS, () => scope.set("values", { ...values }));
  const change = (name, value) => { values = { ...values, [name]: value }; shownValues(); commit(); };
  const pin = button(scope, "Pin", () => scope.send({ kind: "pin" }), { title: "keep this curve to compare others with" });
  const reset = button(scope, "Reset", () => { values = Object.fromEntries(model.get("controls").map((one) => [one.name, one.default])); shownValues(); commit(); });
  const cancel = button(scope, "Cancel", () => scope.send({ kind: "cancel" }), { hidden: true });
  head.tools.append(cancel, pin, reset);
  const view = canvas(scope, body, "equity curves", draw);

  // A slider that spans orders of magnitude is even in the logarithm.
  const toSlider = (one, value) => (one.is_log ? (Math.log(value / one.low) / Math.log(one.high / one.low)) * LOG_STEPS : value);
  const fromSlider = (one, place) => {
    const raw = one.is_log ? one.low * (one.high / one.low) ** (place / LOG_STEPS) : place;
    if (one.kind === "int") return Math.round(raw);
    const value = one.is_log ? Number(raw.toPrecision(3)) : Number(raw.toFixed(decimalsOf(one.step) + 1));
    return Math.min(one.high, Math.max(one.low, value));
  };

  function build() {
    const controls = model.get("controls"), text = JSON.stringify(controls);
    if (text === made) return;
    made = text;
    parts.clear();
    put(side, controls.map((one, k) => {
      const id = `b25-control-${Math.random().toString(36).slice(2)}-${k}`;
      const label = h("label", { for: id, title: one.bounds || null }, one.name.replaceAll("_", " "));
      const box = h("div", { class: "b25-control" });
      if (one.kind === "bool") {
        const check = h("input", { type: "checkbox", id });
        check.addEventListener("change", () => change(one.name, check.checked));
        parts.set(one.name, { one, box, show: (value) => { check.checked = value; } });
        box.append(label, check);
        return box;
      }
      const entry = h("input", { type: "number", id, step: one.kind === "int" ? 1 : "any" });
      const slider = h("input", { type: "range", min: one.is_log ? 0 : one.low, max: one.is_log ? LOG_STEPS : one.high, step: one.is_log ? 1 : one.step, "aria-label": `${one.name} slider` });
      slider.addEventListener("input", () => change(one.name, fromSlider(one, Number(slider.value))));
      entry.addEventListener("change", () => { if (entry.value !== "" && Number.isFinite(Number(entry.value))) change(one.name, Number(entry.value)); });
      parts.set(one.name, { one, box, show(value) {
        if (document.activeElement !== entry && entry.getRootNode().activeElement !== entry) entry.value = value;
        else if (Number(entry.value) !== value) entry.value = value;
        slider.value = toSlider(one, value);
        slider.setAttribute("aria-valuetext", `${number(value)} ${one.unit}`);
      } });
      box.append(label, h("span", { class: "b25-entry" }, entry, one.unit), slider,
        h("span", { class: "b25-bounds" }, h("span", {}, number(one.low)), one.is_guessed ? h("span", { title: "no bound is declared; type any value" }, "no bound declared") : "", h("span", {}, number(one.high))));
      return box;
    }), controls.length ? "" : h("p", { class: "b25-empty" }, "This strategy declares no parameters."));
  }

  function shownValues() {
    for (const { one, box, show } of parts.values()) {
      show(values[one.name]);
      box.classList.toggle("b25-changed", values[one.name] !== one.default);
    }
  }

  function load() {
    const [ms, equity] = columns(model.get("curve"), "nf");
    const raw = bytes(model.get("pinned_curves"));
    let at = 0;
    curves = (model.get("pins") ?? []).map((one, k) => {
      const [t, v] = columns(raw.slice(at, at + one.points * POINT_BYTES), "nf");
      at += one.points * POINT_BYTES;
      return { ...one, ms: t, equity: v, colour: PIN_INKS[k], dash: DASHES[k] };
    });
    const key = (model.get("run") ?? {}).key;
    if (ms.length) curves.push({ key: "", label: "these parameters", ms, equity, colour: "equity", dash: [], isNow: true, isPinned: curves.some((one) => one.key === key) });
    names();
    view.redraw();
  }

  function names() {
    const style = getComputedStyle(scope.box), ink = (name) => style.getPropertyValue(`--b25-${name}`).trim();
    const baseline = model.get("baseline");
    put(legend, [...curves].reverse().map((one) => {
      const key = h("span", { class: "b25-key", style: `--b25-key:${ink(one.colour)}` }, one.label);
      if (one.isNow) return key;
      const tool = (words, kind, label) => {
        const made = h("button", { type: "button", class: "b25-button", style: "min-height:20px;padding:0 6px;font-size:11px;margin-left:4px", "aria-label": label, title: label, "aria-pressed": kind === "compare" ? String(one.key === baseline) : null }, words);
        made.addEventListener("click", () => scope.send({ kind, key: one.key }));
        return made;
      };
      return h("span", {}, key, tool("compare", "compare", `compare with ${one.label}`), tool("take", "take", `go back to ${one.label}`), tool("\u00d7", "unpin", `take ${one.label} off`));
    }));
  }

  function state() {
    const run = model.get("run") ?? {};
    const how = run.compiled === false ? ", plain Python" : "";
    const words = { running: "running \u2026", curve: `run in ${number(run.run_ms, 0, { unit: "ms" })}${how}, figures are coming \u2026`,
      done: run.is_cached ? "remembered from before" : `run in ${number(run.run_ms, 0, { unit: "ms" })}${how}`, failed: "the run failed", cancelled: "cancelled" }[run.state] ?? "";
    say(told, words);
    cancel.hidden = run.state !== "running";
    pin.disabled = run.state !== "done";
    scope.box.setAttribute("aria-busy", String(run.state === "running"));
  }

  function figures() {
    const rows = model.get("figures") ?? [], compares = rows.some((one) => one.difference !== undefined);
    const base = (model.get("pins") ?? []).find((one) => one.key === model.get("baseline"));
    put(table, h("thead", {}, h("tr", {}, ["figure", "now", ...(compares ? [base ? base.label : "compared", "difference"] : [])].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, rows.map((one) => h("tr", {}, h("td", {}, one.title), cell(one.text, one.why), compares ? cell(one.other) : "",
        compares ? h("td", { class: one.better === true ? "b25-up" : one.better === false ? "b25-down" : null }, one.difference ?? "n/a", one.better === true ? " better" : one.better === false ? " worse" : "") : ""))));
    const told = model.get("trials") ?? {};
    trials.hidden = !rows.length;
    put(trials, h("b", {}, `${number(told.count, 0)} setting${told.count === 1 ? "" : "s"}`), told.count === 1 ? " was" : " were", " tried on this data so far, each move of a slider is one more. Deflated Sharpe of this one: ",
      h("b", { title: told.why || null }, isKnown(told.deflated) ? number(told.deflated * 100, 0, { unit: "%" }) : "n/a"), isKnown(told.deflated) ? "." : ` (${told.why || "not known"}).`);
  }
  const cell = (text, why) => h("td", { class: text === "n/a" || text === undefined ? "b25-unknown" : null, title: why || null }, text ?? "n/a");

  function draw(brush, width, height, ink) {
    brush.font = `11px ${ink.font}`;
    const style = getComputedStyle(scope.box);
    const colourOf = (one) => style.getPropertyValue(`--b25-${one.colour}`).trim() || ink.muted;
    if (!curves.length) {
      brush.fillStyle = ink.muted; brush.textAlign = "center";
      brush.fillText("the first run is under way \u2026", width / 2, height / 2);
      return;
    }
    let [from, to, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const one of curves) {
      from = Math.min(from, one.ms[0]); to = Math.max(to, one.ms[one.ms.length - 1]);
      for (const value of one.equity) { if (value < low) low = value; if (value > high) high = value; }
    }
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
    low -= pad; high += pad;
    const right = width - RIGHT, bottom = height - BOTTOM;
    const x = (ms) => LEFT + ((ms - from) / (to - from || 1)) * (right - LEFT), y = (value) => TOP + ((high - value) / (high - low)) * (bottom - TOP);
    brush.strokeStyle = ink.grid; brush.fillStyle = ink.muted; brush.lineWidth = 1; brush.textAlign = "left"; brush.textBaseline = "middle";
    for (const value of marks(low, high, (bottom - TOP) / 48)) {
      path(brush, [[LEFT, Math.round(y(value)) + 0.5], [right, Math.round(y(value)) + 0.5]]);
      brush.fillText(number(value, high - low > 20 ? 0 : 2), right + 8, y(value));
    }
    brush.textAlign = "center"; brush.textBaseline = "alphabetic";
    for (const [ms, text] of timeMarks(from, to, (right - LEFT) / 90)) { if (x(ms) > LEFT + 20) brush.fillText(text, x(ms), bottom + 14); }
    const start = y(curves.at(-1).equity[0]);
    brush.setLineDash([2, 4]); brush.strokeStyle = ink.muted; path(brush, [[LEFT, start], [right, start]]); brush.setLineDash([]);
    for (const one of curves) {
      brush.strokeStyle = colourOf(one); brush.lineWidth = one.isNow ? 2 : 1.4; brush.setLineDash(one.dash); brush.lineJoin = "round";
      path(brush, Array.from(one.ms, (ms, k) => [x(ms), y(one.equity[k])]));
      brush.setLineDash([]);
    }
    pointed(brush, { x, y, from, to, right, bottom, ink });
  }

  function path(brush, points) {
    brush.beginPath();
    points.forEach(([x, y], k) => (k ? brush.lineTo(x, y) : brush.moveTo(x, y)));
    brush.stroke();
  }

  function pointed(brush, f) {
    tip.hidden = true;
    if (!pointer || pointer.x > f.right) return;
    const ms = f.from + ((pointer.x - LEFT) / (f.right - LEFT)) * (f.to - f.from);
    brush.strokeStyle = faded(f.ink.muted, 0.7); brush.lineWidth = 1;
    path(brush, [[pointer.x, TOP], [pointer.x, f.bottom]]);
    const lines = [...curves].reverse().map((one) => {
      let first = 0, last = one.ms.length - 1;
      while (first < last) { const middle = (first + last + 1) >> 1; if (one.ms[middle] <= ms) first = middle; else last = middle - 1; }
      return `${number(one.equity[first], 2)}  ${one.label}`;
    });
    tip.textContent = [`${moment(ms, { date: true })} UTC`, ...lines].join("\n");
    tip.hidden = false;
    tip.style.left = `${pointer.x > f.right / 2 ? Math.max(0, pointer.x - tip.offsetWidth - 12) : pointer.x + 12}px`;
    tip.style.top = `${TOP}px`;
  }
  scope.on(view.surface, "pointermove", (event) => { pointer = { x: event.offsetX, y: event.offsetY }; view.redraw(); });
  scope.on(view.surface, "pointerleave", () => { pointer = null; view.redraw(); });

  body.append(tip);
  scope.box.append(h("div", { class: "b25-split" }, h("div", {}, side, trials), h("div", { style: "min-width:0" }, body, legend, told, table)));
  scope.themed.push(names);
  scope.watch("controls", () => { build(); shownValues(); });
  scope.watch("values", () => { values = { ...model.get("values") }; shownValues(); });
  scope.watch("curve pinned_curves pins baseline", load);
  scope.watch("run", state);
  scope.watch("figures trials pins baseline", figures);
  return () => scope.close();
}

export default { render };
