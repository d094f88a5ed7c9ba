"""A seeded crowd for one symbol: makers, patient orders, noise, momentum, informed and large parents, on the venue's own book."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from b25.kernels.crowd import CROWD, live, look_around
from b25.kernels.orderflow_state import SWITCHES
from b25.market.synthetic import DEFAULTS, open_market
from b25.model.errors import Misuse
from b25.model.matching import MATCH_COMMAND, MatchEvent
from b25.venue.exchange.matching_book import MatchingBook

MS_NS: Final = 1_000_000
DAY_MS: Final = 86_400_000
QUANTUM_MS: Final = 50  # the crowd lives whole stretches of this, so that it does not matter how often it is asked
FIRST_ORDER_ID: Final = 2**48  # far from any that the venue gives to an account
LOT_VALUE: Final = 60.0  # quote units that one lot of the model is worth
MODEL_PRICE_TICKS: Final = DEFAULTS["price_ticks"]
SCALED: Final = ("fair_ticks", "jump_ticks_min", "jump_ticks_max", "impact_ticks", "pressure_ticks")
SMALLEST_SCALE: Final = 0.1  # of moves in ticks: a coarse price still moves
PULL_PER_S: Final = 0.5  # of an anchored market towards its anchor
MIDS_KEPT: Final = 4_096

Told = Callable[[Sequence[MatchEvent]], None]


class CrowdFlow:
    """The crowd of one symbol. Equal seeds and equal orders of others give equal markets.

    Parameters
    ----------
    book : MatchingBook
        Notes its changes.
    tell : callable
        Is handed the events of each stretch: public trades, and what became of accounts' orders.
    seed : int
    start_ms : int
        Unix time from which the crowd lives.
    price_ticks : int
        Where the price begins.
    lot_value : float
        What a lot is worth in quote units at that price: decides the size of orders.
    anchor : CrowdFlow, optional
        Another market of the same thing, whose mid this one follows; asked to live first.
    anchor_ratio : float
        Ticks of this market per tick of the anchor.
    may_trade : callable, optional
        Says whether the symbol trades; the crowd lets time pass while it does not.
    **changes : float
        Parameters of the order-flow model by name, see `b25.market.synthetic.DEFAULTS`.
    """

    def __init__(
        self,
        book: MatchingBook,
        tell: Told,
        *,
        seed: int,
        start_ms: int,
        price_ticks: int,
        lot_value: float,
        anchor: CrowdFlow | None = None,
        anchor_ratio: float = 1.0,
        may_trade: Callable[[], bool] = lambda: True,
        **changes: float,
    ) -> None:
        self.book, self.tell, self.seed, self.anchor, self.anchor_ratio = book, tell, seed, anchor, anchor_ratio
        self.may_trade = may_trade
        self.now_ms = start_ms // QUANTUM_MS * QUANTUM_MS
        step = max(1, round(price_ticks / MODEL_PRICE_TICKS))
        price_ticks //= step
        share = max(SMALLEST_SCALE, price_ticks / MODEL_PRICE_TICKS)
        scaled = {name: max(1.0, DEFAULTS[name] * share) if "min" in name else DEFAULTS[name] * share for name in SCALED}
        scaled["jump_ticks_max"] = max(scaled["jump_ticks_max"], scaled["jump_ticks_min"])
        self.flow = open_market(seed, start_ns=self.now_ms * MS_NS, **{**scaled, **changes})
        self.flow.model["price_ticks"] = price_ticks
        for name in ("fair_ticks", "belief_ticks", "trend_ticks"):
            self.flow.state[name] = price_ticks + 0.5
        self.crowd: np.ndarray[Any, Any] = np.zeros(1, CROWD)
        self.crowd["order_id"] = FIRST_ORDER_ID
        self.crowd["step_ticks"] = self.step_ticks = step
        self.crowd["scale"] = max(1, round(LOT_VALUE / lot_value))
        self.crowd["pull_per_s"] = PULL_PER_S
        self._command = np.zeros(1, MATCH_COMMAND)
        self._mids: deque[tuple[int, float]] = deque(maxlen=MIDS_KEPT)

    def advance(self, now_ms: int) -> None:
        """Live every whole stretch that has ended by this time."""
        while self.now_ms + QUANTUM_MS <= now_ms:
            self._live_until(self.now_ms + QUANTUM_MS)

    def mid_ticks(self, at_ms: int) -> float:
        """Mid at the end of the last stretch up to a time; 0 when that is not known."""
        return next((mid for ended_ms, mid in reversed(self._mids) if ended_ms <= at_ms), 0.0)

    def push(self, ratio: float, over_ms: int) -> None:
        """Move the fair value by a ratio, e.g. -0.1 for a crash of 10 %, evenly over some time, in great activity.

        Raises
        ------
        Misuse
            When the ratio would take the price to nothing, or the time is not positive.
        """
        if not -0.95 <= ratio <= 10 or not 0 < over_ms <= DAY_MS:
            raise Misuse(f"a push by {ratio:+.2%} over {over_ms} ms", remedy="give a ratio from -0.95 to 10, and at most a day")
        steps = max(1, over_ms * MS_NS // int(self.flow.model[0]["step_ns"]))
        fair = float(self.flow.state[0]["fair_ticks"])
        self.crowd["push_ticks"], self.crowd["push_steps"] = fair * ratio / steps, steps
        # Bounds within which the model keeps its fair value move along.
        self.flow.model["price_ticks"] = max(1.0, fair * (1 + min(ratio, 0.0) / 2))
        self.flow.state["switches"] = 2**SWITCHES - 1

    def _live_until(self, until_ms: int) -> None:
        if not self.may_trade():
            self.now_ms, self.flow.state["now_ns"] = until_ms, until_ms * MS_NS
            return
        if self.anchor is not None:
            self.anchor.advance(until_ms)
            self.crowd["anchor_ticks"] = self.anchor.mid_ticks(until_ms) * self.anchor_ratio / self.step_ticks
        head = self.book.arrays.head[0]
        head["events"] = 0
        self.book.make_room()
        look_around(self.flow, self.crowd[0], self.book.arrays)
        while not live(self.flow, self.crowd[0], self.book.arrays, self._command[0], until_ms * MS_NS):
            self._hand_over()
            self.book.make_room()
        self.now_ms = until_ms
        self._hand_over()
        bid, ask = (int(best) for best in self.book.arrays.head[0]["best_ticks"][[1, 0]])
        if 0 < bid < ask < 2**31 - 1:
            self._mids.append((until_ms, (bid + ask) / 2))

    def _hand_over(self) -> None:
        events = self.book.take_events()
        if events or self.book.has_changes:
            self.tell(events)
