"""What the gate thinks, for people and for the store: its state, latches and warnings, and the whole verdict on each effect."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.model.order import REASON_TEXT, Reason
from b25.model.risk import ACTIVE, REASON_OF, REDUCING, WARN_AT, Control

STATES = {ACTIVE: "active", REDUCING: "reducing"}


def controls_of(verdict: int) -> tuple[Control, ...]:
    """Controls whose bits are set, in the order of evaluation."""
    return tuple(control for control in Control if verdict >> control & 1)


def bits_of(controls: tuple[Control, ...]) -> int:
    """Bits of some controls: the `amount` of a COMMAND event that re-arms them."""
    return sum(1 << control for control in set(controls))


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate said to one intent, and every control that it broke, not the first alone."""

    order_id: int
    request_id: int
    instrument: int
    reason: Reason
    broken: tuple[Control, ...]
    limits_version: int

    @property
    def approved(self) -> bool:
        """True when the effect is to be performed."""
        return self.reason == Reason.OK


@dataclass(frozen=True, slots=True)
class Warned:
    """A limit of which so much is used that people should know."""

    control: Control
    used: float
    latched: bool

    def __str__(self) -> str:
        if self.latched:
            return f"{self.control.name.lower()} is latched: {REASON_TEXT[REASON_OF[self.control]]}"
        return f"{self.control.name.lower()}: {self.used:.0%} of the limit is used"


@dataclass(frozen=True, slots=True)
class RiskStatus:
    """The gate's memory in words."""

    state: str
    latched: tuple[Control, ...]
    latched_ns: int
    warnings: tuple[Warned, ...]
    equity: float
    peak: float
    day_equity: float
    limits_version: int


def risk_status(risk: np.ndarray[Any, Any], limits: np.ndarray[Any, Any]) -> RiskStatus:
    """Read the RISK record and the LIMITS rows of a world. A warning begins at 80 % of a limit; a latch is always one."""
    one = risk[0]
    latched = controls_of(int(one["latched"]))
    near = controls_of(int(one["warned"]) | int(one["latched"]))
    return RiskStatus(
        state=STATES.get(int(one["state"]), "stopped"),
        latched=latched,
        latched_ns=int(one["latched_ns"]),
        warnings=tuple(Warned(c, float(one["used"][c]), c in latched) for c in near if c in latched or one["used"][c] >= WARN_AT),
        equity=float(one["equity"]),
        peak=float(one["peak"]),
        day_equity=float(one["day_equity"]),
        limits_version=int(limits[0]["version"]),
    )


def decisions(
    outbox: np.ndarray[Any, Any], verdicts: np.ndarray[Any, Any], count: int, limits: np.ndarray[Any, Any]
) -> list[Decision]:
    """Return the decisions of the latest step: `outbox`, `verdicts` and `limits` are a world's, `count` its `head["outbox"]`."""
    version = int(limits[0]["version"])
    return [
        Decision(
            order_id=int(effect["order_id"]),
            request_id=int(effect["request_id"]),
            instrument=int(effect["instrument"]),
            reason=Reason(int(effect["reason"])),
            broken=controls_of(int(verdict)),
            limits_version=version,
        )
        for effect, verdict in zip(outbox[:count], verdicts[:count], strict=True)
    ]
