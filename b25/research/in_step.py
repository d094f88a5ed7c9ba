"""Two runs side by side: moments at which both stood alike, and one of them decided otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from b25.model.order import AMEND, SUBMIT, State

Rows = np.ndarray[Any, Any]
LIVE = (State.CREATED, State.OPEN, State.PART_FILLED, State.UNKNOWN)
FOREVER = 2**62
MOMENTS_MAX = 20_000


class Follower:
    """What one run held and had resting just before any moment; moments must be asked in order.

    Parameters
    ----------
    outcome : Outcome
        Of the run.
    fills_first : bool
        Whether fills and ends of orders of the very moment count as before it: with messages they caused the call; with bars
        they are the next bar's.
    """

    def __init__(self, outcome: Any, *, fills_first: bool) -> None:
        self.shift = int(fills_first)
        self.fills = np.sort(outcome.fills, order="local_ns")
        orders = outcome.orders
        ended = np.where(np.isin(orders["state"], LIVE), FOREVER, orders["updated_ns"])
        by_end = np.argsort(ended, kind="stable")
        self.ended_ns, self.ended_id = ended[by_end].tolist(), orders["order_id"][by_end].tolist()
        self.effects = outcome.effects
        self.times = self.effects["time_ns"]
        self.fill = self.end = self.effect = 0
        self.positions: dict[int, int] = {}
        self.began: dict[int, int] = {}
        self.live: dict[int, tuple[int, int, int]] = {}
        self.gone: set[int] = set()

    def skip_to(self, time_ns: int) -> None:
        """Take up what was held and resting at a moment, without going through all that led to it."""
        self.fill = int(np.searchsorted(self.fills["local_ns"], time_ns))
        past = self.fills[: self.fill]
        for i in np.unique(past["instrument"]).tolist():
            mine = past[past["instrument"] == i]
            after = np.cumsum(mine["side"].astype(np.int64) * mine["qty_lots"])
            held = np.concatenate(([0], after[:-1]))
            self.positions[i] = int(after[-1])
            self.began[i] = int(mine["local_ns"][np.flatnonzero((held == 0) | (held * after < 0))[-1]])
        self.end = int(np.searchsorted(self.ended_ns, time_ns))
        self.gone = set(self.ended_id[: self.end])
        self.effect = int(np.searchsorted(self.times, time_ns))
        requests = self.effects[: self.effect]
        for effect in requests[np.isin(requests["order_id"], self.ended_id[self.end :])]:
            self._request(effect)

    def before(self, time_ns: int) -> tuple[tuple[tuple[int, int, int], ...], tuple[tuple[int, int, int], ...]]:
        """Open positions as (instrument, side, when they began) and resting orders as (instrument, side, price)."""
        while self.effect < self.times.size and self.times[self.effect] < time_ns:
            self._request(self.effects[self.effect])
            self.effect += 1
        until = time_ns + self.shift
        while self.fill < self.fills.size and self.fills["local_ns"][self.fill] < until:
            self._filled(self.fills[self.fill])
            self.fill += 1
        while self.end < len(self.ended_ns) and self.ended_ns[self.end] < until:
            self.gone.add(self.ended_id[self.end])
            self.live.pop(self.ended_id[self.end], None)
            self.end += 1
        held = tuple((i, 1 if lots > 0 else -1, self.began[i]) for i, lots in sorted(self.positions.items()) if lots)
        return held, tuple(sorted(self.live.values()))

    def decisions(self, time_ns: int) -> tuple[tuple[int, ...], ...]:
        """What was asked at this moment, whatever the order ids and quantities: they follow from the account's size."""
        first, last = np.searchsorted(self.times, [time_ns, time_ns + 1])
        rows = self.effects[first:last]
        names = ("kind", "instrument", "side", "price_ticks", "tif", "flags")
        return tuple(sorted(tuple(int(row[name]) for name in names) for row in rows))

    def _request(self, effect: Any) -> None:
        order_id = int(effect["order_id"])
        if effect["reason"] or order_id in self.gone:
            return
        if effect["kind"] == SUBMIT:
            self.live[order_id] = (int(effect["instrument"]), int(effect["side"]), int(effect["price_ticks"]))
        elif effect["kind"] == AMEND and order_id in self.live:
            self.live[order_id] = (*self.live[order_id][:2], int(effect["price_ticks"]))

    def _filled(self, fill: Any) -> None:
        i, lots = int(fill["instrument"]), int(fill["side"]) * int(fill["qty_lots"])
        before = self.positions.get(i, 0)
        after = before + lots
        if before == 0 or before * after < 0:
            self.began[i] = int(fill["local_ns"])
        self.positions[i] = after


def disagreements(whole: Any, later: Any, start_ns: int, *, fills_first: bool) -> tuple[int | None, list[int], int]:
    """Find moments at which a run from a later start decided otherwise than the whole run, both standing alike.

    Both stand alike when the same positions began at the same time and the same orders rest: what the account went through
    before cannot make the difference then, so it is what the strategy remembers of the market.

    Parameters
    ----------
    whole, later : Outcome
    start_ns : int
        Start of the later run.
    fills_first : bool
        See `Follower`.

    Returns
    -------
    first_ns : int or None
        When the later run first sent an order.
    moments : list of int
        Times of the disagreements, none before `first_ns`: until then it may have been waiting, as it should.
    compared : int
        Moments at which either decided something, at most MOMENTS_MAX, the earliest.
    """
    sent = later.effects[(later.effects["kind"] == SUBMIT) & (later.effects["time_ns"] > start_ns)]
    if not sent.size:
        return None, [], 0
    first_ns = int(sent["time_ns"][0])
    a, b = Follower(whole, fills_first=fills_first), Follower(later, fills_first=fills_first)
    times = np.unique(np.concatenate([a.times[a.times >= max(first_ns, start_ns)], b.times[b.times >= first_ns]]))
    times = times[:MOMENTS_MAX]
    if times.size:
        a.skip_to(int(times[0]))
    found = []
    for time_ns in times.tolist():
        alike = a.before(time_ns) == b.before(time_ns)
        if alike and a.decisions(time_ns) != b.decisions(time_ns):
            found.append(time_ns)
    return first_ns, found, int(times.size)
