// A stretch of a run, step by step: market, decision, reason, fill. A strip of the price shows where in it one stands.
import { Scope, h, put, say, heading, button, canvas, columns, number, short, moment, timeMarks, marks, isKnown } from "./base.js";

const RIGHT = 70, BOTTOM = 18, TOP = 14, STEP_MS = 200, FAST = [1, 2, 5, 10, 25];
const SENT = 1, FILLED = 2, REFUSED = 4, ENDED = 8, BOUGHT = 32;
const WORDS = { sent: "sent", filled: "filled", refused: "refused by the gate", ended: "ended", note: "noted" };

function render({ model, el }) {
  const scope = new Scope(model, el, "replay", "Trade replay");
  const head = heading(scope);
  const body = h("div", { class: "b25-body" }), panes = h("div", { class: "b25-panes" });
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "frame" });
  const place = h("span", { class: "b25-sub", "aria-live": "off" });
  let strip = { ms: [], price: [], marks: [] }, timer = 0, speed = 0;
  const strip_ = canvas(scope, body, "price of the stretch with what happened in it; left and right step, space plays", draw);

  const go = (to) => {
    const at = Math.max(0, Math.min(model.get("count") - 1, to));
    if (at !== model.get("cursor")) scope.set("cursor", at);
    if (at === model.get("count") - 1) stop();
    moved();
  };
  const step = (by) => go(model.get("cursor") + by);
  const event = (by) => {
    for (let k = model.get("cursor") + by; k >= 0 && k < strip.marks.length; k += by) if (strip.marks[k]) return go(k);
    return null;
  };
  const stop = () => { clearInterval(timer); timer = 0; say(play, "Play"); play.setAttribute("aria-pressed", "false"); };
  const start = () => {
    if (model.get("cursor") >= model.get("count") - 1) go(0);
    // Ten frames a second at most; what is faster leaves frames out, never what happened in them.
    const every = Math.max(100, STEP_MS / FAST[speed]), each = Math.max(1, Math.round((FAST[speed] * every) / STEP_MS));
    timer = setInterval(() => {
      const at = model.get("cursor"), next = strip.marks.slice(at + 1, at + each).findIndex((one) => one);
      step(next >= 0 ? next + 1 : each);
    }, every);
    say(play, "Pause");
    play.setAttribute("aria-pressed", "true");
  };
  scope.undo.push(() => clearInterval(timer));
  const toggle = () => (timer ? stop() : start());
  const play = button(scope, "Play", toggle);
  const fast = button(scope, "1\u00d7", () => {
    speed = (speed + 1) % FAST.length;
    say(fast, `${FAST[speed]}\u00d7`);
    if (timer) { stop(); start(); }
  }, { "aria-label": "speed" });
  const by = (words, call, label) => button(scope, words, call, { "aria-label": label, title: label });
  const player = h("div", { class: "b25-player" }, by("|\u25c0", () => event(-1), "to the event before"), by("\u25c0", () => step(-1), "a frame back"), play,
    by("\u25b6", () => step(1), "a frame on"), by("\u25b6|", () => event(1), "to the next event"), fast, slider, place);
  scope.on(slider, "input", () => go(Number(slider.value)));

  function load() {
    const [ms, price, flags] = columns(model.get("strip"), "nfi");
    strip = { ms, price, marks: Array.from(flags) };
    slider.max = Math.max(0, model.get("count") - 1);
    moved();
  }

  function moved() {
    slider.value = model.get("cursor");
    slider.setAttribute("aria-valuetext", `frame ${model.get("cursor") + 1} of ${model.get("count")}`);
    say(place, `${number(model.get("cursor") + 1, 0)} of ${number(model.get("count"), 0)}`);
    strip_.redraw();
  }

  function draw(brush, width, height, ink) {
    const n = strip.ms.length, at = model.get("cursor");
    brush.font = `11px ${ink.font}`;
    if (!n) return;
    const known = [...strip.price].filter(Number.isFinite), right = width - RIGHT, bottom = height - BOTTOM;
    const low = Math.min(...known), high = Math.max(...known), reach = high - low || Math.abs(high) * 1e-4 || 1;
    const x = (k) => 4 + (n > 1 ? k / (n - 1) : 0.5) * (right - 8), y = (price) => TOP + 8 + ((high - price) / reach) * (bottom - TOP - 16);
    brush.strokeStyle = ink.grid; brush.fillStyle = ink.muted; brush.lineWidth = 1; brush.textAlign = "left"; brush.textBaseline = "middle";
    if (known.length) for (const price of marks(low, high, 3)) { line(brush, 0, y(price), right, y(price)); brush.fillText(number(price), right + 8, y(price)); }
    brush.textAlign = "center"; brush.textBaseline = "alphabetic";
    for (let k = 0, last = -99; k < n; k++) { if (x(k) - last > 100 && x(k) < right - 30) { last = x(k); brush.fillText(moment(strip.ms[k]), Math.max(26, x(k)), bottom + 13); } }
    brush.strokeStyle = ink.equity; brush.lineWidth = 1.5; brush.lineJoin = "round";
    brush.beginPath();
    let pen = false;
    for (let k = 0; k < n; k++) { if (!Number.isFinite(strip.price[k])) { pen = false; continue; } if (pen) brush.lineTo(x(k), y(strip.price[k])); else brush.moveTo(x(k), y(strip.price[k])); pen = true; }
    brush.stroke();
    for (let k = 0; k < n; k++) mark(brush, strip.marks[k], x(k), Number.isFinite(strip.price[k]) ? y(strip.price[k]) : bottom - 8, ink);
    brush.strokeStyle = ink.ink; brush.lineWidth = 1.5; line(brush, x(at), TOP - 4, x(at), bottom);
    brush.fillStyle = ink.ink; brush.beginPath(); brush.moveTo(x(at) - 5, 2); brush.lineTo(x(at) + 5, 2); brush.lineTo(x(at), 10); brush.fill();
  }
  function line(brush, x0, y0, x1, y1) { brush.beginPath(); brush.moveTo(x0, Math.round(y0) + 0.5); brush.lineTo(x1, Math.round(y1) + 0.5); brush.stroke(); }
  function mark(brush, flags, x, y, ink) {
    if (!flags) return;
    brush.fillStyle = flags & REFUSED ? ink.bad : flags & FILLED ? (flags & BOUGHT ? ink.buy : ink.sell) : flags & SENT ? ink.accent : ink.muted;
    brush.strokeStyle = ink.paper; brush.lineWidth = 1.5;
    brush.beginPath();
    if (flags & REFUSED) brush.rect(x - 3.5, y - 3.5, 7, 7);
    else if (flags & FILLED) { brush.moveTo(x, y - 5); brush.lineTo(x + 5, y); brush.lineTo(x, y + 5); brush.lineTo(x - 5, y); brush.closePath(); }
    else brush.arc(x, y, flags & (SENT | ENDED) ? 4 : 2.5, 0, 7);
    brush.stroke(); brush.fill();
  }

  function shown() {
    const frame = model.get("frame") ?? {};
    say(head.sub, `${moment(frame.time_ms, { date: true, millis: true })} UTC`);
    const pane = (title, ...inside) => h("div", { class: "b25-pane" }, h("h4", {}, title), ...inside);
    const pairs = (facts) => h("dl", {}, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: value === "n/a" ? "b25-unknown" : null }, value)]));
    const market = frame.book ? book(frame.book) : frame.bar ? pairs(["open", "high", "low", "close", "volume"].map((name) => [name, number(frame.bar[name])])) : h("p", { class: "b25-unknown" }, "market: n/a");
    const events = (frame.events ?? []).map((one) => h("div", { class: `b25-event ${one.what === "refused" ? "b25-refused" : one.what === "filled" ? "b25-good" : ""}` },
      h("b", { class: one.side > 0 ? "b25-up" : one.side < 0 ? "b25-down" : null }, WORDS[one.what] ?? one.what), " ", one.text ?? "", one.why ? h("small", {}, one.why) : ""));
    const account = [["position", number(frame.position)], ["equity", number(frame.equity, 2)]];
    const state = Object.entries(frame.state ?? {}).map(([name, value]) => [name.replaceAll("_", " "), words(value)]);
    put(panes, pane(frame.book ? "Book" : "Bar", frame.market ? h("p", { class: "b25-sub", style: "margin:0 0 6px" }, frame.market) : "", market),
      pane("Decision and outcome", events.length ? events : h("p", { class: "b25-sub" }, "Nothing was decided here.")),
      pane("Account and strategy", pairs([...account, ...state])));
  }
  const words = (value) => (typeof value === "number" ? number(value) : value === null ? "n/a" : typeof value === "object" ? JSON.stringify(value).slice(0, 80) : String(value));

  function book({ bids = [], asks = [] }) {
    const rows = [...asks.slice(0, 6).reverse().map((one) => [one, "b25-down"]), null, ...bids.slice(0, 6).map((one) => [one, "b25-up"])];
    const most = Math.max(1e-12, ...[...asks.slice(0, 6), ...bids.slice(0, 6)].map((one) => Number(one[1])));
    const spread = bids.length && asks.length ? Number(asks[0][0]) - Number(bids[0][0]) : null;
    return h("div", {}, rows.map((row) => {
      if (!row) return h("div", { class: "b25-spread" }, `spread ${number(spread)}`);
      const [[price, quantity], kind] = row;
      return h("div", { class: `b25-level ${kind}` }, h("i", { style: `width:${(Number(quantity) / most) * 100}%` }), h("span", {}, number(price, 2)), h("span", { style: "color:var(--b25-ink)" }, short(quantity)));
    }));
  }

  scope.on(strip_.surface, "click", (found) => {
    const n = strip.ms.length, right = strip_.surface.clientWidth - RIGHT;
    go(Math.round(((found.offsetX - 4) / (right - 8)) * (n - 1)));
  });
  scope.on(scope.box, "keydown", (found) => {
    if (["INPUT", "BUTTON", "SELECT"].includes(found.target.tagName)) return;
    const act = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), " ": toggle, Home: () => go(0), End: () => go(model.get("count") - 1), PageUp: () => event(-1), PageDown: () => event(1) }[found.key];
    if (act) { found.preventDefault(); act(); }
  });

  body.append(player);
  scope.box.append(body, panes, h("div", { class: "b25-legend" }, h("span", {}, "\u25cf sent"), h("span", {}, "\u25c6 filled"), h("span", {}, "\u25a0 refused")));
  scope.watch("strip count", load);
  scope.watch("cursor", moved);
  scope.watch("frame", shown);
  return () => scope.close();
}

export default { render };
