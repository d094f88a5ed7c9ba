// What the widgets share: elements made without markup, numbers, packed arrays, and canvases that follow size and theme.

export const NS_PER_MS = 1e6;
const LATE_S = 2, STALE_S = 5, OPENED_LATER_MS = 2000;
const MINUS = "\u2212", UNKNOWN = "n/a";

// Elements. Text from outside goes in as text nodes only.
export function h(tag, attrs = {}, ...children) {
  const made = document.createElement(tag);
  return filled(made, attrs, children);
}

export function svg(tag, attrs = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attrs, children);
}

function filled(made, attrs, children) {
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
}

export function put(element, ...children) {
  element.replaceChildren(...children.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return element;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// All that a view holds on to. close() lets go of it.
export class Scope {
  constructor(model, el, name, label) {
    this.model = model;
    this.undo = [];
    this.box = h("section", { class: `b25-widget b25-${name}`, "aria-label": label });
    el.append(this.box);
    this.undo.push(() => this.box.remove());
    // Keys that are pressed in a widget are its own: JupyterLab would take them for commands, and cut the cell at an x. It
    // looks for this mark from the focused element on.
    this.on(this.box, "focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
    this.themed = [];
    this.followTheme();
  }

  on(target, type, call, options) {
    target.addEventListener(type, call, options);
    this.undo.push(() => target.removeEventListener(type, call, options));
  }

  every(ms, call) {
    const timer = setInterval(call, ms);
    this.undo.push(() => clearInterval(timer));
  }

  // Calls once a frame at most, however many of these traits change.
  watch(names, call) {
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => { frame = 0; call(); });
    };
    for (const name of names.split(" ")) {
      this.model.on(`change:${name}`, soon);
      this.undo.push(() => this.model.off(`change:${name}`, soon));
    }
    this.undo.push(() => cancelAnimationFrame(frame));
    call();
  }

  // A timer that begins again with each call, and calls at once when it was at rest.
  settle(ms, call) {
    let timer = 0, again = false;
    const over = () => {
      timer = 0;
      if (again) { again = false; call(); timer = setTimeout(over, ms); }
    };
    this.undo.push(() => clearTimeout(timer));
    return () => {
      if (timer) { again = true; clearTimeout(timer); } else call();
      timer = setTimeout(over, ms);
    };
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  // Panel's model cannot send: there a message is the value of a trait, with a number, so that equal ones are two.
  send(message) {
    if (typeof this.model.send === "function") this.model.send(message);
    else this.set("asked", { ...message, asked: (this.asked = (this.asked ?? 0) + 1) });
  }

  followTheme() {
    const look = () => {
      const theme = isDark(this.box.parentNode) ? "dark" : "light";
      if (this.box.dataset.theme === theme) return;
      this.box.dataset.theme = theme;
      for (const call of this.themed) call();
    };
    const media = matchMedia("(prefers-color-scheme: dark)");
    const observer = new MutationObserver(look);
    for (const one of [document.documentElement, document.body]) {
      observer.observe(one, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] });
    }
    this.on(media, "change", look);
    this.undo.push(() => observer.disconnect());
    look();
    requestAnimationFrame(look);
  }

  close() {
    for (const call of this.undo.splice(0).reverse()) call();
  }
}

