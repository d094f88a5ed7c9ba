"""The lives of a strategy on bars: backtests in both ways, a session fed with the same bars and the same answers, its replay.

The venue of a backtest on bars lives inside the compiled loop. What it told the strategy, and the prices that the strategy saw in
between, are read off as the strategy would be called, and are handed to the session as the events that a venue sends.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from b25.engine.bar_backtest import BarEngine, BarSetup, BarTrack
from b25.engine.records import ON_BAR, ON_FILL, ON_FUNDING, ON_ORDER, ON_START, ON_STOP, ON_TIMER
from b25.market.bars import Bars
from b25.market.timeframe import timeframe
from b25.model.event import EVENT, FUNDING, MAKER, ORDER_FILLED
from b25.model.order import EFFECT, State
from b25.session.bar_events import BarFrames, LiveBars, mark_event
from b25.session.commands import Command, command_event
from b25.session.composition import Composition
from b25.session.session import Session
from b25.strategy.strategy import Strategy

EVERY = ON_START | ON_FILL | ON_ORDER | ON_STOP | ON_BAR | ON_FUNDING | ON_TIMER


class Overheard(BarEngine):
    """A backtest in plain Python that keeps what happened to the strategy, in order, as events or as a callback's name."""

    def overhear(self) -> list[Any]:
        """Run; returns ``"start"``, ``"bar"`` and EVENT rows."""
        self.heard: list[Any] = []
        self._touch = self.world.books[["best_bid_ticks", "local_ns"]].copy()
        self._fills, self._ended = 0, False
        self._answered: set[int] = set()  # numbers of the requests
        self.run["callbacks"], self.world.context["viewed"] = EVERY, 1  # the views tell which order is meant
        self.execute()
        return self.heard

    def _plain_methods(self) -> dict[int, Callable[[], Any]]:
        own = super()._plain_methods()
        hears = {
            ON_START: lambda: self.heard.append("start"),
            ON_BAR: self._hear_bar,
            ON_FILL: self._hear_fill,
            ON_ORDER: self._hear_order,
            ON_FUNDING: self._hear_funding,
        }

        def both(bit: int) -> Callable[[], Any]:
            def call() -> None:
                hears.get(bit, lambda: None)()
                if bit in own:
                    own[bit]()

            return call

        return {bit: both(bit) for bit in (ON_START, ON_BAR, ON_FILL, ON_ORDER, ON_FUNDING, ON_TIMER, ON_STOP)}

    @property
    def _now_ns(self) -> int:
        return int(self.world.head[0]["now_ns"])

    def _hear_bar(self) -> None:
        self.heard.append("bar")
        self._touch = self.world.books[["best_bid_ticks", "local_ns"]].copy()

    def _hear_prices(self) -> None:
        for i, (book, was) in enumerate(zip(self.world.books, self._touch, strict=True)):
            if int(book["best_bid_ticks"]) != int(was["best_bid_ticks"]):
                self.heard.append(mark_event(i, int(book["best_bid_ticks"]), self._now_ns))
        self._touch = self.world.books[["best_bid_ticks", "local_ns"]].copy()

    def _hear_fill(self) -> None:
        self._hear_prices()
        count = int(self.run[0]["fill_count"])
        for row in self.logs["fill"][self._fills : count]:
            event = np.zeros(1, EVENT)
            event["kind"], event["order_id"], event["instrument"] = ORDER_FILLED, row["order_id"], row["instrument"]
            event["side"], event["price_ticks"], event["qty_lots"] = row["side"], row["price_ticks"], row["qty_lots"]
            event["amount"], event["flags"] = row["fee_e8"], MAKER if row["maker"] else 0
            event["exch_ns"] = event["local_ns"] = row["local_ns"]
            self.heard.append(event)
        self._fills = count
        # When the same fill ended the order, what is called next is of the fill too.
        self._ended = int(self.finished[0]["state"]) == State.FILLED

    def _hear_order(self) -> None:
        if self._ended:
            self._ended = False
            return
        self._hear_prices()
        ring, size = self.answers, int(self.run[0]["answer_size"])
        order_id = int(self.world.order_view[0]["order_id"])
        last = ring[(int(self.run[0]["answer_head"]) - 1) % size]
        inside = ring[size]
        # An answer to a request lies in the ring; what the venue does by itself behind it.
        came = last if int(last["order_id"]) == order_id and int(last["seq"]) not in self._answered else inside
        self._answered.add(int(last["seq"]))
        event = came.copy().reshape(1)
        event["local_ns"] = self._now_ns
        self.heard.append(event)

    def _hear_funding(self) -> None:
        self._hear_prices()
        i = int(self.world.context[0]["i"])
        payment = self.funding[i][int(self.bar_venues[i]["funding_next"]) - 1]
        event = np.zeros(1, EVENT)
        event["kind"], event["instrument"], event["amount"] = FUNDING, i, payment["rate_e12"]
        event["price_ticks"], event["exch_ns"], event["local_ns"] = payment["mark_ticks"], payment["time_ns"], self._now_ns
        self.heard.append(event)


def frames_of_bars(bars: Bars) -> BarFrames:
    """Return the timeframes of data."""
    return BarFrames(timeframe(bars.timeframe), tuple(timeframe(one.timeframe) for one in bars.larger))


def moments_of(data: list[Bars]) -> list[np.ndarray[Any, Any]]:
    """Return what a live session would be told of bars, one array a moment."""
    live = LiveBars([bars.instrument for bars in data], frames_of_bars(data[0]), grace_ns=0)
    for i, bars in enumerate(data):
        live.fill(i, bars.rows, max(one.end_ns for one in data))
    return [moment.events for moment in live.moments()]


class LivedOnBars:
    """A session that was fed with bars and with what was overheard: its effects, its journal, its machine."""

    def __init__(
        self, path: Path, cls: type[Strategy], params: dict[str, Any], data: list[Bars], setup: BarSetup, compiled: bool | None
    ) -> None:
        engine = Overheard(cls, params, [BarTrack(bars) for bars in data], setup, None)
        heard = engine.overhear()
        self.path, self.seen, self.begin_ns = path, [np.zeros(0, EFFECT)], engine.begin_ns
        composition = Composition(
            name=path.stem, mode="replayed", venue="bars", cls=cls, params=params, instruments=[one.instrument for one in data],
            limits=setup.limits, fees=setup.fees, balance=setup.balance, compiled=compiled, bar_frames=1 + len(data[0].larger),
        )  # fmt: skip
        self.session = Session(composition, path, lambda effects: None)
        self.session.watch = lambda rows: self.seen.append(rows[rows["time_ns"] >= self.begin_ns].copy())
        moments = iter(moments_of(data))
        start = command_event(Command.START, engine.seen_from_ns, amount=engine.begin_ns)
        for one in heard:
            if isinstance(one, str):
                self.session.take(start if one == "start" else next(moments))
            else:
                self.session.take(one)
        self.session.command(Command.STOP, self.session.machine.now_ns)
        self.session.close("the data ended")

    @property
    def effects(self) -> bytes:
        """What the session left from the time on from which it traded."""
        return np.concatenate(self.seen).tobytes()
