"""Frames of a backtest around one of its orders: of bars one a bar, of ticks one a message of the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.kernels.annotate_book import apply_rows
from b25.kernels.book import make_ladder
from b25.kernels.book_reads import top
from b25.model.book import LEVEL
from b25.model.errors import Misuse
from b25.model.event import TRADE
from b25.model.order import AMEND, CANCEL, MARKET, REASON_TEXT, SUBMIT, Reason, State
from b25.research.bar_result import BarBacktest

if TYPE_CHECKING:
    from b25.model.instrument import Instrument
    from b25.research.result import Backtest

LEVELS: Final = 6
MESSAGES_MAX: Final = 2_000  # of a stretch of ticks
REQUESTS: Final = {SUBMIT: "order", CANCEL: "cancel", AMEND: "amend"}
SIDES: Final = {1: "buy", -1: "sell"}

Event = dict[str, Any]


def frames_of(result: Backtest, order_id: int | None, *, before: int, after: int) -> tuple[list[dict[str, Any]], int | None]:
    """Return frames, and the number of the order that they surround.

    Parameters
    ----------
    result : Backtest
    order_id : int or None
        The first order by default; of a run without orders, its beginning.
    before, after : int
        Bars or messages.

    Raises
    ------
    Misuse
        For an order that the run does not have.
    """
    orders = np.sort(result.outcome.orders, order="order_id")
    if order_id is None:
        order_id = int(orders["order_id"][0]) if orders.size else None
    row = orders[orders["order_id"] == order_id]
    if order_id is not None and not row.size:
        known = f"{int(orders['order_id'][0])} to {int(orders['order_id'][-1])}" if orders.size else "none"
        raise Misuse(f"the run has no order {order_id}", remedy=f"its orders are {known}; see result.orders")
    i = int(row["instrument"][0]) if row.size else 0
    first_ns = int(row["created_ns"][0]) if row.size else result.outcome.start_ns
    last_ns = int(row["updated_ns"][0]) if row.size else first_ns
    if isinstance(result, BarBacktest):
        return _bars(result, i, first_ns, last_ns, before, after), order_id
    return _messages(result, i, first_ns, last_ns, before, after), order_id


def _bars(result: BarBacktest, i: int, first_ns: int, last_ns: int, before: int, after: int) -> list[dict[str, Any]]:
    view = result.made.datasets[i].view
    closes = view["close_ns"]
    low = max(0, int(np.searchsorted(closes, first_ns)) - before)
    high = min(closes.size, int(np.searchsorted(closes, last_ns)) + after + 1)
    # A decision is made when its bar is complete; what fills at the next open has that same time, and comes after it.
    decided, came = _told(result, i)
    by_bar: dict[int, list[Event]] = {}
    for times, side in ((came, "right"), (decided, "left")):
        for time_ns, event in times:
            k = int(np.searchsorted(closes, time_ns, side=side))  # type: ignore[call-overload]
            if low <= k < high:
                by_bar.setdefault(k, []).append(event)
    # Of what happens at the moment of the close, the position and the worth are those of the decision: before it.
    held, worth = _holding(result, i, "left"), _equity(result, "left")
    return [
        {
            "time_ns": int(closes[k]),
            "bar": {name: float(view[name][k]) for name in ("open", "high", "low", "close", "volume")},
            "events": by_bar.get(k, []),
            "position": held(int(closes[k])),
            "equity": worth(int(closes[k])),
        }
        for k in range(low, high)
    ]


def _messages(result: Backtest, i: int, first_ns: int, last_ns: int, before: int, after: int) -> list[dict[str, Any]]:
    tape = result.made.datasets[i].tape
    messages, times = tape.messages, tape.messages["local_ns"]
    low = max(0, int(np.searchsorted(times, first_ns)) - before)
    high = min(times.size, int(np.searchsorted(times, last_ns)) + after, low + MESSAGES_MAX)
    if high <= low:
        raise Misuse("no message of the feed lies there", remedy="choose another order, or more before and after")
    decided, came = _told(result, i)
    by_message: dict[int, list[Event]] = {}
    for time_ns, event in (*came, *decided):
        k = max(low, int(np.searchsorted(times, time_ns, side="right")) - 1)
        if k < high and time_ns >= int(times[low]):
            by_message.setdefault(k, []).append(event)
    held, worth = _holding(result, i, "right"), _equity(result, "right")
    ladder, applied = make_ladder(), 0
    frames = []
    instrument = result.instruments[i]
    for k in range(low, high):
        stop = int(messages["row_end"][k])
        apply_rows(tape.levels[applied:stop], stop - applied, *ladder.book)
        applied = stop
        row, time_ns = messages[k], int(times[k])
        frame = {
            "time_ns": time_ns, "book": _book(ladder, instrument), "events": by_message.get(k, []), "position": held(time_ns),
            "equity": worth(time_ns),
        }  # fmt: skip
        if row["kind"] == TRADE:
            price, quantity = instrument.price(int(row["price_ticks"])), instrument.quantity(int(row["qty_lots"]))
            frame["market"] = f"trade: {quantity} at {price}, aggressor {'bought' if row['side'] > 0 else 'sold'}"
        frames.append(frame)
    return frames


def _book(ladder: Any, instrument: Instrument) -> dict[str, list[list[str]]]:
    sides = {}
    for index, name in ((0, "bids"), (1, "asks")):
        out = np.zeros(LEVELS, LEVEL)
        seen = out[: top(*ladder.book, index, out)]
        sides[name] = [[str(instrument.price(p)), str(instrument.quantity(q))] for p, q in seen.tolist()]
    return sides


def _told(result: Backtest, i: int) -> tuple[list[tuple[int, Event]], list[tuple[int, Event]]]:
    """What was decided, and what came of it, each with its time."""
    out, instrument = result.outcome, result.instruments[i]
    decided = []
    for row in out.effects[out.effects["instrument"] == i]:
        refused = int(row["reason"]) != 0
        what = REQUESTS.get(int(row["kind"]), "request")
        text = f"{what} {int(row['order_id'])}"
        if what != "cancel":
            at = "at market" if row["flags"] & MARKET else f"at {instrument.price(int(row['price_ticks']))}"
            quantity = instrument.quantity(int(row["qty_lots"]))
            text = f"{text}: {SIDES.get(int(row['side']), '')} {quantity} {at}"
        why = REASON_TEXT[Reason(int(row["reason"]))] if refused else ""
        event = {"what": "refused" if refused else "sent", "text": text, "why": why, "side": int(row["side"])}
        decided.append((int(row["time_ns"]), event))
    for row in out.notes:
        decided.append((int(row["time_ns"]), {"what": "note", "text": f"code {int(row['code'])}: {float(row['value']):g}"}))
    came = []
    for row in out.fills[out.fills["instrument"] == i]:
        fee = int(row["fee_e8"]) / 1e8 * float(instrument.money_unit)
        price, quantity = instrument.price(int(row["price_ticks"])), instrument.quantity(int(row["qty_lots"]))
        text = f"{SIDES[int(row['side'])]} {quantity} at {price}"
        why = f"order {int(row['order_id'])}, {'maker' if row['maker'] else 'taker'}, fee {fee:.6g} {instrument.settle}"
        came.append((int(row["local_ns"]), {"what": "filled", "text": text, "why": why, "side": int(row["side"])}))
    ended = out.orders[(out.orders["instrument"] == i) & (out.orders["state"] > State.FILLED)]
    for row in ended:
        why = REASON_TEXT[Reason(int(row["reason"]))] if row["reason"] else ""
        text = f"order {int(row['order_id'])} {State(int(row['state'])).name.lower()}"
        came.append((int(row["updated_ns"]), {"what": "ended", "text": text, "why": why, "side": int(row["side"])}))
    return decided, came


def _holding(result: Backtest, i: int, side: str) -> Any:
    """Return a function of time: the position after the last fill that was known then, or before then."""
    fills = result.outcome.fills
    fills = fills[fills["instrument"] == i]
    times, lots, unit = fills["local_ns"], fills["position_lots"], float(result.instruments[i].lot)

    def at(time_ns: int) -> float:
        k = int(np.searchsorted(times, time_ns, side=side)) - 1  # type: ignore[call-overload]
        return float(lots[k]) * unit if k >= 0 else 0.0

    return at


def _equity(result: Backtest, side: str) -> Any:
    """Return a function of time: the account's worth at the last mark then; of several at one time the last, or the first."""
    curve = result.curve

    def at(time_ns: int) -> float:
        k = int(np.searchsorted(curve.time_ns, time_ns, side="right")) - 1
        if side == "left":
            k = max(int(np.searchsorted(curve.time_ns, curve.time_ns[max(0, k)], side="left")), 0)
        return float(curve.equity[max(0, k)])

    return at
