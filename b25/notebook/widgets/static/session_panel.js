// One running session: state, mode, profit and loss split, position, heartbeat; buttons that ask for something and say what came of it.
import { Scope, h, put, say, heading, button, number, isKnown, lasting, decimalsOf } from "./base.js";

const RUNNING = new Set(["running", "active", "up", "trading"]);
const DOTS = { paused: "paused", stopping: "stopping", ending: "stopping", draining: "stopping", halted: "halted", killed: "killed", ended: "ended", reducing: "paused" };
const UNSURE_MS = 5000;

function render({ model, el }) {
  const scope = new Scope(model, el, "session", "Session");
  const head = heading(scope);
  const dot = h("span", { class: "b25-dot", "aria-hidden": "true" });
  const state = h("b", { "aria-live": "polite" });
  head.line.insertBefore(h("span", { class: "b25-state" }, dot, state), head.sub);
  const figures = h("dl", { class: "b25-figures" });
  const positions = h("div");
  const body = h("div", { class: "b25-body" }, figures, positions);
  const outcome = h("p", { class: "b25-outcome", role: "status", "aria-live": "polite" });
  let sent = 0, pending = null, timer = 0;
  scope.undo.push(() => clearTimeout(timer));

  const buttons = Object.fromEntries(["pause", "resume", "stop"].map((name) =>
    [name, button(scope, name[0].toUpperCase() + name.slice(1), () => ask(name))]));
  const typed = h("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": "type the phrase to kill" });
  const kill = button(scope, "Kill", () => ask("kill"), { class: "b25-button b25-danger" });
  const controls = h("div", { class: "b25-controls" }, Object.values(buttons), h("div", { class: "b25-kill" }, typed, kill));
  const hint = h("p", { class: "b25-hint" }, "While a cell runs, these buttons wait. To stop at once: ", h("code", {}, "b25 kill"), " in a terminal, or Kill in the dashboard.");

  function ask(name) {
    pending = { number: ++sent, name };
    scope.send({ kind: "command", name, number: sent, typed: name === "kill" ? typed.value : undefined });
    told(`${name}: sent, waiting for the acknowledgement`, "");
    clearTimeout(timer);
    timer = setTimeout(() => { if (pending) told(`${pending.name}: no answer yet. It may or may not have been done: look at the session`, "b25-unknown"); }, UNSURE_MS);
    if (name === "kill") typed.value = "";
    locks();
  }

  function told(text, kind) {
    say(outcome, text);
    outcome.className = `b25-outcome ${kind}`;
  }

  function answered() {
    const found = model.get("outcome") ?? {};
    if (!pending || found.number !== pending.number || found.state === "sent") return;
    pending = null;
    clearTimeout(timer);
    const words = { done: "done", refused: "refused: it was not done", unknown: "not known whether it was done" }[found.state];
    told(`${found.name}: ${words}. ${found.text ?? ""}`, found.state === "done" ? "b25-up" : "b25-down");
    locks();
  }

  function locks() {
    const shot = model.get("snapshot") ?? {}, phrase = model.get("phrase");
    const paused = shot.state === "paused", over = ["ended", "killed", "halted"].includes(shot.state);
    const off = { pause: paused || over, resume: !paused, stop: over };
    for (const [name, one] of Object.entries(buttons)) one.disabled = Boolean(pending) || off[name];
    const ready = typed.value.trim() === phrase;
    kill.disabled = Boolean(pending) || !ready;
    kill.classList.toggle("b25-ready", ready);
    kill.title = ready ? "cancels all orders of the account and stops its sessions" : `type ${phrase} first`;
  }

  const money = (value, asset, sign = true) => {
    const made = h("dd", {}, number(value, 2, { sign }), isKnown(value) && asset ? h("small", {}, `\u2009${asset}`) : "");
    if (!isKnown(value)) made.className = "b25-unknown";
    else if (sign && Number(value) !== 0) made.className = Number(value) > 0 ? "b25-up" : "b25-down";
    return made;
  };
  const figure = (name, value, main = false, title = null) => h("div", { class: `b25-figure${main ? " b25-main" : ""}`, title }, h("dt", {}, name), value);
  const plain = (text) => h("dd", { class: text === "n/a" ? "b25-unknown" : null }, text);

  function change() {
    const shot = model.get("snapshot") ?? {}, status = model.get("status") ?? {};
    const name = shot.state ?? "unknown";
    dot.className = `b25-dot b25-${RUNNING.has(name) ? "running" : DOTS[name] ?? "unknown"}`;
    say(state, name);
    say(head.sub, [shot.strategy && `${shot.strategy}${isKnown(shot.version) ? `@${shot.version}` : ""}`, shot.account && `account ${shot.account}`].filter(Boolean).join(" \u00b7 "));
    const drift = shot.drift ?? { state: "unknown" };
    const driftWords = { none: "none", found: "found" }[drift.state] ?? "n/a";
    put(figures,
      figure("Net since its start", money(shot.net, shot.asset), true,
        isKnown(shot.funding) ? "realised + unrealised \u2212 fees + funding" : "realised + unrealised \u2212 fees; funding is not told"),
      figure("Realised", money(shot.realised, shot.asset)), figure("Unrealised", money(shot.unrealised, shot.asset)),
      figure("Fees", money(isKnown(shot.fees) ? -shot.fees : null, shot.asset)),
      figure("Funding", money(shot.funding, shot.asset)),
      figure("Equity", money(shot.equity, shot.asset, false)),
      figure("Open orders", plain(number(shot.live_orders, 0))),
      figure("Heartbeat", plain(lasting(head.age())), false, "age of what was heard last, by the server's clock"),
      figure("Drift", h("dd", { class: drift.state === "found" ? "b25-down" : driftWords === "n/a" ? "b25-unknown" : null }, driftWords), false, drift.text || "how live trading compares with a replay of its journal"));
    const held = shot.positions ?? [];
    const row = (one) => h("tr", {}, h("td", {}, one.symbol ?? "n/a"), cell(one.quantity, true), cell(one.entry_price), cell(one.mark), cell(one.unrealised, true));
    put(positions, held.length ? h("table", { "aria-label": "positions" },
      h("thead", {}, h("tr", {}, ["position", "quantity", "entry", "mark", "unrealised"].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, held.map(row))) : h("p", { class: "b25-sub" }, isKnown(shot.net) ? "No position." : "Positions: n/a"),
    shot.fault ? h("p", { class: "b25-notice" }, shot.fault) : "");
    controls.hidden = !shot.commands;
    hint.hidden = !shot.commands;
    typed.placeholder = model.get("phrase");
    body.dataset.mode = status.mode ?? "unknown";
    locks();
  }
  const cell = (value, sign = false) => h("td", { class: !isKnown(value) ? "b25-unknown" : sign && Number(value) ? (Number(value) > 0 ? "b25-up" : "b25-down") : null }, isKnown(value) ? number(value, typeof value === "string" ? decimalsOf(value, true) : null, { sign }) : "n/a");

  scope.on(typed, "input", locks);
  scope.on(typed, "keydown", (event) => { if (event.key === "Enter" && !kill.disabled) kill.click(); });
  scope.box.append(body, controls, outcome, hint);
  scope.watch("snapshot status phrase", change);
  scope.watch("outcome", answered);
  scope.every(1000, change);
  return () => scope.close();
}

export default { render };
