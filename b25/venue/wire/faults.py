"""The faults that are switched on now, and the dice that decide whether one strikes.

The REST front asks with `draw(knob, "POST /api/v3/order", account)`, the streams with `draw(knob, "btcusdt@depth", "")`; both
get the fault that strikes now, or None. A fault that happens once (`cut`, `liquidate`, …) is told to everybody in `listeners`
when it is set. The dice are the venue's own and seeded: the same requests in the same order meet the same faults.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from b25.model.errors import Misuse
from b25.venue.wire.fault_knobs import KNOBS, Stage

FOREVER_MS = 2**62
# Knobs that a request of any kind may meet before or after the core; the others are asked for where they work.
ON_THE_WAY = {name for name, knob in KNOBS.items() if knob.stage is Stage.REST} - {
    "read_lag_ms",
    "snapshot_age_ms",
    "batch_partial",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One knob, turned.

    Attributes
    ----------
    where : str
        Glob over what the knob is aimed at: route, stream, event type or symbol.
    account : str
        Glob over account names.
    chance : float
        Probability that it strikes when it could.
    left : int
        How often it may still strike; negative for ever.
    from_ms, until_ms : int
        It is on from, and before, these times of the venue.
    values : dict
        The knob's own values.
    """

    fault_id: int
    knob: str
    where: str = "*"
    account: str = "*"
    chance: float = 1.0
    left: int = -1
    from_ms: int = 0
    until_ms: int = FOREVER_MS
    struck: int = 0
    values: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The fault as the admin API and the status page show it."""
        until = None if self.until_ms >= FOREVER_MS else self.until_ms
        aim = {"id": self.fault_id, "knob": self.knob, "where": self.where, "account": self.account, "chance": self.chance}
        span = {"left": None if self.left < 0 else self.left, "from_ms": self.from_ms, "until_ms": until, "struck": self.struck}
        return {**aim, **span, **self.values}


Listener = Callable[[Fault], None]
_COMMON = {"where", "account", "chance", "left"}


class Faults:
    """All faults that are on, by knob.

    Parameters
    ----------
    seed : int
        Of the dice.
    """

    def __init__(self, seed: int = 25) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - chance, not secrets
        self.now_ms = 0
        self.listeners: list[Listener] = []
        self._on: dict[str, list[Fault]] = {}
        self._on_the_way = False
        self._next_id = 1

    def set(self, knob: str, *, from_ms: int | None = None, for_ms: int | None = None, **values: Any) -> Fault:
        """Turn a knob.

        Parameters
        ----------
        knob : str
            One of `fault_knobs.KNOBS`.
        from_ms : int, optional
            Venue time from which it is on; now when left out.
        for_ms : int, optional
            How long it stays on; for ever when left out.
        **values
            `where`, `account`, `chance`, `left`, and the knob's own values.
        """
        known = KNOBS.get(knob)
        if known is None:
            raise Misuse(f"there is no fault knob {knob!r}", remedy=f"use one of {', '.join(sorted(KNOBS))}")
        own = {name: value for name, value in values.items() if name not in _COMMON}
        if strange := sorted(set(own) - set(known.values)):
            raise Misuse(
                f"{knob} takes no {', '.join(strange)}", remedy=f"it takes {', '.join(sorted(_COMMON | set(known.values)))}"
            )
        begin = self.now_ms if from_ms is None else from_ms
        fault = Fault(
            fault_id=self._next_id, knob=knob, where=str(values.get("where", "*")), account=str(values.get("account", "*")),
            chance=_number(knob, "chance", values.get("chance", 1.0)), left=int(_number(knob, "left", values.get("left", -1))),
            from_ms=begin, until_ms=FOREVER_MS if for_ms is None else begin + for_ms, values={**known.values, **own},
        )  # fmt: skip
        for name in ("min", "max", "jitter", "ms", "hang_ms", "share", "factor"):
            if name in fault.values:
                fault.values[name] = _number(knob, name, fault.values[name])
        self._next_id += 1
        if known.stage is not Stage.ACTION:
            self._on.setdefault(knob, []).append(fault)
            self._on_the_way = not ON_THE_WAY.isdisjoint(self._on)
        self._tell(fault)
        return fault

    def clear(self, knob: str | None = None, fault_id: int | None = None) -> int:
        """Switch off all faults, those of one knob, or one; gives how many went."""
        gone = [fault for fault in self.all() if (knob is None or fault.knob == knob) and fault_id in (None, fault.fault_id)]
        for fault in gone:
            self._remove(fault)
        return len(gone)

    def draw(self, knob: str, where: str, account: str = "") -> Fault | None:
        """The first fault of this knob that strikes here and now, counted; None when none does."""
        faults = self._on.get(knob)
        if not faults:
            return None
        for fault in tuple(faults):
            if self.now_ms >= fault.until_ms:
                self._remove(fault)
            elif self.now_ms >= fault.from_ms and _matches(fault, where, account) and self._rolls(fault):
                fault.struck += 1
                if fault.left > 0:
                    fault.left -= 1
                    if not fault.left:
                        self._remove(fault)
                return fault
        return None

    def drawn_ms(self, knob: str, where: str, account: str = "") -> float:
        """A delay drawn from the knob's span min to max, with its exponential tail; 0 when the knob is off."""
        fault = self.draw(knob, where, account)
        return 0.0 if fault is None else self.span_ms(fault)

    def span_ms(self, fault: Fault) -> float:
        """A draw from the span of a fault."""
        tail = fault.values.get("jitter", 0.0)
        drawn = self.dice.uniform(fault.values["min"], max(fault.values["min"], fault.values["max"]))
        return drawn + (self.dice.expovariate(1.0 / tail) if tail > 0 else 0.0)

    def is_on(self, knob: str) -> bool:
        """Whether any fault of this knob is set, whatever it is aimed at: one dict look-up, for hot paths."""
        return knob in self._on

    def any_rest(self) -> bool:
        """Whether any fault is set at all."""
        return bool(self._on)

    def meets_request(self, *, is_lagged: bool) -> bool:
        """Whether a request to an endpoint (one that lags or not) can meet a fault on its way."""
        return self._on_the_way or (is_lagged and "read_lag_ms" in self._on)

    def all(self) -> list[Fault]:
        """Every fault that is set and not over."""
        return [fault for faults in self._on.values() for fault in faults if self.now_ms < fault.until_ms]

    def advance(self, now_ms: int) -> None:
        """Let the venue's time pass: faults that are over go, and their listeners hear it."""
        self.now_ms = now_ms
        for fault in [fault for faults in self._on.values() for fault in faults if now_ms >= fault.until_ms]:
            self._remove(fault)

    def _remove(self, fault: Fault) -> None:
        faults = self._on.get(fault.knob, [])
        if fault in faults:
            faults.remove(fault)
            if not faults:
                del self._on[fault.knob]
                self._on_the_way = not ON_THE_WAY.isdisjoint(self._on)
            fault.left = 0
            self._tell(fault)

    def _rolls(self, fault: Fault) -> bool:
        return fault.chance >= 1.0 or self.dice.random() < fault.chance

    def _tell(self, fault: Fault) -> None:
        for listener in tuple(self.listeners):
            listener(fault)


def _matches(fault: Fault, where: str, account: str) -> bool:
    here = fault.where == "*" or fault.where == where or fnmatchcase(where, fault.where)
    return here and (fault.account == "*" or fnmatchcase(account, fault.account))


def _number(knob: str, name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Misuse(f"{knob}: {name} is {value!r}", remedy="give a number") from None


def set_all(faults: Faults, rows: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Turn several knobs, each given as `{knob, …}`."""
    return [faults.set(**{str(name): value for name, value in row.items()}) for row in rows]
