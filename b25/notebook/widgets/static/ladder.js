// The order book as a ladder of 40 prices: depth as bars, our own orders with what stands before them; the middle is followed.
import { Scope, h, say, heading, button, canvas, int64s, number, decimalsOf, faded, short } from "./base.js";

const ROWS = 40, ROW_PX = 17, GROUPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

function read(model) {
  const all = int64s(model.get("book"));
  const side = (from, count) => Array.from({ length: count }, (_, k) => [all[from + 2 * k], all[from + 2 * k + 1]]);
  const [bids, asks] = [all[0] || 0, all[1] || 0];
  return { bids: side(2, bids), asks: side(2 + 2 * bids, asks) };
}

// Ticks a row, so that the levels that are known fill the ladder.
function fitting(book) {
  const reach = [book.bids, book.asks].map((side) => (side.length ? Math.abs(side.at(-1)[0] - side[0][0]) : 0));
  const gap = book.bids.length && book.asks.length ? book.asks[0][0] - book.bids[0][0] : 0;
  const wanted = (Math.max(...reach) + gap / 2) / (ROWS / 2 - 1);
  return GROUPS.find((one) => one >= wanted) ?? GROUPS.at(-1);
}

function gathered(book, orders, group) {
  const rows = new Map();
  const at = (row) => rows.get(row) ?? rows.set(row, { bid: 0, ask: 0, own: [] }).get(row);
  // Bids are rounded down and asks up, so that a row never shows a better price than there is.
  for (const [ticks, lots] of book.bids) at(Math.floor(ticks / group)).bid += lots;
  for (const [ticks, lots] of book.asks) at(Math.ceil(ticks / group)).ask += lots;
  for (const one of orders) at(one.side > 0 ? Math.floor(one.ticks / group) : Math.ceil(one.ticks / group)).own.push(one);
  return rows;
}

