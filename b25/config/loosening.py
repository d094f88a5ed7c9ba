"""Which changes loosen: those that let more risk through, and need a second person. Tightening holds at once.

Limits are compared where they bite: for every strategy and symbol that either side names, and for one that neither does, after
the tightest of all scopes was taken. What is not understood counts as loosening.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from b25.config.check import model_of
from b25.config.schemas.risk import AccountPolicy, RiskLimit
from b25.config.schemas.trading import ExchangeConfig, SessionConfig, TradingPair
from b25.risk.limit_set import LimitSet
from b25.risk.limits import Limits

LESS, MORE, CHANGED = "less", "more", "changed"
# What loosens a limit: a higher value (`more`), a lower one (`less`), or any other (`changed`). To take it away always does.
DIRECTIONS: Final[dict[str, str]] = {name: MORE for name, _ in Limits().items()} | {
    "duplicates_window_s": LESS,  # a shorter memory sees less
    "executions_window_s": LESS,
    "reject_window": CHANGED,
}
UNSET: Final[dict[str, float]] = {"duplicates_window_s": 1.0, "executions_window_s": 600.0, "reject_window": 20.0}
NOBODY: Final = "\0"  # a strategy or symbol that no scope names
ON_LATCH: Final = ("reduce", "kill", "flatten")
MODES: Final = ("observe", "paper", "live")
WEIGHTS: Final = ("soft", "hard", "emergency")


@dataclass(frozen=True, slots=True)
class Loosened:
    """One thing that lets more through than before."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.field}: {_told(self.before)} -> {_told(self.after)}"

    def facts(self) -> dict[str, Any]:
        """As plain data."""
        return {"field": self.field, "before": self.before, "after": self.after}


