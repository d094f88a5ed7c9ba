"""What carries out a session's effects, whatever stands behind it; and the one of a session that only watches."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from b25.model.event import EVENT, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_EXPIRED, ORDER_REPLACED
from b25.model.order import AMEND, MARKET, SUBMIT, Reason, Tif

Deliver = Callable[[np.ndarray[Any, Any]], None]
Say = Callable[[str], None]


class Gateway(Protocol):
    """Carries out approved effects and delivers what came of them as events; it never calls back within `act`."""

    def act(self, effects: np.ndarray[Any, Any]) -> None:
        """Take approved effects; returns at once."""

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """See market data before the strategy does."""

    async def start(self) -> None:
        """Begin; on return effects can be taken."""

    def sent_as(self, order_id: int) -> str | None:
        """Id of an order at the venue; empty for one that was held back; None where nothing is ever sent."""

    def held_back(self) -> str:
        """Why the latest order that was approved did not leave, as the name of a reason."""

    async def pull_all(self) -> list[str]:
        """Have the venue cancel everything; returns the symbols of which it is not certain that nothing rests."""

    async def close(self) -> None:
        """Let go of everything."""


def order_event(
    kind: int, order_id: int, *, instrument: int, request_id: int = 0, side: int = 0, price_ticks: int = 0, qty_lots: int = 0,
    amount: int = 0, flags: int = 0, reason: Reason = Reason.OK, exch_ns: int = 0,
) -> np.ndarray[Any, Any]:  # fmt: skip
    """Return an event about an order of ours; whoever takes it stamps it."""
    event = np.zeros(1, EVENT)
    event["kind"], event["order_id"], event["instrument"], event["seq"] = kind, order_id, instrument, request_id
    event["side"], event["price_ticks"], event["qty_lots"], event["amount"] = side, price_ticks, qty_lots, amount
    event["flags"], event["status"], event["exch_ns"] = flags, int(reason), exch_ns
    return event


class Watching:
    """Sends nothing anywhere. Every order rests and none is ever filled, so that what is decided next can be watched too.

    Parameters
    ----------
    deliver : callable
        Takes the answers, when the present events are done.
    later : callable
        Has something called in the loop's next turn.
    """

    def __init__(self, deliver: Deliver, later: Callable[..., Any]) -> None:
        self.deliver, self.later = deliver, later
        self.withheld = 0

    def act(self, effects: np.ndarray[Any, Any]) -> None:
        """Answer as a venue would at which nobody trades."""
        self.withheld += len(effects)
        for effect in effects:
            facts: dict[str, Any] = {"instrument": int(effect["instrument"]), "request_id": int(effect["request_id"])}
            facts |= {name: int(effect[name]) for name in ("side", "price_ticks", "qty_lots")}
            order_id, passes = int(effect["order_id"]), effect["flags"] & MARKET or effect["tif"] != Tif.GTC
            if effect["kind"] == SUBMIT:
                self._answer(order_event(ORDER_ACCEPTED, order_id, **facts))
                if passes and not effect["stop_ticks"]:
                    self._answer(order_event(ORDER_EXPIRED, order_id, reason=Reason.NOTHING_TO_MATCH, **facts))
            elif effect["kind"] == AMEND:
                self._answer(order_event(ORDER_REPLACED, order_id, **facts))
            else:
                self._answer(order_event(ORDER_CANCELLED, order_id, reason=Reason.CANCEL_REQUESTED, **facts))

    def _answer(self, event: np.ndarray[Any, Any]) -> None:
        self.later(self.deliver, event)

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """Nothing depends on them."""

    async def start(self) -> None:
        """Nothing to begin."""

    def sent_as(self, order_id: int) -> str | None:
        """It is not sent."""
        return None

    def held_back(self) -> str:
        """Nothing is held back beside what the gate refuses."""
        return ""

    async def pull_all(self) -> list[str]:
        """Nothing rests anywhere."""
        return []

    async def close(self) -> None:
        """Nothing to let go of."""