function render({ model, el }) {
  const scope = new Scope(model, el, "ladder", "Order book");
  const head = heading(scope);
  const body = h("div", { class: "b25-body" });
  const live = h("span", { "aria-live": "polite" });
  const foot = h("div", { class: "b25-foot" });
  const state = { group: null, centre: null, follow: true, cursor: null, book: { bids: [], asks: [] } };

  const step = (by) => {
    const now = GROUPS.indexOf(groupNow());
    state.group = GROUPS[Math.max(0, Math.min(GROUPS.length - 1, now + by))];
    state.centre = null;
    change();
  };
  const follow = button(scope, "Follow", () => { state.follow = !state.follow; state.centre = null; change(); },
    { title: "keep the middle of the book in the middle (F)" });
  const size = h("span", { class: "b25-sub" });
  head.tools.append(button(scope, "\u2212", () => step(-1), { "aria-label": "fewer ticks a row" }), size,
    button(scope, "+", () => step(1), { "aria-label": "more ticks a row" }), follow);

  const groupNow = () => state.group ?? fitting(state.book);
  const grid = () => model.get("grid");
  const price = (ticks) => number(ticks * Number(grid().tick), decimalsOf(grid().tick));
  const quantity = (lots) => number(lots * Number(grid().lot), decimalsOf(grid().lot));
  const top = () => {
    const { bids, asks } = state.book, group = groupNow();
    const mid = bids.length && asks.length ? (bids[0][0] + asks[0][0]) / 2 : (bids[0] ?? asks[0])?.[0] ?? null;
    if (mid === null) return null;
    if (state.follow || state.centre === null) state.centre = Math.round(mid / group);
    return state.centre + ROWS / 2;
  };

  const view = canvas(scope, body, "order book ladder; up and down move, Enter takes the price, F follows the middle", draw);
  view.surface.style.height = `${ROWS * ROW_PX + 22}px`;

  function draw(brush, width, _, ink) {
    const first = top(), group = groupNow();
    brush.font = `12px ${ink.font}`;
    brush.textBaseline = "middle";
    if (first === null) {
      brush.fillStyle = ink.muted; brush.textAlign = "center";
      brush.fillText("no book: nothing was heard yet", width / 2, 60);
      return;
    }
    const rows = gathered(state.book, model.get("orders") ?? [], group);
    const own = Math.min(92, width * 0.18), middle = 96, wing = (width - middle) / 2;
    const most = Math.max(1, ...[...rows.values()].map((row) => Math.max(row.bid, row.ask)));
    const columns = [["own", own - 6, "right"], ["bid", wing - 8, "right"], ["price", width / 2, "center"],
      ["ask", wing + middle + 8, "left"], ["own", width - own + 6, "left"]];
    brush.fillStyle = ink.muted; brush.font = `11px ${ink.font}`;
    for (const [words, x, align] of columns) { brush.textAlign = align; brush.fillText(words, x, 9); }
    for (let k = 0; k < ROWS; k++) {
      const row = first - k, y = 22 + k * ROW_PX, found = rows.get(row), centre = y + ROW_PX / 2;
      brush.fillStyle = ink.panel;
      brush.fillRect(wing, y, middle, ROW_PX);
      if (found) bars(brush, found, { y, wing, middle, own, width, most, ink });
      const chosen = state.cursor !== null && Math.floor(state.cursor / group) === row;
      if (chosen) { brush.strokeStyle = ink.accent; brush.lineWidth = 1.5; brush.strokeRect(0.75, y + 0.75, width - 1.5, ROW_PX - 1.5); }
      brush.font = `${found ? "600 " : ""}12px ${ink.font}`;
      brush.textAlign = "center";
      brush.fillStyle = found?.bid ? ink.buy : found?.ask ? ink.sell : ink.muted;
      brush.fillText(price(row * group), width / 2, centre);
      if (found) words(brush, found, { centre, wing, middle, own, width, ink });
    }
    touchLine(brush, first, group, width, ink);
  }

  function bars(brush, row, at) {
    const { y, wing, middle, own, width, most, ink } = at;
    const room = wing - own - 4;
    for (const [lots, colour, left] of [[row.bid, ink.buy, true], [row.ask, ink.sell, false]]) {
      if (!lots) continue;
      const length = Math.max(2, (lots / most) * room);
      brush.fillStyle = faded(colour, 0.24);
      brush.fillRect(left ? wing - length : wing + middle, y + 1, length, ROW_PX - 2);
    }
    for (const one of row.own) {
      brush.fillStyle = one.side > 0 ? ink.buy : ink.sell;
      brush.fillRect(one.side > 0 ? own - 3 : width - own, y + 2, 3, ROW_PX - 4);
    }
  }

  function words(brush, row, at) {
    const { centre, wing, middle, own, width, ink } = at;
    brush.font = `12px ${ink.font}`;
    brush.fillStyle = ink.ink;
    if (row.bid) { brush.textAlign = "right"; brush.fillText(quantity(row.bid), wing - 8, centre); }
    if (row.ask) { brush.textAlign = "left"; brush.fillText(quantity(row.ask), wing + middle + 8, centre); }
    for (const side of [1, -1]) {
      const mine = row.own.filter((one) => Math.sign(one.side) === side);
      if (!mine.length) continue;
      const lots = mine.reduce((sum, one) => sum + one.lots, 0);
      const ahead = mine.length === 1 && mine[0].ahead !== null ? ` \u00b7${short(mine[0].ahead * Number(grid().lot))}` : "";
      brush.fillStyle = side > 0 ? ink.buy : ink.sell;
      brush.font = `600 11.5px ${ink.font}`;
      brush.textAlign = side > 0 ? "right" : "left";
      brush.fillText(quantity(lots) + ahead, side > 0 ? own - 8 : width - own + 8, centre, own - 8);
    }
  }

  function touchLine(brush, first, group, width, ink) {
    const { bids } = state.book;
    if (!bids.length) return;
    const y = 22 + (first - Math.floor(bids[0][0] / group)) * ROW_PX;
    if (y < 22 || y > 22 + ROWS * ROW_PX) return;
    brush.strokeStyle = ink.muted; brush.lineWidth = 1; brush.setLineDash([3, 3]);
    brush.beginPath(); brush.moveTo(0, Math.round(y) + 0.5); brush.lineTo(width, Math.round(y) + 0.5); brush.stroke();
    brush.setLineDash([]);
  }

  function change() {
    state.book = read(model);
    const { bids, asks } = state.book, spread = bids.length && asks.length ? asks[0][0] - bids[0][0] : null;
    say(head.sub, [grid().quote && `prices in ${grid().quote}`, grid().base && `quantities in ${grid().base}`].filter(Boolean).join(", "));
    say(size, `${groupNow()} tick${groupNow() > 1 ? "s" : ""} a row`);
    follow.setAttribute("aria-pressed", String(state.follow));
    const mid = spread === null ? null : ((bids[0][0] + asks[0][0]) / 2) * Number(grid().tick);
    const bps = spread === null || !mid ? null : ((spread * Number(grid().tick)) / mid) * 1e4;
    const held = (side) => side.reduce((sum, [, lots]) => sum + lots, 0);
    const [bought, asked] = [held(bids), held(asks)];
    const lean = bought + asked ? (bought - asked) / (bought + asked) : null;
    foot.replaceChildren(
      h("span", {}, "spread ", h("b", {}, spread === null ? "n/a" : `${number(spread, 0)} tick${spread === 1 ? "" : "s"}`), bps === null ? "" : ` \u00b7 ${number(bps, 2)} bp`),
      h("span", {}, "imbalance ", h("b", {}, number(lean, 2, { sign: true }))),
      h("span", {}, "own orders ", h("b", {}, String((model.get("orders") ?? []).length))), live);
    view.redraw();
  }

  const choose = (ticks) => {
    state.cursor = ticks;
    say(live, `selected ${price(ticks)}`);
    view.redraw();
    scope.send({ kind: "price", ticks });
  };
  const rowAt = (event) => top() - Math.floor((event.offsetY - 22) / ROW_PX);
  scope.on(view.surface, "click", (event) => { if (top() !== null && event.offsetY >= 22) choose(rowAt(event) * groupNow()); });
  scope.on(view.surface, "wheel", (event) => {
    if (state.follow || top() === null) return;
    event.preventDefault();
    state.centre -= Math.sign(event.deltaY) * 2;
    view.redraw();
  }, { passive: false });
  scope.on(view.surface, "keydown", (event) => {
    const move = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (event.key === "f" || event.key === "F") follow.click();
    else if (event.key === "Enter" && state.cursor !== null) choose(state.cursor);
    else if (move && top() !== null) {
      state.cursor = ((state.cursor === null ? state.centre : Math.floor(state.cursor / groupNow())) + move) * groupNow();
      if (!state.follow && Math.abs(state.cursor / groupNow() - state.centre) > ROWS / 2 - 2) state.centre += move;
      say(live, price(state.cursor));
      view.redraw();
    } else return;
    event.preventDefault();
  });

  scope.box.append(body, foot, h("p", { class: "b25-hint" },
    "A click selects a price; it places no order. After an own quantity: what stands before it, where that is known."));
  scope.watch("book orders grid", change);
  return () => scope.close();
}

export default { render };
