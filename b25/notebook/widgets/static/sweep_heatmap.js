// Two parameters and one figure of a sweep. What was not tried is hatched; beside the best cell stands what it is worth.
import { Scope, h, put, say, heading, canvas, columns, number, isKnown } from "./base.js";

const LEFT = 66, BOTTOM = 40, RIGHT = 92, TOP = 10;
// From worst to best: orange, neutral, blue, the ends farthest from the paper.
const SCALES = { light: ["#b3541e", "#eeb27c", "#f0efec", "#7fb0d6", "#0b5a94"], dark: ["#ffab66", "#9a5f30", "#2a323e", "#3577a8", "#8ccbff"] };

function mixed(scale, share) {
  const at = Math.max(0, Math.min(1, share)) * (scale.length - 1), k = Math.min(scale.length - 2, Math.floor(at));
  const part = (text, n) => parseInt(text.slice(1 + 2 * n, 3 + 2 * n), 16);
  return [0, 1, 2].map((n) => Math.round(part(scale[k], n) + (part(scale[k + 1], n) - part(scale[k], n)) * (at - k)));
}

function render({ model, el }) {
  const scope = new Scope(model, el, "heatmap", "Sweep");
  const head = heading(scope);
  const body = h("div", { class: "b25-body" });
  const tip = h("div", { class: "b25-tip", hidden: true });
  const facts = h("dl", { class: "b25-facts" });
  const picked = h("div", { class: "b25-picked", "aria-live": "polite" });
  let data = null, cursor = null;

  const choose = (label) => {
    const made = h("select", { "aria-label": label, title: label });
    scope.on(made, "change", () => scope.send({ kind: "show", x: selects.x.value, y: selects.y.value, metric: selects.metric.value }));
    return made;
  };
  const selects = { metric: choose("figure"), x: choose("across"), y: choose("upwards") };
  head.tools.append(selects.metric, h("span", { class: "b25-sub" }, "over"), selects.x, h("span", { class: "b25-sub" }, "and"), selects.y);
  const view = canvas(scope, body, "heat map; arrow keys move over the cells, Enter picks one", draw);

  function fill(select, names, value) {
    const text = names.join("\n");
    if (select.dataset.names !== text) { select.dataset.names = text; put(select, names.map((one) => h("option", { value: one }, one.replaceAll("_", " ")))); }
    select.value = value;
  }

  function load() {
    const axes = model.get("axes"), [all] = columns(model.get("grid"), "f");
    const xs = all.slice(0, axes.nx), ys = all.slice(axes.nx, axes.nx + axes.ny), z = all.slice(axes.nx + axes.ny);
    const known = [...z].filter(Number.isFinite);
    data = { axes, xs, ys, z, low: Math.min(...known), high: Math.max(...known), any: known.length > 0 };
    for (const name of ["x", "y"]) fill(selects[name], axes.parameters, axes[name]);
    fill(selects.metric, axes.metrics, axes.metric);
    if (cursor && (cursor.column >= axes.nx || cursor.row >= axes.ny)) cursor = null;
    trusted();
    view.redraw();
  }

  function trusted() {
    const trust = model.get("trust"), best = Object.entries(data.axes.best);
    const fact = (name, value, title = null) => h("div", { title }, h("dt", {}, name), value);
    const plain = (text, known = true) => h("dd", { class: known ? null : "b25-unknown" }, text);
    put(facts,
      fact(`Best by ${data.axes.objective.replaceAll("_", " ")}`, plain(best.length ? best.map(([k, v]) => `${k} ${number(v)}`).join(", ") : "n/a", best.length > 0)),
      fact("Points in this sweep", plain(number(trust.points, 0))),
      fact("Trials on this data, ever", plain(number(trust.trials, 0), isKnown(trust.trials))),
      fact("Deflated Sharpe of the best", plain(isKnown(trust.deflated) ? number(trust.deflated * 100, 0, { unit: "%" }) : `n/a${trust.why ? `: ${trust.why}` : ""}`, isKnown(trust.deflated)),
        "probability that the true Sharpe ratio is above that of the luckiest of so many trials without skill"),
      fact("Is it chance?", h("dd", { style: "font-weight:400" }, trust.verdict)));
    const mine = Object.entries(model.get("picked") ?? {});
    picked.hidden = !mine.length;
    say(picked, mine.length ? `picked: ${mine.map(([k, v]) => `${k}=${v}`).join(", ")}` : "");
  }

  const frame = (width, height) => ({ cellW: (width - LEFT - RIGHT) / data.axes.nx, cellH: (height - TOP - BOTTOM) / data.axes.ny, width, height });

  function draw(brush, width, height, ink) {
    if (!data) return;
    const { nx, ny } = data.axes, f = frame(width, height), scale = SCALES[scope.box.dataset.theme] ?? SCALES.light;
    brush.font = `11px ${ink.font}`;
    const share = (value) => {
      const at = data.high > data.low ? (value - data.low) / (data.high - data.low) : 0.5;
      return data.axes.lower_is_better ? 1 - at : at;
    };
    const gap = f.cellW > 6 && f.cellH > 6 ? 1 : 0;
    for (let row = 0; row < ny; row++) {
      for (let column = 0; column < nx; column++) {
        const value = data.z[row * nx + column], x = LEFT + column * f.cellW, y = TOP + (ny - 1 - row) * f.cellH;
        if (!Number.isFinite(value)) { hatched(brush, x, y, f, ink); continue; }
        const colour = mixed(scale, share(value));
        brush.fillStyle = `rgb(${colour})`;
        brush.fillRect(x, y, f.cellW - gap + (gap ? 0 : 0.5), f.cellH - gap + (gap ? 0 : 0.5));
        if (f.cellW > 44 && f.cellH > 17) {
          brush.fillStyle = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140 ? "#17202b" : "#ffffff";
          brush.textAlign = "center"; brush.textBaseline = "middle";
          brush.fillText(number(value, Math.abs(value) >= 1000 ? 0 : 2), x + f.cellW / 2, y + f.cellH / 2);
        }
      }
    }
    axes(brush, f, ink);
    legend(brush, f, ink, scale);
    outline(brush, f, ink);
  }

  function hatched(brush, x, y, f, ink) {
    brush.save();
    brush.beginPath(); brush.rect(x, y, f.cellW - 1, f.cellH - 1); brush.clip();
    brush.strokeStyle = ink.grid; brush.lineWidth = 1;
    brush.beginPath();
    for (let k = -f.cellH; k < f.cellW; k += 6) { brush.moveTo(x + k, y + f.cellH); brush.lineTo(x + k + f.cellH, y); }
    brush.stroke();
    brush.restore();
  }

  function axes(brush, f, ink) {
    const { nx, ny, x, y } = data.axes;
    brush.fillStyle = ink.muted; brush.textBaseline = "top"; brush.textAlign = "center";
    for (let k = 0; k < nx; k += Math.max(1, Math.ceil(46 / f.cellW))) brush.fillText(number(data.xs[k]), LEFT + (k + 0.5) * f.cellW, f.height - BOTTOM + 6);
    brush.textAlign = "right"; brush.textBaseline = "middle";
    for (let k = 0; k < ny; k += Math.max(1, Math.ceil(16 / f.cellH))) brush.fillText(number(data.ys[k]), LEFT - 8, TOP + (ny - 0.5 - k) * f.cellH);
    brush.fillStyle = ink.ink; brush.font = `500 11.5px ${ink.font}`; brush.textAlign = "center"; brush.textBaseline = "bottom";
    brush.fillText(x, LEFT + (f.width - LEFT - RIGHT) / 2, f.height - 3);
    brush.save(); brush.translate(13, TOP + (f.height - TOP - BOTTOM) / 2); brush.rotate(-Math.PI / 2); brush.fillText(y, 0, 4); brush.restore();
  }

  function legend(brush, f, ink, scale) {
    if (!data.any) return;
    const x = f.width - RIGHT + 18, tall = f.height - TOP - BOTTOM;
    for (let k = 0; k < tall; k++) { brush.fillStyle = `rgb(${mixed(scale, data.axes.lower_is_better ? k / tall : 1 - k / tall)})`; brush.fillRect(x, TOP + k, 12, 1.5); }
    brush.fillStyle = ink.muted; brush.font = `11px ${ink.font}`; brush.textAlign = "left"; brush.textBaseline = "middle";
    for (const [share, value] of [[0, data.high], [0.5, (data.low + data.high) / 2], [1, data.low]]) brush.fillText(number(value), x + 18, TOP + share * (tall - 10) + 5);
  }

  function outline(brush, f, ink) {
    const place = (values) => ({ column: data.xs.indexOf(Number(values[data.axes.x])), row: data.ys.indexOf(Number(values[data.axes.y])) });
    const box = ({ column, row }, colour, wide) => {
      if (column < 0 || row < 0) return;
      brush.strokeStyle = colour; brush.lineWidth = wide;
      brush.strokeRect(LEFT + column * f.cellW, TOP + (data.axes.ny - 1 - row) * f.cellH, f.cellW - 1, f.cellH - 1);
    };
    const best = place(data.axes.best), mine = place(model.get("picked") ?? {});
    box(best, ink.paper, 4); box(best, ink.ink, 2);
    if (best.column >= 0 && best.row >= 0) {
      const x = LEFT + (best.column + 0.5) * f.cellW, y = TOP + (data.axes.ny - 1 - best.row) * f.cellH;
      brush.fillStyle = ink.ink; brush.font = `600 11px ${ink.font}`; brush.textAlign = "center"; brush.textBaseline = "bottom";
      if (y > TOP + 12 && f.cellW < 44) brush.fillText("best", x, y - 2);
    }
    box(mine, ink.accent, 3);
    if (cursor) box(cursor, ink.muted, 2);
  }

  function pointed(event) {
    const f = frame(view.surface.clientWidth, view.surface.clientHeight);
    const column = Math.floor((event.offsetX - LEFT) / f.cellW), row = data.axes.ny - 1 - Math.floor((event.offsetY - TOP) / f.cellH);
    return column >= 0 && column < data.axes.nx && row >= 0 && row < data.axes.ny ? { column, row } : null;
  }

  function hint() {
    tip.hidden = !cursor;
    if (!cursor) return;
    const f = frame(view.surface.clientWidth, view.surface.clientHeight), value = data.z[cursor.row * data.axes.nx + cursor.column];
    tip.textContent = `${data.axes.x} ${number(data.xs[cursor.column])}\n${data.axes.y} ${number(data.ys[cursor.row])}\n${data.axes.metric.replaceAll("_", " ")} ${Number.isFinite(value) ? number(value) : "n/a"}`;
    const x = LEFT + (cursor.column + 1) * f.cellW + 6;
    tip.style.left = `${x + 150 > f.width ? x - f.cellW - 150 : x}px`;
    tip.style.top = `${Math.max(0, TOP + (data.axes.ny - 1 - cursor.row) * f.cellH - 8)}px`;
  }

  const pick = () => { if (cursor) scope.send({ kind: "pick", ...cursor }); };
  scope.on(view.surface, "pointermove", (event) => { cursor = data ? pointed(event) : null; hint(); view.redraw(); });
  scope.on(view.surface, "pointerleave", () => { cursor = null; hint(); view.redraw(); });
  scope.on(view.surface, "click", (event) => { cursor = pointed(event); pick(); });
  scope.on(view.surface, "keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Enter" || event.key === " ") pick();
    else if (by) {
      const { nx, ny } = data.axes, at = cursor ?? { column: 0, row: 0 };
      cursor = { column: Math.max(0, Math.min(nx - 1, at.column + by[0])), row: Math.max(0, Math.min(ny - 1, at.row + by[1])) };
      hint();
      view.redraw();
    } else return;
    event.preventDefault();
  });

  body.append(tip);
  scope.box.append(body, facts, picked, h("p", { class: "b25-hint" }, "A click picks a cell and hands its parameters to Python. Hatched: not tried, or no figure."));
  scope.watch("grid axes trust picked", load);
  return () => scope.close();
}

export default { render };
