"""The orders that a session sent, sent again into a backtest's venue over the market that the session saw.

No strategy decides here: each request leaves at the time at which it left, so that one answer that differs does not change what
is asked for next, and each order can be compared with itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.engine.backtest import Backtest, Outcome, Track
from b25.engine.records import ON_BOOK, ON_GAP, ON_TRADE
from b25.market.tape import followed_tape
from b25.model.event import BAR, EVENT, GAP, ORDER_ACCEPTED, ROW
from b25.model.instrument import Instrument
from b25.model.order import CANCEL, EFFECT, REDUCE_ONLY, SUBMIT, Pending, State
from b25.model.world import LIMITS, NO_LIMIT
from b25.risk.limits import Limits
from b25.store.journal import EFFECTS, EVENTS, Reading
from b25.strategy.strategy import Strategy
from b25.venue.models import ConstantLatency, Fees, Models

Rows = np.ndarray[Any, Any]
IN_WORLD: Final = 200  # intents of one callback; what is more leaves with the next message
EVENTS_MAX: Final = 4_000_000  # what one night's comparison takes into memory


class _Silent(Strategy):
    """Decides nothing; what is sent is written beside it."""

    def on_book(self, ctx: Any) -> None:
        """See the book."""

    def on_trade(self, ctx: Any) -> None:
        """See a print."""

    def on_gap(self, ctx: Any) -> None:
        """See a gap."""


class Recording:
    """What a journal holds, apart.

    Attributes
    ----------
    market : ndarray of EVENT
        Market events, in order.
    answers : ndarray of EVENT
        What the venue told of orders.
    sent : ndarray of EFFECT
        What left: the gate let it pass.
    why_not : str
        Why no backtest can be run on it; empty when one can.
    """

    def __init__(self, path: Path) -> None:
        market, answers, sent = [np.zeros(0, EVENT)], [np.zeros(0, EVENT)], [np.zeros(0, EFFECT)]
        self.why_not, count = "", 0
        for record in Reading(path):
            if record.kind == EVENTS:
                events = record.events
                count += len(events)
                if (events["kind"] == BAR).any():
                    self.why_not = "its market is bars, which hold no book"
                if count > EVENTS_MAX:
                    self.why_not = f"it has more than {EVENTS_MAX:,} events"
                if self.why_not:
                    break
                market.append(events[events["kind"] <= GAP])
                answers.append(events[events["kind"] >= ORDER_ACCEPTED])
            elif record.kind == EFFECTS:
                rows = record.effects
                sent.append(rows[rows["reason"] == 0])
        self.market, self.answers, self.sent = (np.concatenate(part) for part in (market, answers, sent))
        if not self.why_not and not self.market.size:
            self.why_not = "no market event is in its journal"


class Scripted(Backtest):
    """A backtest that sends given requests.

    Parameters
    ----------
    recording : Recording
    instruments : sequence of Instrument
    fees : ndarray of FEES
    latency_ns : int
        Of a request, and again of its answer.

    Raises
    ------
    Misuse
        When an instrument has no snapshot.
    """

    def __init__(self, recording: Recording, instruments: Sequence[Instrument], fees: Rows, latency_ns: int) -> None:
        tapes = [followed_tape(one, feed_rows(recording.market, i)) for i, one in enumerate(instruments)]
        limits = np.concatenate([Limits().record(one) for one in instruments]).astype(LIMITS)
        for name in set(limits.dtype.names or ()) - {"value_bound", "trading", "version", "hash"}:
            limits[name] = NO_LIMIT
        models = Models(fees=Fees(), latency=ConstantLatency(latency_ns))
        super().__init__(
            _Silent, {}, [Track(t.instrument, t.venue, t.messages, t.levels, t.base_ticks, t.size_ticks) for t in tapes],
            models=[models] * len(tapes), limits=limits, fees=fees, balance=0.0, sample_ns=3_600 * 10**9, call=None, depth=False,
        )  # fmt: skip
        self._sent, self._next = recording.sent, 0
        self._cancels: dict[int, int] = {}
        self.late_ns: dict[int, int] = {}  # by order: how much later than the session it was sent

    def send(self) -> Outcome:
        """Run to the end of the market."""
        return self.execute()

    def _plain_methods(self) -> dict[int, Callable[[], Any]]:
        return dict.fromkeys((ON_BOOK, ON_TRADE, ON_GAP), self._send)

    def _send(self) -> None:
        head = self.world.head[0]
        now_ns = int(head["now_ns"])
        for order_id, i in list(self._cancels.items()):
            self._cancel(order_id, i)
        while self._next < len(self._sent) and int(head["intents"]) < IN_WORLD:
            effect = self._sent[self._next]
            if int(effect["time_ns"]) > now_ns:
                return
            self._next += 1
            order_id = int(effect["order_id"])
            if effect["kind"] == SUBMIT:
                self.late_ns[order_id] = now_ns - int(effect["time_ns"])
                self._intend(effect, int(effect["kind"]))
                head["next_order_id"] = max(int(head["next_order_id"]), order_id + 1)
            elif effect["kind"] == CANCEL:
                self._cancels[order_id] = int(effect["instrument"])
                self._cancel(order_id, int(effect["instrument"]))
            elif self._rests(order_id) is not None:
                self._intend(effect, int(effect["kind"]))

    def _rests(self, order_id: int) -> Any:
        """The order when it can be changed now; None when not."""
        orders = self.world.orders
        found = orders[(orders["order_id"] == order_id) & (orders["state"] != 0)]
        can = len(found) and found[0]["pending"] == int(Pending.NONE) and found[0]["state"] in (State.OPEN, State.PART_FILLED)
        return found[0] if can else None

    def _cancel(self, order_id: int, i: int) -> None:
        """Cancel as soon as it can be; one that is on its way is tried again with the next message."""
        orders = self.world.orders
        if not ((orders["order_id"] == order_id) & (orders["state"] != 0)).any():
            if self.late_ns.get(order_id) is not None and not self._is_wished(order_id):
                self._cancels.pop(order_id, None)
            return
        order = self._rests(order_id)
        if order is not None:
            self._cancels.pop(order_id, None)
            self._intend(order, CANCEL)

    def _is_wished(self, order_id: int) -> bool:
        count = int(self.world.head[0]["intents"])
        return bool((self.world.intents["order_id"][:count] == order_id).any())

    def _intend(self, of: Any, kind: int) -> None:
        """Write a wish exactly as it left."""
        head = self.world.head[0]
        row = self.world.intents[int(head["intents"])]
        names = of.dtype.names
        for name in row.dtype.names:
            if name != "pad":
                row[name] = of[name] if name in names and name not in ("parent", "role", "reason") else 0
        row["kind"] = kind
        row["flags"] = int(row["flags"]) & ~REDUCE_ONLY  # what is held here is not what the session held
        head["intents"] += 1


def feed_rows(market: Rows, i: int) -> Rows:
    """Return the ROW rows of an instrument's market events."""
    own = market[market["instrument"] == i]
    rows = np.zeros(len(own), ROW)
    for name in ("exch_ns", "price_ticks", "qty_lots", "kind", "side", "flags"):
        rows[name] = own[name]
    rows["recv_ns"] = own["local_ns"]
    rows["first_id"] = rows["last_id"] = own["amount"]
    rows["prev_id"] = -1
    return rows
