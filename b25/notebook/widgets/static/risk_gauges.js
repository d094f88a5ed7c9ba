// Limits as bars: how much is used of what is allowed, and when it was last breached. Not known is hatched, never empty.
import { Scope, h, put, say, heading, number, short, moment, lasting, isKnown } from "./base.js";

const WORDS = { ok: "within", near: "near", breached: "BREACHED", unknown: "not known: counts as breached", off: "no limit", refused: "refused" };

function render({ model, el }) {
  const scope = new Scope(model, el, "gauges", "Risk limits");
  const head = heading(scope);
  const list = h("div", { role: "list" });
  const body = h("div", { class: "b25-body" }, list);

  function gauge(one) {
    const share = isKnown(one.ratio) ? Math.max(0, one.ratio) : null;
    const words = share === null ? "n/a" : share > 10 ? "over 1000\u202f%" : number(share * 100, share < 0.1 && share > 0 ? 1 : 0, { unit: "%" });
    const amount = `${isKnown(one.used) ? short(one.used) : "n/a"} of ${isKnown(one.limit) ? short(one.limit) : "n/a"}${one.unit ? ` ${one.unit}` : ""}`;
    const about = [one.rule, one.latched && "latched: a person must re-arm it",
      isKnown(one.breached_ms) && `last breached ${moment(one.breached_ms, { date: true })} UTC`,
      isKnown(one.count) && `${number(one.count, 0)} refused`, one.set_by && `set by ${one.set_by}`].filter(Boolean);
    return h("div", { class: `b25-gauge b25-${one.state === "unknown" ? "dark" : one.state}`, role: "listitem" },
      h("span", { class: "b25-name" }, one.title),
      h("span", { class: "b25-track", role: "meter", "aria-label": one.title, "aria-valuemin": 0, "aria-valuemax": 100,
        "aria-valuenow": share === null ? null : Math.round(Math.min(1, share) * 100), "aria-valuetext": `${words}, ${WORDS[one.state]}` },
      h("span", { class: "b25-fill", style: `width:${share === null ? 0 : Math.min(100, share * 100)}%` }), one.state === "off" ? "" : h("span", { class: "b25-warnline" })),
      h("span", { class: "b25-amount" }, one.state === "off" || one.state === "refused" ? "" : h("b", {}, words), " ", h("span", { class: "b25-word" }, WORDS[one.state] === "within" ? "" : WORDS[one.state].split(":")[0]),
        h("br"), h("small", {}, one.state === "refused" ? "by the gate" : one.state === "off" ? (isKnown(one.used) ? `${short(one.used)} used` : "") : amount)),
      about.length || one.state === "unknown" ? h("span", { class: "b25-about" }, [one.state === "unknown" ? WORDS.unknown : "", ...about].filter(Boolean).join(" \u00b7 ")) : "");
  }

  function change() {
    const limits = model.get("limits") ?? [];
    const bad = limits.filter((one) => one.state === "breached").length, dark = limits.filter((one) => one.state === "unknown").length;
    say(head.sub, limits.length ? [`${limits.length} limits`, bad && `${bad} breached`, dark && `${dark} not known`].filter(Boolean).join(", ") : "");
    put(list, limits.length ? limits.map(gauge) : h("div", { class: "b25-empty" }, "No limits are set, or none were heard of."));
  }

  scope.box.append(body);
  scope.watch("limits", change);
  return () => scope.close();
}

export default { render };
