"""Swap the limits of a world between two events, by events: what a journal has of it replays to the same limits, to the byte.

A LIMIT event says one field of one instrument's row: its place in LIMITS in `order_id`, its eight bytes in `amount`. Nothing
holds by that. A CONFIGURE event makes all that was said before it hold at once, and notes what is configured from then on: what
kind of thing in `side`, its version in `amount`, the first eight bytes of its checksum in `order_id`.

What was counted goes on: no latch opens, no peak, loss or bucket is forgotten, and a window of another length begins with all
that lay in the old one. A limit that was off before begins to count when it is set.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from b25.engine.world import World
from b25.model.risk import BUCKETS
from b25.model.world import LIMITS, TRADING_NOTHING
from b25.risk.limits import watches_account
from b25.risk.selftest import FIELDS
from b25.session.commands import Command, command_event

PLACES: Final = tuple(name for name in LIMITS.names or () if name != "value_bound")  # that one bounds what a number can hold
STRATEGY, RISK_LIMIT = 1, 2  # what a CONFIGURE event is of
PARTS: Final = BUCKETS + 1


def limit_events(now: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], now_ns: int) -> list[np.ndarray[Any, Any]]:
    """Return an event for each field in which the limits of a world differ from those that it is to have.

    Parameters
    ----------
    now, wanted : ndarray of LIMITS, shape (n,)
    """
    return [
        command_event(Command.LIMIT, now_ns, instrument=i, place=place, amount=int(wanted[name][i : i + 1].view("i8")[0]))
        for i in range(len(now))
        for place, name in enumerate(PLACES)
        if now[name][i] != wanted[name][i]
    ]


class LimitSwap:
    """What was said of new limits and does not hold yet.

    Parameters
    ----------
    world : World
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.trading = world.limits["trading"].copy()  # as the limits say it, whatever commands restrict beside them
        self.restricted = np.zeros(len(self.trading), np.bool_)  # by a command, which outlasts whatever limits say
        self.said: list[tuple[str, int, np.ndarray[Any, Any]]] = []

    def limits(self) -> np.ndarray[Any, Any]:
        """Limits in force as they were given, without what commands restrict beside them."""
        rows = self.world.limits.copy()
        rows["trading"] = self.trading
        return rows

    def bar(self, i: int, *, on: bool) -> None:
        """Let nothing new leave for an instrument, or what its limits allow."""
        self.restricted[i] = on
        self.world.limits["trading"][i] = TRADING_NOTHING if on else self.trading[i]

    def say(self, event: Any) -> None:
        """Take a LIMIT event."""
        name = PLACES[int(event["order_id"])]
        value = np.array([int(event["amount"])], np.int64).view(LIMITS[name])
        self.said.append((name, int(event["instrument"]), value))

    def swap(self) -> Sequence[int]:
        """Make all that was said hold; gives the instruments in which nothing new may leave from now on."""
        world, said = self.world, self.said
        self.said = []
        if not said:
            return ()
        was = world.limits.copy()
        for name, i, value in said:
            (self.trading if name == "trading" else world.limits[name])[i] = value[0]
        world.limits["trading"] = np.where(self.restricted, TRADING_NOTHING, self.trading)
        # What is watched once stays watched: a peak or a window with a hole in it would be worse than none.
        world.context["guarded"] |= int(watches_account(world.limits))
        self._window(was[0])
        self._forget_shares({name for name, _, _ in said})
        barred = (world.limits["trading"] == TRADING_NOTHING) & (was["trading"] != TRADING_NOTHING)
        return [int(i) for i in np.flatnonzero(barred)]

    def _window(self, was: Any) -> None:
        """Count on in a window of another length: all that lay in the old one lies in the newest part of the new one."""
        world, risk = self.world, self.world.risk
        length_ns = int(world.limits["executions_window_ns"][0])
        before_ns = int(was["executions_window_ns"])
        if length_ns == before_ns or length_ns <= 0:
            return
        part = int(world.head["now_ns"][0]) // max(length_ns // BUCKETS, 1)
        fills, value = (0, 0.0) if before_ns <= 0 else (int(risk["bucket_fills"].sum()), float(risk["bucket_value"].sum()))
        if before_ns <= 0:  # nothing was counted: begin with what comes from now on
            risk["fills_seen"] = world.positions["fills"].sum()
            pairs = zip(world.instruments, world.positions, strict=True)
            risk["volume_seen"] = sum(int(p["volume"]) * int(i["money_num"]) / int(i["money_den"]) for i, p in pairs)
        risk["bucket"], risk["bucket_fills"], risk["bucket_value"] = part, 0, 0.0
        risk["bucket_fills"][0, part % PARTS], risk["bucket_value"][0, part % PARTS] = fills, value

    def _forget_shares(self, changed: set[str]) -> None:
        """How much of a limit is used is of that limit; a latch that is closed stays closed."""
        risk = self.world.risk
        for name, (control, companions) in FIELDS.items():
            if not changed.isdisjoint((name, *companions)):
                risk["warned"] &= ~(np.int64(1) << np.int64(control))
                risk["used"][0, int(control)] = 0.0
