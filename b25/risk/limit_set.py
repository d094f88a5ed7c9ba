"""A set of limits by scope: of the account, of a strategy, of a symbol; the tightest wins. It has a version and a hash."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.world import LIMITS, TRADING_NOTHING, TRADING_REDUCES
from b25.risk.limits import NEEDS, OF_ACCOUNT, Limits

NAMES = tuple(f.name for f in fields(Limits))
SCOPES = ("account", "strategy", "symbol")
SYMBOLS = ("reduce_only", "restricted", "allowed")
# What must be set before money is at stake, by the catalogue of controls.
FOR_LIVE = ("order_value_max", "position_max", "daily_loss_max", "drawdown_max", "orders_per_s_max", "collar", "data_age_max_s")
COLLAR_WIDEST = 0.1
# These go together: the window belongs to the limit that it is set beside, so both come from one scope.
WITH = {
    "duplicates_max": ("duplicates_window_s",),
    "orders_per_s_max": ("orders_burst_max",),
    "messages_per_s_max": ("messages_burst_max",),
    "reject_ratio_max": ("reject_window",),
    "adv_share_max": ("adv",),
}
FOLLOWERS = {follower for followers in WITH.values() for follower in followers} | {"executions_window_s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet:
    """Limits by scope, and which symbols may be traded.

    Parameters
    ----------
    version : int
        Rises with every change; it stands in the world beside the hash.
    account : Limits
    strategy, symbol : mapping of str to Limits
        By the strategy's class name and by ccxt unified symbol. A symbol has no limits of the account.
    reduce_only : frozenset of str
        Symbols whose position may only be reduced.
    restricted : frozenset of str
        Symbols in which nothing leaves but cancels.
    allowed : frozenset of str, optional
        Symbols that may be traded; None allows all that are not restricted.
    """

    version: int = 1
    account: Limits = field(default_factory=Limits)
    strategy: Mapping[str, Limits] = field(default_factory=dict)
    symbol: Mapping[str, Limits] = field(default_factory=dict)
    reduce_only: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.version, bool) or not isinstance(self.version, int) or self.version < 1:
            raise Misuse(f"version={self.version!r} of a set of limits", remedy="count versions from 1")
        for where, limits in self._all():
            try:
                limits.check()
            except Misuse as fault:
                raise Misuse(f"{where}: {fault.what}", remedy=fault.remedy) from None
        for symbol, limits in self.symbol.items():
            for name in OF_ACCOUNT:
                if getattr(limits, name) is not None:
                    raise Misuse(
                        f"symbol {symbol}: {name} is a limit of the account", remedy="set it under account or under a strategy"
                    )

    def _all(self) -> Iterable[tuple[str, Limits]]:
        yield "account", self.account
        for name, limits in self.strategy.items():
            yield f"strategy {name}", limits
        for name, limits in self.symbol.items():
            yield f"symbol {name}", limits

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "LimitSet":
        """Make a set from plain data, as a TOML file gives it; a key that is not known is refused by name."""
        known = ("version", *SCOPES, *SYMBOLS)
        for key in document:
            _known(key, known, "a set of limits")
        scoped: dict[str, Any] = {"account": _limits(document.get("account", {}), "account")}
        for scope in ("strategy", "symbol"):
            scoped[scope] = {name: _limits(one, f"{scope} {name}") for name, one in document.get(scope, {}).items()}
        for name in SYMBOLS:
            if name in document:
                scoped[name] = frozenset(document[name])
        return cls(version=document.get("version", 1), **scoped)

    def limits(self, symbol: str, strategy: str) -> Limits:
        """Return what holds for a strategy in a symbol: of each limit the tightest of the three scopes."""
        scopes = [self.account, self.strategy.get(strategy, Limits()), self.symbol.get(symbol, Limits())]
        chosen: dict[str, Any] = {}
        for name in NAMES:
            if name in FOLLOWERS:
                continue
            having = [limits for limits in scopes if getattr(limits, name) is not None]
            if not having:
                continue
            tightest = min(having, key=lambda limits: _reach(limits, name))
            for each in (name, *WITH.get(name, ())):
                chosen[each] = getattr(tightest, each)
        # Two limits share this window; of several the longest sees most.
        windows = [w for limits in scopes if (w := limits.executions_window_s) is not None]
        if windows:
            chosen["executions_window_s"] = max(windows)
        return Limits(**chosen)

    def records(self, instruments: Sequence[Instrument], strategy: str = "") -> np.ndarray[Any, Any]:
        """Return the LIMITS rows that a world is made with, the version and the hash among them."""
        rows = np.concatenate([self.limits(i.symbol, strategy).record(i) for i in instruments]).astype(LIMITS)
        for row, instrument in zip(rows, instruments, strict=True):
            symbol = instrument.symbol
            if symbol in self.restricted or (self.allowed is not None and symbol not in self.allowed):
                row["trading"] = TRADING_NOTHING
            elif symbol in self.reduce_only:
                row["trading"] = TRADING_REDUCES
        rows["version"] = self.version
        rows["hash"] = int.from_bytes(bytes.fromhex(self.hash)[:8], "big", signed=True)
        return rows

    @property
    def hash(self) -> str:
        """SHA-256 of everything in the set but its version: equal limits have equal hashes."""
        text = [f"{where}: {limits!r}" for where, limits in sorted(self._all(), key=lambda pair: pair[0])]
        text += [f"{name}: {None if (of := getattr(self, name)) is None else sorted(of)!r}" for name in SYMBOLS]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()

    def check_live(self, balance: float, symbols: Sequence[str], strategy: str = "") -> None:
        """Raise Misuse for what may not go live: a limit that must be set and is not, or one wider than is ever allowed."""
        for symbol in symbols:
            limits = self.limits(symbol, strategy)
            missing = [name for name in FOR_LIVE if getattr(limits, name) is None]
            if missing:
                raise Misuse(f"{symbol}: live trading needs {', '.join(missing)}", remedy="set them in the limits of the account")
            assert limits.collar is not None
            assert limits.daily_loss_max is not None
            if limits.collar > COLLAR_WIDEST:
                raise Misuse(
                    f"{symbol}: collar={limits.collar:g} is wider than {COLLAR_WIDEST:g}", remedy="narrow it; 0.02 is usual"
                )
            if not limits.daily_loss_max < balance:
                raise Misuse(
                    f"{symbol}: daily_loss_max={limits.daily_loss_max:g} is not below the balance of {balance:g}",
                    remedy="lower it to what a day may cost",
                )


def _reach(limits: Limits, name: str) -> float:
    """How far a limit reaches; a share of the day's volume by what it comes to."""
    value = float(getattr(limits, name))
    return value * (limits.adv or 0.0) if name == "adv_share_max" else value


def _limits(document: Mapping[str, Any], where: str) -> Limits:
    for key in document:
        _known(key, NAMES, where)
    return Limits(**document)


def _known(key: str, names: Sequence[str], where: str) -> None:
    if key not in names:
        near = difflib.get_close_matches(key, names, 1)
        raise Misuse(f"{where} has no {key!r}", remedy=f"did you mean {near[0]!r}?" if near else f"choose of {', '.join(names)}")


assert set(NEEDS) <= set(NAMES)