function isDark(start) {
  const told = document.body.dataset.jpThemeLight;
  if (told !== undefined) return told === "false";
  for (let at = start; at; at = at.parentNode ?? at.host) {
    const element = at instanceof ShadowRoot ? at.host : at;
    if (!(element instanceof Element)) continue;
    const [red, green, blue, alpha = 1] = (getComputedStyle(element).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
    if (blue !== undefined && alpha > 0.5) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Packed columns of eight bytes. JupyterLab gives a DataView, a dashboard an ArrayBuffer or an array.
export function bytes(value) {
  if (!value) return new Uint8Array(0);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Uint8Array(value.buffer ?? value);
}

// Columns as Float64Array; kinds is one letter a column: i for int64, n for int64 nanoseconds as milliseconds, f for float64.
export function columns(value, kinds) {
  const raw = bytes(value);
  const count = Math.floor(raw.byteLength / 8 / kinds.length);
  const whole = raw.slice(0, count * 8 * kinds.length).buffer;  // a copy, which stands at a multiple of eight
  return [...kinds].map((kind, k) => {
    if (kind === "f") return new Float64Array(whole, k * count * 8, count);
    const ints = new BigInt64Array(whole, k * count * 8, count);
    return Float64Array.from(ints, (one) => (kind === "n" ? Number(one) / NS_PER_MS : Number(one)));
  });
}

export function int64s(value) {
  const raw = bytes(value);
  return Float64Array.from(new BigInt64Array(raw.slice(0, raw.byteLength - (raw.byteLength % 8)).buffer), Number);
}

// Numbers.
export function isKnown(value) {
  return value !== null && value !== undefined && value !== "" && Number.isFinite(Number(value));
}

export function number(value, decimals = null, { sign = false, unit = "" } = {}) {
  if (!isKnown(value)) return UNKNOWN;
  const figure = Number(value);
  const places = decimals ?? Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(Math.abs(figure) || 1))));
  const options = decimals === null
    ? { maximumFractionDigits: places } : { minimumFractionDigits: places, maximumFractionDigits: places };
  const text = Math.abs(figure).toLocaleString("en-US", options);
  const shownZero = !/[1-9]/.test(text);
  const mark = figure < 0 && !shownZero ? MINUS : sign && !shownZero ? "+" : "";
  return `${mark}${text}${unit ? `\u202f${unit}` : ""}`;
}

export function short(value) {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(Number(value));
  for (const [from, mark] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) if (size >= from) return number(value / (mark === "k" ? 1e3 : from), 1) + mark;
  return number(value);
}

// Decimals of a step, or, with zeros at the end, of a number as a venue writes it.
export function decimalsOf(step, zeros = false) {
  const text = String(step);
  if (/e-/i.test(text)) return Number(text.split(/e-/i)[1]);
  const digits = text.split(".")[1] ?? "";
  return (zeros ? digits : digits.replace(/0+$/, "")).length;
}

export function moment(ms, { seconds = true, date = false, millis = false } = {}) {
  if (!isKnown(ms)) return UNKNOWN;
  const text = new Date(Number(ms)).toISOString();
  const clock = text.slice(11, millis ? 23 : seconds ? 19 : 16);
  return date ? `${text.slice(0, 10)} ${clock}` : clock;
}

export function lasting(seconds) {
  if (!isKnown(seconds)) return UNKNOWN;
  const s = Math.max(0, Number(seconds));
  if (s < 10) return `${s.toFixed(1)}\u202fs`;
  if (s < 100) return `${Math.round(s)}\u202fs`;
  if (s < 6000) return `${Math.round(s / 60)}\u202fmin`;
  return s < 172800 ? `${Math.round(s / 3600)}\u202fh` : `${Math.round(s / 86400)}\u202fd`;
}

// Round numbers for an axis, and the decimals that they need.
export function axisDecimals(found) {
  return found.length < 2 ? 2 : Math.max(0, Math.min(8, Math.ceil(-Math.log10(found[1] - found[0]) - 1e-9) + (/^25/.test((found[1] - found[0]).toExponential().replace(".", "")) ? 1 : 0)));
}

export function marks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found;
}

const SPANS_MS = [1, 2, 5, 10, 50, 100, 500, 1e3, 2e3, 5e3, 15e3, 30e3, 6e4, 12e4, 3e5, 9e5, 18e5, 36e5, 72e5, 144e5, 216e5, 432e5,
  864e5, 1728e5, 4320e5, 6048e5, 12096e5, 26784e5, 80352e5, 315576e5];
export function timeMarks(low, high, count) {
  const step = SPANS_MS.find((one) => (high - low) / one <= count) ?? SPANS_MS.at(-1);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
    const text = step >= 864e5 ? new Date(at).toISOString().slice(step >= 315576e5 ? 0 : 5, step >= 315576e5 ? 4 : 10)
      : at % 864e5 === 0 ? new Date(at).toISOString().slice(5, 10) : moment(at, { seconds: step < 6e4, millis: step < 1e3 });
    found.push([at, text]);
  }
  return found;
}

