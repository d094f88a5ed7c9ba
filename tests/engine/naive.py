"""The naive twin of the `hftbacktest` profile: a capture, two books, four clocks, in the dullest Python there is.

This is the specification that the compiled engine is held against, so nothing here is clever or shared with it. It
transcribes the conversion, scheduling and fill rules of that engine; `naive_venue` is its exchange and `naive_traders`
holds the two strategies. Integers are ticks and lots; queue positions are base-unit floats, as they are there.

A row is the tuple ``(exch_ns, local_ns, kind, side, price_ticks, qty_lots)``. `side` of a trade is the aggressor's.
"""

import gzip
import json
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from b25.model.event import BUY, CLEAR, DEPTH, NO_ASK_TICKS, NO_BID_TICKS, SELL, SNAPSHOT, TRADE
from tests.engine.naive_venue import Venue

Row = tuple[int, int, int, int, int, int]
NEVER_NS = 2**63 - 1


def capture_rows(path: Path, *, tick: str, lot: str) -> list[Row]:
    """Rows of a raw Binance USD-M capture, in file order; receive times as recorded."""
    rows: list[Row] = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            local_ns, message = int(line[:19]), json.loads(line[20:])
            rows += [
                (exch_ns, local_ns, kind, side, whole(price, tick), whole(qty, lot))
                for exch_ns, kind, side, price, qty in message_rows(message)
            ]
    return rows


def whole(number: str, step: str) -> int:
    steps = Decimal(number) / Decimal(step)
    assert steps == int(steps), f"{number} is off the grid of {step}"
    return int(steps)


def message_rows(message: dict[str, Any]) -> Iterator[tuple[int, int, int, str, str]]:
    """Yield (exch_ns, kind, side, price, quantity) of one message."""
    if "lastUpdateId" in message:
        exch_ns = message["T"] * 1_000_000
        for side, levels in ((BUY, message["bids"]), (SELL, message["asks"])):
            # One clear row up to the last listed price, before the levels of that side.
            yield exch_ns, CLEAR, side, levels[-1][0], "0"
            for price, qty in levels:
                yield exch_ns, SNAPSHOT, side, price, qty
        return
    data = message["data"]
    if data["e"] == "depthUpdate":
        for side, levels in ((BUY, data["b"]), (SELL, data["a"])):
            for price, qty in levels:
                yield data["T"] * 1_000_000, DEPTH, side, price, qty
    elif data["e"] == "trade" and data["X"] == "MARKET":
        # Insurance-fund and ADL prints (another X, or price 0) are not part of the public flow.
        yield data["T"] * 1_000_000, TRADE, SELL if data["m"] else BUY, data["p"], data["q"]


def correct_clock(rows: list[Row]) -> list[Row]:
    """Shift every receive time by one amount, so that the smallest feed latency is 0; only if one is negative."""
    shift_ns = max(0, -min(row[1] - row[0] for row in rows))
    return [(row[0], row[1] + shift_ns, *row[2:]) for row in rows]


class Book:
    """Lots by tick and side, and a best that is moved by rows rather than derived from the levels.

    The two differ after a crossing: the levels that were crossed stay stored, but none of them is best again until a
    row names it or a level beyond it.
    """

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.bid = NO_BID_TICKS
        self.ask = NO_ASK_TICKS

    def lots(self, side: int, ticks: int) -> int:
        return (self.bids if side == BUY else self.asks).get(ticks, 0)

    def next_bid_below(self, ticks: int) -> int:
        return max((level for level in self.bids if level < ticks), default=NO_BID_TICKS)

    def next_ask_above(self, ticks: int) -> int:
        return min((level for level in self.asks if level > ticks), default=NO_ASK_TICKS)

    def set(self, side: int, ticks: int, lots: int) -> None:
        levels = self.bids if side == BUY else self.asks
        if lots == 0:
            levels.pop(ticks, None)
            # Only the deletion of the best moves the best: away from the touch, to the next level that is stored.
            if side == BUY and ticks == self.bid:
                self.bid = self.next_bid_below(ticks)
            elif side == SELL and ticks == self.ask:
                self.ask = self.next_ask_above(ticks)
            return
        levels[ticks] = lots
        if side == BUY and ticks > self.bid:
            self.bid = ticks
            if self.bid >= self.ask:
                self.ask = self.next_ask_above(self.bid)
        elif side == SELL and ticks < self.ask:
            self.ask = ticks
            if self.ask <= self.bid:
                self.bid = self.next_bid_below(self.ask)

    def clear(self, side: int, ticks: int) -> None:
        """Forget the levels from the touch up to and including `ticks`; crossed levels beyond the touch stay stored."""
        if side == BUY:
            self.bids = {level: lots for level, lots in self.bids.items() if not ticks <= level <= self.bid}
            self.bid = self.next_bid_below(min(ticks, self.bid + 1))
        else:
            self.asks = {level: lots for level, lots in self.asks.items() if not self.ask <= level <= ticks}
            self.ask = self.next_ask_above(max(ticks, self.ask - 1))

    def apply(self, row: Row) -> None:
        _, _, kind, side, ticks, lots = row
        if kind == CLEAR:
            self.clear(side, ticks)
        elif kind in (DEPTH, SNAPSHOT):
            self.set(side, ticks, lots)


