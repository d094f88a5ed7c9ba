"""Ask a session's own gate what it would say to an order, and leave the session as it was.

The very judgement of the next event, on the very world, whose records are put back afterwards to the last byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.model.order import Reason
from b25.model.risk import Control
from b25.risk.status import controls_of
from b25.session.manual import wish_by_hand
from b25.session.standing import equity_of, position_facts, text

if TYPE_CHECKING:
    from b25.session.machine import Machine

TABLES: Final = ("head", "orders", "lives", "positions", "risk")  # all that a judgement writes,
ROWS: Final = ("intents", "outbox", "verdicts")  # and of these the first row
IS_EQUAL: Final = 1 << int(Control.DUPLICATES)  # about one quantity alone
SMALL: Final = (Reason.OK, Reason.MIN_NOTIONAL)  # an order that is too small is not too large


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate would say.

    Attributes
    ----------
    reason : Reason
    verdict : int
        Bits of every control that the order would break.
    used : dict of str to float
        Share of each limit that would be used with it, of the limits that were looked at.
    """

    reason: Reason
    verdict: int
    used: dict[str, float]

    @property
    def reasons(self) -> list[str]:
        """Every reason, in the order of evaluation."""
        broken = [control.name.lower() for control in controls_of(self.verdict)]
        return broken or ([] if self.reason is Reason.OK else [self.reason.name.lower()])


def dry_run(machine: Machine, event: np.ndarray[Any, Any]) -> Judged:
    """Judge the order of an event by hand, without any effect."""
    world = machine.world
    kept = {name: getattr(world, name).copy() for name in TABLES}
    first = {name: getattr(world, name)[:1].copy() for name in ROWS}
    now_ns = int(world.context["now_ns"][0])
    try:
        world.risk["used"] = np.nan
        world.head["intents"] = world.head["outbox"] = 0
        world.head["now_ns"] = world.context["now_ns"] = max(now_ns, int(event["local_ns"][0]))
        wish_by_hand(world, event[0])
        machine.judge()
        reason, verdict = Reason(int(world.outbox["reason"][0])), int(world.verdicts[0])
        used = {control.name.lower(): float(world.risk["used"][0][control]) for control in Control}
        return Judged(reason, verdict, {name: share for name, share in used.items() if np.isfinite(share)})
    finally:
        for name, rows in kept.items():
            getattr(world, name)[:] = rows
        for name, rows in first.items():
            getattr(world, name)[:1] = rows
        world.context["now_ns"] = now_ns


def lots_max(machine: Machine, event: np.ndarray[Any, Any]) -> int:
    """Largest number of lots with which the gate would let the order through; 0 for none. Found by halving."""
    i = int(event["instrument"][0])
    asked = event.copy()

    def fits(lots: int) -> bool:
        asked["qty_lots"] = lots
        judged = dry_run(machine, asked)
        return judged.verdict & ~IS_EQUAL == 0 and (judged.reason in SMALL or judged.verdict == IS_EQUAL)

    low, high = 0, int(machine.world.instruments[i]["qty_lots_max"])
    if not fits(1):
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    asked["qty_lots"] = max(low, 1)
    judged = dry_run(machine, asked)
    return low if judged.reason is Reason.OK or judged.verdict == IS_EQUAL else 0


def metrics_of(machine: Machine, i: int, added_lots: int = 0) -> dict[str, Any]:
    """Position and exposure at the mids, as they are or as they would be with so many more lots; None for what is not known."""
    lines = [position_facts(machine, k, added_lots if k == i else 0) for k in range(len(machine.instruments))]
    worths = [line.worth for line in lines]
    known = [worth for worth in worths if worth is not None]
    whole = len(known) == len(worths)
    gross = sum((abs(one) for one in known), Fraction(0)) if whole else None
    net = sum(known, Fraction(0)) if whole else None
    equity = equity_of(machine)
    leverage = gross / equity if gross is not None and equity is not None and equity > 0 else None
    return {
        "position": str(lines[i].quantity),
        "notional": text(lines[i].worth),
        "gross": text(gross),
        "net": text(net),
        "equity": text(equity),
        "leverage": None if leverage is None else float(leverage),
        "open_orders": machine.live_orders,
    }
