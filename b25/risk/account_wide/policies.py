"""Policies: conditions that an account, a symbol or a strategy must hold, and their evaluation on a snapshot.

`require leverage lte 10` says what must be, never what must not. A metric that is not known holds nothing that adds risk.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf, isfinite, nan

from b25.model.errors import Misuse

METRICS = (
    "leverage",
    "margin_usage",
    "drawdown_daily",
    "drawdown_max",
    "daily_loss",
    "concentration",
    "gross",
    "open_orders",
    "data_age_s",
    "liquidation_distance",
)
OPERATORS = {
    "lte": lambda value, limit: value <= limit,
    "lt": lambda value, limit: value < limit,
    "gte": lambda value, limit: value >= limit,
    "gt": lambda value, limit: value > limit,
}
SCOPES = ("account", "symbol", "strategy")


class Weight(Enum):
    """What becomes of a breach."""

    SOFT = "soft"  # warn
    HARD = "hard"  # refuse what adds risk
    EMERGENCY = "emergency"  # stop


@dataclass(frozen=True, slots=True)
class Holding:
    """What one strategy holds of one symbol, settlement currency; what is open, unknown or left of parents at its worst."""

    symbol: str
    strategy: str
    value: float
    open_buys: float = 0.0
    open_sells: float = 0.0
    open_orders: int = 0

    @property
    def worst(self) -> float:
        """Largest absolute value that fills could bring."""
        return max(abs(self.value), abs(self.value + self.open_buys), abs(self.value - self.open_sells))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An account at one moment; NaN is what is not known.

    `liquidation_distance` is that from a mark to the nearest price of liquidation, as a part of the mark; inf for never.
    """

    equity: float
    day_equity: float
    peak: float
    margin_demanded: float = 0.0
    data_age_s: float = 0.0
    liquidation_distance: float = inf
    holdings: Sequence[Holding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`metric` `require` `threshold` must hold in a scope; an account's has no scope id, the others need one."""

    id: str
    metric: str
    threshold: float
    require: str = "lte"
    weight: Weight = Weight.HARD
    scope: str = "account"
    scope_id: str = ""
    priority: int = 0
    enabled: bool = True
    version: int = 1

    def __post_init__(self) -> None:
        for name, known in (("metric", METRICS), ("require", tuple(OPERATORS)), ("scope", SCOPES)):
            if getattr(self, name) not in known:
                raise Misuse(f"policy {self.id}: {name}={getattr(self, name)!r}", remedy=f"choose of {', '.join(known)}")
        if not isfinite(self.threshold):
            raise Misuse(f"policy {self.id}: threshold={self.threshold!r}", remedy="give a finite number")
        if (self.scope == "account") != (self.scope_id == ""):
            raise Misuse(f"policy {self.id}: scope {self.scope} with the id {self.scope_id!r}", remedy="name what it is for")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a policy stands: its metric (NaN: not known), and whether it holds."""

    policy: Policy
    value: float
    holds: bool


DEFAULTS = (
    Policy(id="leverage", metric="leverage", threshold=3.0),
    Policy(id="margin", metric="margin_usage", threshold=0.80),
    Policy(id="margin-stop", metric="margin_usage", threshold=0.90, weight=Weight.EMERGENCY),
    Policy(id="day-warn", metric="drawdown_daily", threshold=0.03, weight=Weight.SOFT),
    Policy(id="day", metric="drawdown_daily", threshold=0.05),
    Policy(id="day-stop", metric="drawdown_daily", threshold=0.10, weight=Weight.EMERGENCY),
    Policy(id="peak", metric="drawdown_max", threshold=0.20),
    Policy(id="peak-stop", metric="drawdown_max", threshold=0.25, weight=Weight.EMERGENCY),
)


def metrics(snapshot: Snapshot, scope: str = "account", scope_id: str = "") -> Mapping[str, float]:
    """Return every metric in a scope; NaN where it cannot be known."""
    held = [h for h in snapshot.holdings if scope == "account" or getattr(h, scope) == scope_id]
    equity, gross = snapshot.equity, sum(h.worst for h in held)
    by_symbol: dict[str, float] = {}
    for one in held:
        by_symbol[one.symbol] = by_symbol.get(one.symbol, 0.0) + one.worst
    largest = max(by_symbol.values(), default=0.0)

    def of_equity(amount: float) -> float:
        return amount / equity if equity > 0 else (0.0 if amount == 0 and equity == 0 else nan)

    def fall(before: float) -> float:
        return max(0.0, (before - equity) / before) if before > 0 and isfinite(equity) else nan

    return {
        "leverage": of_equity(gross),
        "margin_usage": of_equity(snapshot.margin_demanded),
        "drawdown_daily": fall(snapshot.day_equity),
        "drawdown_max": fall(snapshot.peak),
        "daily_loss": snapshot.day_equity - equity,
        "concentration": of_equity(largest),
        "gross": gross,
        "open_orders": float(sum(h.open_orders for h in held)),
        "data_age_s": snapshot.data_age_s,
        "liquidation_distance": min(snapshot.liquidation_distance, 1.0),  # never, and beyond a whole price away, are one
    }


def evaluate(policies: Iterable[Policy], snapshot: Snapshot) -> list[Verdict]:
    """Judge every enabled policy, account before symbol before strategy, then by priority; none ends the evaluation."""
    ordered = sorted((p for p in policies if p.enabled), key=lambda p: (SCOPES.index(p.scope), p.priority, p.id))
    verdicts = []
    for policy in ordered:
        value = metrics(snapshot, policy.scope, policy.scope_id)[policy.metric]
        verdicts.append(Verdict(policy, value, isfinite(value) and OPERATORS[policy.require](value, policy.threshold)))
    return verdicts


def violations(policies: Iterable[Policy], snapshot: Snapshot) -> list[Verdict]:
    """Return the policies that do not hold."""
    return [verdict for verdict in evaluate(policies, snapshot) if not verdict.holds]


@dataclass(slots=True)
class Breaker:
    """Five new hard breaches within a minute stop the account; one that stands is one."""

    limit: int = 5
    window_ns: int = 60 * 10**9
    standing: set[tuple[str, str]] = field(default_factory=set)
    times_ns: list[int] = field(default_factory=list)

    def observe(self, now_ns: int, verdicts: Sequence[Verdict]) -> bool:
        """Count the pairs of policy and scope that passed from held to violated; True when the account is to be stopped."""
        broken = {(v.policy.id, v.policy.scope_id) for v in verdicts if v.policy.weight is Weight.HARD and not v.holds}
        self.times_ns = [t for t in self.times_ns if t > now_ns - self.window_ns] + [now_ns] * len(broken - self.standing)
        self.standing = broken
        return len(self.times_ns) >= self.limit

    def clear(self) -> None:
        """Forget what was counted, after a stop and on re-enabling."""
        self.times_ns.clear()