class Pipe:
    """First in, first out: what is sent later never arrives earlier, whatever its latency."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Any]] = deque()

    def send(self, at_ns: int, what: Any) -> None:
        last_ns = self.waiting[-1][0] if self.waiting else at_ns
        self.waiting.append((max(at_ns, last_ns), what))

    def next_ns(self) -> int:
        return self.waiting[0][0] if self.waiting else NEVER_NS

    def take(self) -> Any:
        return self.waiting.popleft()[1]


def run(
    rows: list[Row],
    strategy: Callable[..., Any],
    params: dict[str, float],
    *,
    queue: str,
    order_latency_ns: int,
    fee_maker: float,
    fee_taker: float,
    tick: str,
    lot: str,
) -> dict[str, Any]:
    """Backtest `strategy` (`Maker` or `Taker`) on rows in file order; receive times may still be uncorrected.

    Returns `steps submits cancels end_ns position balance fee trades fills orders`; `fills` are in the order in which
    the trader learned of them.
    """
    rows = correct_clock(rows)
    # Two stable index sorts: rows of one time keep their order in the file, on each clock by itself.
    by_exch = sorted(range(len(rows)), key=lambda i: rows[i][0])
    by_local = sorted(range(len(rows)), key=lambda i: rows[i][1])
    exch_times = [rows[i][0] for i in by_exch] + [NEVER_NS]
    local_times = [rows[i][1] for i in by_local] + [NEVER_NS]

    venue = Venue(Book(), queue=queue, lot=lot)
    trader = strategy(Book(), params, tick=tick, lot=lot, fee_maker=fee_maker, fee_taker=fee_taker)
    requests, answers = Pipe(), Pipe()
    exch = local = steps = fills_known = 0
    # The clock starts at the earliest time on either clock, and the first act is one step later.
    now_ns = min(exch_times[0], local_times[0])

    while True:
        target_ns = now_ns + int(params["step_ns"])
        while True:
            due = (local_times[local], answers.next_ns(), exch_times[exch], requests.next_ns())
            event_ns = min(due)
            if event_ns == NEVER_NS or event_ns > target_ns:
                break
            # Ties go to the first in this order: `index` finds the leftmost of equal times.
            source = due.index(event_ns)
            if source == 0:
                trader.book.apply(rows[by_local[local]])
                local += 1
            elif source == 1:
                trader.on_answer(answers.take())
            elif source == 2:
                for answer in venue.on_row(rows[by_exch[exch]]):
                    answers.send(event_ns + order_latency_ns, answer)
                exch += 1
            else:
                # Requests due at one time are handled in the order sent, each answered before the next is read.
                answers.send(event_ns + order_latency_ns, venue.on_request(requests.take(), event_ns))
        if event_ns == NEVER_NS:
            # Nothing is left in the data or the pipes: the step that would end at target_ns is not delivered and the
            # clock stays. Answers that arrived inside it have moved position, cash and fees all the same.
            break
        now_ns = target_ns
        steps += 1
        fills_known = len(trader.fills)
        for request in trader.act():
            requests.send(now_ns + order_latency_ns, request)

    return {
        "steps": steps,
        "submits": trader.submits,
        "cancels": trader.cancels,
        "end_ns": now_ns,
        "position": trader.position,
        "balance": trader.balance,
        "fee": trader.fee,
        "trades": len(trader.fills),
        # A fill that the strategy had no step left to see is not in the list.
        "fills": trader.fills[:fills_known],
        "best_bid_ticks": trader.book.bid,
        "best_ask_ticks": trader.book.ask,
    }