def loosened(kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[Loosened]:
    """Return what a change loosens.

    Parameters
    ----------
    before, after : dict or None
        What holds with all that is inherited, and what is to hold; None for nothing.
    """
    old = None if before is None else model_of(kind, before)
    new = None if after is None else model_of(kind, after)
    if kind == "risk_limit":
        return _limits(_set(old), _set(new))
    if kind == "trading_pair":
        return _pairs(old, new)
    if kind == "account_policy":
        return _policies(old, new)
    if kind == "session":
        return _session(old, new)
    if kind == "exchange":
        return _exchange(old, new)
    return []


def _set(model: Any) -> LimitSet:
    return model.limit_set() if isinstance(model, RiskLimit) else LimitSet()


def _limits(old: LimitSet, new: LimitSet) -> list[Loosened]:
    found: dict[str, Loosened] = {}
    strategies = [*sorted({*old.strategy, *new.strategy}), NOBODY]
    symbols = [*sorted({*old.symbol, *new.symbol}), NOBODY]
    for strategy in strategies:
        for symbol in symbols:
            was, now = old.limits(symbol, strategy), new.limits(symbol, strategy)
            for name in DIRECTIONS:
                if is_looser(name, was, now):
                    scope = [f"strategy {strategy}"] * (strategy != NOBODY) + [f"symbol {symbol}"] * (symbol != NOBODY)
                    field = f"{', '.join(scope) or 'account'}: {name}"
                    one = Loosened(field, getattr(was, name), getattr(now, name))
                    found.setdefault(f"{name} {one.before} {one.after}", one)
    more = list(found.values())
    for name in ("restricted", "reduce_only"):
        gone = sorted(getattr(old, name) - getattr(new, name))
        if name == "reduce_only":
            gone = [one for one in gone if one not in new.restricted]
        more += [Loosened(f"{name}: {symbol}", True, None) for symbol in gone]
    if old.allowed is not None and (new.allowed is None or new.allowed - old.allowed):
        more.append(Loosened("allowed", sorted(old.allowed), None if new.allowed is None else sorted(new.allowed)))
    return more


def is_looser(name: str, before: Limits, after: Limits) -> bool:
    """Whether a limit lets more through than before."""
    was, now = _reach(name, before), _reach(name, after)
    if was is None or was == now:
        return False
    if now is None:
        return True
    direction = DIRECTIONS[name]
    return direction == CHANGED or (now > was if direction == MORE else now < was)


def _reach(name: str, limits: Limits) -> float | None:
    """How far it reaches, with what it is by default where its owner is set; None where it limits nothing."""
    value = getattr(limits, name)
    if name == "adv":
        return None  # no limit in itself: it is part of the share
    if name == "adv_share_max":
        return None if value is None else value * (limits.adv or 0.0)
    owners = {
        "duplicates_window_s": limits.duplicates_max is not None,
        "executions_window_s": limits.executions_max is not None or limits.turnover_max is not None,
        "reject_window": limits.reject_ratio_max is not None,
    }
    if name in owners:
        return float(value if value is not None else UNSET[name]) if owners[name] else None
    if name in ("orders_burst_max", "messages_burst_max"):
        rate = getattr(limits, name.replace("burst", "per_s"))
        return None if rate is None else float(value if value is not None else rate)
    return None if value is None else float(value)


def _pairs(old: Any, new: Any) -> list[Loosened]:
    if not isinstance(old, TradingPair):
        return []
    if not isinstance(new, TradingPair) or new.symbol != old.symbol:
        return [Loosened("max_order_size", str(old.max_order_size), None)]
    found = []
    if new.max_order_size > old.max_order_size:
        found.append(Loosened("max_order_size", str(old.max_order_size), str(new.max_order_size)))
    if new.enabled and not old.enabled:
        found.append(Loosened("enabled", False, True))
    return found


def _policies(old: Any, new: Any) -> list[Loosened]:
    if not isinstance(old, AccountPolicy):
        return []
    now = {one.id: one for one in new.policies} if isinstance(new, AccountPolicy) else {}
    found = []
    for one in old.policies:
        if not one.enabled:
            continue
        other = now.get(one.id)
        if other is None or not other.enabled:
            found.append(Loosened(f"policy {one.id}", one.threshold, None))
            continue
        if (one.metric, one.require, one.scope, one.scope_id) != (other.metric, other.require, other.scope, other.scope_id):
            found.append(Loosened(f"policy {one.id}", one.metric, other.metric))
        elif (other.threshold > one.threshold) if one.require in ("lte", "lt") else (other.threshold < one.threshold):
            found.append(Loosened(f"policy {one.id}: threshold", one.threshold, other.threshold))
        if WEIGHTS.index(other.weight) < WEIGHTS.index(one.weight):
            found.append(Loosened(f"policy {one.id}: weight", one.weight, other.weight))
    if old.margin and (not isinstance(new, AccountPolicy) or new.margin != old.margin):
        found.append(Loosened("margin", "terms", "other terms"))
    return found


def _session(old: Any, new: Any) -> list[Loosened]:
    if not isinstance(new, SessionConfig):
        return []
    found = []
    was = old.mode if isinstance(old, SessionConfig) else "observe"
    if new.mode == "live" and was != "live":
        found.append(Loosened("mode", was if old is not None else None, "live"))
    if isinstance(old, SessionConfig):
        if ON_LATCH.index(new.on_latch) < ON_LATCH.index(old.on_latch):
            found.append(Loosened("on_latch", old.on_latch, new.on_latch))
        if new.mode == "live" and new.strategy != old.strategy:
            found.append(Loosened("strategy", old.strategy, new.strategy))
    return found


def _exchange(old: Any, new: Any) -> list[Loosened]:
    if not isinstance(new, ExchangeConfig) or new.testnet:
        return []
    if not isinstance(old, ExchangeConfig) or old.testnet:
        return [Loosened("testnet", None if old is None else True, False)]
    pairs = (("rest_url", old.rest_url, new.rest_url), ("ws_url", old.ws_url, new.ws_url), ("key", old.key, new.key))
    return [Loosened(name, was, now) for name, was, now in pairs if was != now]


def _told(value: Any) -> str:
    return "no limit" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