// The colours that a canvas cannot take from the style sheet by itself.
export function inks(box) {
  const style = getComputedStyle(box);
  const names = ["paper", "panel", "ink", "muted", "grid", "buy", "sell", "equity", "drawdown", "accent", "warn", "bad"];
  const found = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--b25-${name}`).trim()]));
  found.font = style.getPropertyValue("--b25-font").trim() || "sans-serif";
  return found;
}

export function faded(colour, share) {
  const whole = /^#([0-9a-f]{6})$/i.exec(colour);
  if (!whole) return colour;
  const [red, green, blue] = [0, 2, 4].map((k) => parseInt(whole[1].slice(k, k + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}

// A canvas that draws itself anew when its size or theme changes; draw(brush, width, height, inks).
export function canvas(scope, parent, label, draw) {
  const surface = h("canvas", { role: "img", tabindex: "0", "aria-label": label });
  parent.append(surface);
  let frame = 0;
  const now = () => {
    frame = 0;
    const { width, height } = surface.getBoundingClientRect();
    if (width < 2 || height < 2) return;
    const dense = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * dense), Math.round(height * dense)];
    if (surface.width !== wide || surface.height !== high) [surface.width, surface.height] = [wide, high];
    const brush = surface.getContext("2d");
    brush.setTransform(dense, 0, 0, dense, 0, 0);
    brush.clearRect(0, 0, width, height);
    draw(brush, width, height, inks(scope.box));
  };
  const redraw = () => { frame ||= requestAnimationFrame(now); };
  const observer = new ResizeObserver(redraw);
  observer.observe(surface);
  scope.themed.push(redraw);
  scope.undo.push(() => { observer.disconnect(); cancelAnimationFrame(frame); });
  return { surface, redraw };
}

// Title, badges and age: the first line of every widget.
export function heading(scope) {
  const title = h("h3", { class: "b25-title" });
  const sub = h("span", { class: "b25-sub" });
  const badges = h("span", { class: "b25-badges" });
  const tools = h("span", { class: "b25-tools" });
  const notice = h("p", { class: "b25-notice", role: "alert", hidden: true });
  const line = h("header", { class: "b25-head" }, title, sub, tools, badges);
  scope.box.append(line, notice);
  let heard = performance.now(), before = 0, was = null;
  const age = () => {
    const status = scope.model.get("status") ?? {};
    return isKnown(status.age_s) ? status.age_s + before + (performance.now() - heard) / 1e3 : null;
  };
  const look = () => {
    const status = scope.model.get("status") ?? {};
    if (status !== was) {
      const since = Date.now() - (status.heard_ms ?? Date.now());
      before = was === null && since > OPENED_LATER_MS ? since / 1e3 : 0;  // a view that was opened later
      [heard, was] = [performance.now(), status];
    }
    const old = age();
    const stale = Boolean(status.is_stale) || (old !== null && old > STALE_S);
    scope.box.classList.toggle("b25-stale", stale);
    const made = [];
    if (status.probation) made.push(["probation", "on probation", status.probation]);
    if (stale) made.push(["stale", old === null ? "stale" : `stale, ${lasting(old)} old`, status.why || "nothing newer was heard"]);
    else if (old !== null) made.push([old > LATE_S ? "late" : "fresh", `${lasting(old)} ago`, "age by the server's clock"]);
    if (status.mode) made.push([`mode b25-mode-${status.mode}`, status.mode.toUpperCase(), status.source || `mode: ${status.mode}`]);
    const text = JSON.stringify(made);
    if (badges.dataset.shown === text) return;
    badges.dataset.shown = text;
    put(badges, made.map(([kind, words, why]) => h("span", { class: `b25-badge b25-is-${kind}`, title: why }, words)));
  };
  const told = () => {
    say(title, scope.model.get("title") || "");
    const text = scope.model.get("notice") || "";
    say(notice, text);
    notice.hidden = !text;
  };
  scope.watch("title notice", told);
  scope.watch("status", look);
  scope.every(500, look);
  return { sub, tools, line, age };
}

export function button(scope, words, call, attrs = {}) {
  const made = h("button", { type: "button", class: "b25-button", ...attrs }, words);
  scope.on(made, "click", call);
  return made;
}
