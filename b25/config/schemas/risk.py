"""Types `risk_limit` and `account_policy`: the limits that the gate really judges by, and what an account must hold to."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field, create_model

from b25.config.schemas.base import Name, Schema
from b25.model.errors import Misuse
from b25.risk.account_wide.policies import METRICS, OPERATORS, SCOPES, Policy, Weight
from b25.risk.limit_set import LimitSet
from b25.risk.limits import ORDERED, Limits

_FIELDS: Final[dict[str, Any]] = {one.name: (one.type, None) for one in fields(Limits)}
LimitFields: Any = create_model(
    "LimitFields",
    __base__=Schema,
    __doc__="Limits of one scope, by the names, units and bounds of `b25.Limits`; what is left out is no limit.",
    **_FIELDS,
)
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20})?(-\S{1,20})?$")]
Of = Annotated[float, Field(gt=0)]


class RiskLimit(Schema):
    """Limits of orders, by scope; of several that apply the tightest holds.

    Attributes
    ----------
    account, strategy, symbol : limits
        By the strategy's class name and the unified symbol.
    reduce_only, restricted, allowed : tuple of str
        Symbols; see `b25.risk.limit_set.LimitSet`.
    max_position_size : float, optional
        Another word for ``account.gross_max``: settlement currency, positions and open orders of all instruments.
    max_daily_loss, max_leverage : float, optional
        Other words for ``account.daily_loss_max`` and ``account.leverage_max``.
    max_loss_per_trade, stop_loss_percent : float, optional
        Together they bound the value of one order (``account.order_value_max``): stopped that many per cent away, it loses no
        more than that. The gate sets no stops; that is the strategy's.
    """

    account: LimitFields = Field(default_factory=LimitFields)
    strategy: dict[Name, LimitFields] = Field(default_factory=dict)
    symbol: dict[Symbol, LimitFields] = Field(default_factory=dict)
    reduce_only: tuple[Symbol, ...] = ()
    restricted: tuple[Symbol, ...] = ()
    allowed: tuple[Symbol, ...] | None = None
    max_position_size: Of | None = None
    max_loss_per_trade: Of | None = None
    max_daily_loss: Of | None = None
    max_leverage: Annotated[float, Field(gt=0, le=100)] | None = None
    stop_loss_percent: Annotated[float, Field(gt=0, le=100)] | None = None

    def words(self) -> dict[str, float]:
        """What the other words say, by the names of the limits."""
        told = {"gross_max": self.max_position_size, "daily_loss_max": self.max_daily_loss, "leverage_max": self.max_leverage}
        if self.max_loss_per_trade is not None and self.stop_loss_percent is not None:
            told["order_value_max"] = self.max_loss_per_trade / (self.stop_loss_percent / 100)
        return {name: value for name, value in told.items() if value is not None}

    def limit_set(self, version: int = 1) -> LimitSet:
        """Return the limits. Raises Misuse, by name, for one that makes no sense."""
        if (self.max_loss_per_trade is None) != (self.stop_loss_percent is None):
            given = "max_loss_per_trade" if self.stop_loss_percent is None else "stop_loss_percent"
            raise Misuse(f"{given} does nothing alone", remedy="give max_loss_per_trade and stop_loss_percent together")
        account = self.account.model_dump(exclude_none=True)
        if twice := [name for name in self.words() if name in account]:
            raise Misuse(f"account.{twice[0]} is said in two words", remedy="give one of them")
        document: dict[str, Any] = {"version": version, "account": account | self.words()}
        for scope in ("strategy", "symbol"):
            document[scope] = {name: one.model_dump(exclude_none=True) for name, one in getattr(self, scope).items()}
        document |= {"reduce_only": self.reduce_only, "restricted": self.restricted}
        return LimitSet.of(document if self.allowed is None else {**document, "allowed": self.allowed})


class Tightest(LimitSet):
    """Limits of several origins: beside one that came from elsewhere another may be too wide ever to refuse, and is narrowed."""

    __slots__ = ()

    def limits(self, symbol: str, strategy: str) -> Limits:
        """Return what holds for a strategy in a symbol, none of it wider than makes sense beside the others."""
        return _narrowed(LimitSet.limits(self, symbol, strategy))


def tightest(sets: list[LimitSet]) -> LimitSet:
    """Return what holds where several sets do: of each limit the tightest; version of the last."""
    first = sets[0] if sets else LimitSet()
    found = Tightest(**{one.name: getattr(first, one.name) for one in fields(LimitSet)})
    for other in sets[1:]:
        scopes: dict[str, Any] = {"account": _tighter(found.account, other.account)}
        for scope in ("strategy", "symbol"):
            one, two = getattr(found, scope), getattr(other, scope)
            scopes[scope] = {name: _tighter(one.get(name, Limits()), two.get(name, Limits())) for name in {**one, **two}}
        allowed = [a for a in (found.allowed, other.allowed) if a is not None]
        found = Tightest(
            version=other.version, reduce_only=found.reduce_only | other.reduce_only,
            restricted=found.restricted | other.restricted, allowed=frozenset.intersection(*allowed) if allowed else None,
            **scopes,
        )  # fmt: skip
    return found


def _tighter(one: Limits, two: Limits) -> Limits:
    if one == Limits() or two == Limits():
        return two if one == Limits() else one
    return _narrowed(LimitSet(account=one, strategy={"other": two}).limits("", "other"))


def _narrowed(kept: Limits) -> Limits:
    for tight, wide, times in ORDERED:
        low, high = getattr(kept, tight), getattr(kept, wide)
        if low is not None and high is not None and low > times * high:
            kept = replace(kept, **{tight: times * high})
    return kept


def document_of(limits: LimitSet) -> dict[str, Any]:
    """Return a set as plain data that `RiskLimit` takes."""
    document: dict[str, Any] = {"account": _plain(limits.account)}
    for scope in ("strategy", "symbol"):
        document[scope] = {name: _plain(one) for name, one in sorted(getattr(limits, scope).items())}
    for name in ("reduce_only", "restricted"):
        document[name] = sorted(getattr(limits, name))
    if limits.allowed is not None:
        document["allowed"] = sorted(limits.allowed)
    return {name: value for name, value in document.items() if value or name == "allowed"}


def _plain(limits: Limits) -> dict[str, Any]:
    return {name: value for name, value in limits.items() if value is not None}


class PolicyFields(Schema):
    """`metric` `require` `threshold` must hold; see `b25.risk.account_wide.policies`."""

    id: Name
    metric: Literal[METRICS]  # type: ignore[valid-type]
    threshold: float
    require: Literal[tuple(OPERATORS)] = "lte"  # type: ignore[valid-type]
    weight: Literal["soft", "hard", "emergency"] = "hard"
    scope: Literal[SCOPES] = "account"  # type: ignore[valid-type]
    scope_id: Annotated[str, Field(max_length=64)] = ""
    priority: int = 0
    enabled: bool = True

    def policy(self) -> Policy:
        """Return the policy. Raises Misuse when it makes no sense."""
        return Policy(**{**self.model_dump(), "weight": Weight(self.weight)})


class MarginTerms(Schema):
    """How a venue reckons margin: leverage, and from which notional on which maintenance ratio."""

    leverage: Of
    tiers: Annotated[tuple[tuple[float, float], ...], Field(min_length=1, max_length=32)]


class AccountPolicy(Schema):
    """What an account as a whole must hold to, with the margin terms that some of it is judged by."""

    policies: Annotated[tuple[PolicyFields, ...], Field(min_length=1, max_length=200)]
    margin: dict[Symbol, MarginTerms] = Field(default_factory=dict)
