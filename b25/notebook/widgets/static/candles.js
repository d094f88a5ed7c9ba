// Candles with volume, fills, and lines for what is open. Dragging moves, the wheel and + and - zoom; finer bars are asked for.
import { Scope, h, put, say, heading, button, canvas, columns, number, short, moment, marks, timeMarks, faded, isKnown, axisDecimals } from "./base.js";

const RIGHT = 74, BOTTOM = 20, TOP = 8, VOLUME = 0.17, BARS_MIN = 8, ASK_MS = 120;

function render({ model, el }) {
  const scope = new Scope(model, el, "candles", "Candles");
  const head = heading(scope);
  const body = h("div", { class: "b25-body" });
  const tip = h("div", { class: "b25-tip", hidden: true });
  const legend = h("div", { class: "b25-legend" });
  const spoken = h("span", { class: "b25-sub", "aria-live": "polite" });
  let bars = null, fills = null, view = null, pointer = null, drag = null, atEnd = true;

  const surface = canvas(scope, body, "candles; left and right move, plus and minus zoom, 0 shows all", draw);
  const digits = () => model.get("tick").digits ?? 2;

  function load() {
    const [open, close, o, hi, lo, c, v] = columns(model.get("bars"), "nnfffff");
    bars = { open, close, o, hi, lo, c, v };
    const [time, price, quantity, side, maker] = columns(model.get("fills"), "nffii");
    fills = { time, price, quantity, side, maker };
    const span = model.get("span") ?? {};
    if (isKnown(span.first_ms)) {
      if (view === null) view = { from: span.first_ms, to: span.last_ms };
      else if (atEnd && span.last_ms > view.to) view = { from: view.from + span.last_ms - view.to, to: span.last_ms };
    }
    const text = model.get("tick");
    say(head.sub, [text.quote && `price in ${text.quote}`, text.base && `volume in ${text.base}`].filter(Boolean).join(", "));
    const width = bars.open.length ? (close[0] - open[0]) / 1e3 : null;
    put(legend, h("span", {}, `${number(bars.open.length, 0)} bars of ${spanWords(width)}${span.each > 1 ? `, each of ${span.each}: highs and lows are kept; zoom in for finer ones` : ""}`),
      fills.time.length ? h("span", { class: "b25-up" }, "\u25b2 bought") : "", fills.time.length ? h("span", { class: "b25-down" }, "\u25bc sold") : "",
      (model.get("lines") ?? []).length ? h("span", {}, "\u2504 open") : "", spoken);
    surface.redraw();
  }

  const spanWords = (s) => (s === null ? "n/a" : s >= 86400 ? `${number(s / 86400)} d` : s >= 3600 ? `${number(s / 3600)} h` : s >= 60 ? `${number(s / 60)} min` : `${number(s)} s`);
  const seen = () => {
    let first = 0, last = bars.open.length;
    while (first < last && bars.close[first] <= view.from) first++;
    while (last > first && bars.open[last - 1] >= view.to) last--;
    return [first, last];
  };

  function draw(brush, width, height, ink) {
    brush.font = `11px ${ink.font}`;
    if (!bars || !bars.open.length || !view) {
      brush.fillStyle = ink.muted; brush.textAlign = "center";
      brush.fillText("no bars", width / 2, height / 2);
      return;
    }
    const [first, last] = seen(), right = width - RIGHT, bottom = height - BOTTOM, split = bottom - height * VOLUME;
    let low = Infinity, high = -Infinity, most = 0;
    for (let k = first; k < last; k++) {
      low = Math.min(low, bars.lo[k]); high = Math.max(high, bars.hi[k]);
      if (isKnown(bars.v[k])) most = Math.max(most, bars.v[k]);
    }
    if (!(high >= low)) { low = 0; high = 1; }
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.001 || 1;
    const frame = { low: low - pad, high: high + pad, right, bottom, split: most ? split : bottom, width, most, ink,
      x: (ms) => ((ms - view.from) / (view.to - view.from)) * right,
      y(price) { return TOP + ((this.high - price) / (this.high - this.low)) * (this.split - TOP - 4); } };
    axes(brush, frame);
    brush.save(); brush.beginPath(); brush.rect(0, 0, right, bottom); brush.clip();
    bodies(brush, frame, first, last);
    markers(brush, frame);
    brush.restore();
    open(brush, frame, last);
    crosshair(brush, frame, first, last);
  }

  function axes(brush, f) {
    brush.strokeStyle = f.ink.grid; brush.fillStyle = f.ink.muted; brush.lineWidth = 1;
    brush.textAlign = "left"; brush.textBaseline = "middle";
    const prices = marks(f.low, f.high, f.split / 52), places = Math.min(digits(), axisDecimals(prices));
    for (const price of prices) {
      const y = Math.round(f.y(price)) + 0.5;
      line(brush, 0, y, f.right, y);
      brush.fillText(number(price, places), f.right + 8, y);
    }
    brush.textAlign = "center"; brush.textBaseline = "alphabetic";
    for (const [ms, text] of timeMarks(view.from, view.to, f.right / 84)) {
      const x = Math.round(f.x(ms)) + 0.5;
      line(brush, x, TOP, x, f.bottom);
      if (x > 24 && x < f.right - 16) brush.fillText(text, x, f.bottom + 14);
    }
  }

  function line(brush, x0, y0, x1, y1) { brush.beginPath(); brush.moveTo(x0, y0); brush.lineTo(x1, y1); brush.stroke(); }

  function bodies(brush, f, first, last) {
    const wide = Math.max(1, ((bars.close[first] - bars.open[first]) / (view.to - view.from)) * f.right * 0.7);
    for (let k = first; k < last; k++) {
      const up = bars.c[k] >= bars.o[k], colour = up ? f.ink.buy : f.ink.sell;
      const x = f.x((bars.open[k] + bars.close[k]) / 2);
      if (f.most && isKnown(bars.v[k])) {
        const tall = (bars.v[k] / f.most) * (f.bottom - f.split - 4);
        brush.fillStyle = faded(colour, 0.35);
        brush.fillRect(x - wide / 2, f.bottom - tall, wide, tall);
      }
      brush.strokeStyle = brush.fillStyle = colour; brush.lineWidth = 1;
      const middle = wide > 2 ? Math.round(x) + 0.5 : x;
      line(brush, middle, f.y(bars.hi[k]), middle, f.y(bars.lo[k]));
      if (wide < 2.2) continue;
      const top = f.y(Math.max(bars.o[k], bars.c[k])), tall = Math.max(1, f.y(Math.min(bars.o[k], bars.c[k])) - top);
      if (up && wide > 5) { brush.fillStyle = f.ink.paper; brush.fillRect(middle - wide / 2, top, wide, tall); brush.strokeRect(middle - wide / 2, top, wide, tall); }
      else brush.fillRect(middle - wide / 2, top, wide, tall);
    }
  }

  // Marks of one pixel column and side are one mark: of a hundred fills in a place one cannot tell more.
  function markers(brush, f) {
    const taken = new Set();
    for (let k = 0; k < fills.time.length; k++) {
      if (fills.time[k] < view.from || fills.time[k] > view.to) continue;
      const x = f.x(fills.time[k]), y = f.y(fills.price[k]), buy = fills.side[k] > 0;
      const key = `${Math.round(x / 7)}/${Math.round(y / 9)}/${buy}`;
      if (taken.has(key)) continue;
      taken.add(key);
      const down = buy ? 1 : -1;
      brush.beginPath();
      brush.moveTo(x, y + 2 * down); brush.lineTo(x - 4.5, y + 10 * down); brush.lineTo(x + 4.5, y + 10 * down); brush.closePath();
      brush.fillStyle = buy ? f.ink.buy : f.ink.sell; brush.strokeStyle = f.ink.paper; brush.lineWidth = 1.5;
      brush.stroke(); brush.fill();
    }
  }

  // What is open, and the last price: lines where they lie, and tags at the side, one below the other where they would touch.
  function open(brush, f, last) {
    const tags = (model.get("lines") ?? []).map((one) => ({ ...one, dash: one.kind === "stop" ? [2, 3] : [6, 4], words: one.text || one.kind,
      colour: one.kind === "stop" ? f.ink.bad : one.kind === "entry" ? f.ink.accent : one.side < 0 ? f.ink.sell : f.ink.buy }));
    const k = bars.c.length - 1;
    if (last > k) tags.push({ price: bars.c[k], colour: bars.c[k] >= bars.o[k] ? f.ink.buy : f.ink.sell, dash: [1, 3], words: "" });
    for (const one of tags) {
      one.y = f.y(one.price);
      one.at = Math.max(TOP + 8, Math.min(f.split - 8, one.y));
      if (one.at !== one.y) { one.words = `${one.y < TOP + 8 ? "\u2191" : "\u2193"} ${one.words}`; continue; }
      brush.strokeStyle = one.colour; brush.lineWidth = 1; brush.setLineDash(one.dash);
      line(brush, 0, Math.round(one.y) + 0.5, f.right, Math.round(one.y) + 0.5);
      brush.setLineDash([]);
    }
    tags.sort((one, two) => one.at - two.at);
    for (let n = 1; n < tags.length; n++) tags[n].at = Math.max(tags[n].at, tags[n - 1].at + 17);
    const over = Math.max(0, (tags.at(-1)?.at ?? 0) - f.split + 8);
    for (const one of tags) {  // a price of the axis that a tag would cut in two goes
      brush.fillStyle = f.ink.paper; brush.fillRect(f.right + 1, one.at - over - 14, RIGHT - 2, 28);
    }
    for (const one of tags) {
      tagAt(brush, f, one.at - over, number(one.price, digits()), one.colour);
      if (!one.words) continue;
      const wide = brush.measureText(one.words).width + 10;
      brush.fillStyle = f.ink.paper; brush.fillRect(f.right - wide - 2, one.at - over - 8, wide, 16);
      brush.strokeStyle = one.colour; brush.lineWidth = 1; brush.strokeRect(f.right - wide - 1.5, one.at - over - 7.5, wide, 15);
      brush.fillStyle = one.colour; brush.textAlign = "right";
      brush.fillText(one.words, f.right - 7, one.at - over);
    }
  }

  function tagAt(brush, f, y, text, colour) {
    brush.fillStyle = colour;
    brush.fillRect(f.right + 1, y - 8, RIGHT - 2, 16);
    brush.fillStyle = f.ink.paper; brush.textAlign = "left"; brush.textBaseline = "middle";
    brush.fillText(text, f.right + 8, y);
  }

  function crosshair(brush, f, first, last) {
    tip.hidden = true;
    if (!pointer || drag || pointer.x > f.right || pointer.y > f.bottom) return;
    const ms = view.from + (pointer.x / f.right) * (view.to - view.from);
    let k = first;
    while (k < last - 1 && bars.close[k] <= ms) k++;
    const x = Math.round(f.x((bars.open[k] + bars.close[k]) / 2)) + 0.5;
    brush.strokeStyle = faded(f.ink.muted, 0.7); brush.lineWidth = 1; brush.setLineDash([3, 3]);
    line(brush, x, TOP, x, f.bottom); line(brush, 0, pointer.y, f.right, pointer.y);
    brush.setLineDash([]);
    if (pointer.y < f.split) tagAt(brush, f, pointer.y, number(f.low + ((f.split - 4 - pointer.y) / (f.split - TOP - 4)) * (f.high - f.low), digits()), f.ink.muted);
    const change = bars.o[k] ? (bars.c[k] / bars.o[k] - 1) * 100 : null;
    const near = [];
    for (let j = 0; j < fills.time.length && near.length < 4; j++) {
      if (fills.time[j] >= bars.open[k] && fills.time[j] < bars.close[k]) near.push(`${fills.side[j] > 0 ? "\u25b2 bought" : "\u25bc sold"} ${number(fills.quantity[j])} at ${number(fills.price[j], digits())}`);
    }
    tip.textContent = [`${moment(bars.open[k], { date: true })} UTC`, `open  ${number(bars.o[k], digits())}`, `high  ${number(bars.hi[k], digits())}`,
      `low   ${number(bars.lo[k], digits())}`, `close ${number(bars.c[k], digits())}  ${number(change, 2, { sign: true, unit: "%" })}`, `volume ${short(bars.v[k])}`, ...near].join("\n");
    tip.hidden = false;
    tip.style.left = `${x > f.right / 2 ? Math.max(0, x - tip.offsetWidth - 14) : x + 14}px`;
    tip.style.top = `${TOP + 6}px`;
  }

  // Moving about.
  let asking = 0;
  const ask = () => {
    clearTimeout(asking);
    asking = setTimeout(() => scope.send({ kind: "range", from_ms: view.from, to_ms: view.to }), ASK_MS);
  };
  scope.undo.push(() => clearTimeout(asking));
  function move(from, to) {
    const span = model.get("span") ?? {}, whole = span.last_ms - span.first_ms;
    const least = bars.open.length ? (bars.close[0] - bars.open[0]) / Math.max(1, span.each ?? 1) * BARS_MIN : 1;
    const wide = Math.min(Math.max(to - from, Math.min(least, whole)), whole * 1.1), centre = (from + to) / 2;
    const start = Math.min(Math.max(centre - wide / 2, span.first_ms - wide * 0.4), span.last_ms - wide * 0.6);
    view = { from: start, to: start + wide };
    atEnd = view.to >= span.last_ms;
    say(spoken, `${moment(view.from, { date: true, seconds: false })} to ${moment(view.to, { date: true, seconds: false })} UTC`);
    surface.redraw();
    ask();
  }
  const zoom = (by, share = 0.5) => {
    const wide = view.to - view.from, at = view.from + wide * share;
    move(at - wide * by * share, at + wide * by * (1 - share));
  };
  const all = () => { const span = model.get("span"); move(span.first_ms, span.last_ms); };
  const shift = (share) => { const by = (view.to - view.from) * share; move(view.from + by, view.to + by); };
  const width = () => surface.surface.clientWidth - RIGHT;
  const ready = (call) => (...args) => { if (view && bars.open.length) call(...args); };
  head.tools.append(button(scope, "\u2212", ready(() => zoom(1.6)), { "aria-label": "zoom out" }), button(scope, "+", ready(() => zoom(0.6)), { "aria-label": "zoom in" }),
    button(scope, "All", ready(all), { "aria-label": "show all" }));
  scope.on(surface.surface, "wheel", ready((event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, Math.min(1, event.offsetX / width())); }), { passive: false });
  scope.on(surface.surface, "pointerdown", ready((event) => { drag = { x: event.offsetX, ...view }; surface.surface.setPointerCapture(event.pointerId); }));
  scope.on(surface.surface, "pointerup", () => { drag = null; });
  scope.on(surface.surface, "pointercancel", () => { drag = null; });
  scope.on(surface.surface, "pointermove", ready((event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    if (drag) { const by = ((drag.x - event.offsetX) / width()) * (drag.to - drag.from); move(drag.from + by, drag.to + by); }
    surface.redraw();
  }));
  scope.on(surface.surface, "pointerleave", () => { pointer = null; tip.hidden = true; surface.redraw(); });
  scope.on(surface.surface, "keydown", ready((event) => {
    const act = { ArrowLeft: () => shift(-0.2), ArrowRight: () => shift(0.2), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.6), 0: all }[event.key];
    if (act) { event.preventDefault(); act(); }
  }));

  body.append(tip);
  scope.box.append(body, legend);
  scope.watch("bars fills tick span lines", load);
  return () => scope.close();
}

export default { render };
