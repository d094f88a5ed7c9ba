"""From a profile to a venue: the one place where a ccxt exchange is made, watched, limited and pointed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from b25.model.errors import Misuse
from b25.venue.ccxt.budgets import BinanceCosts, CcxtCosts, binance_limiter, ccxt_limiter
from b25.venue.ccxt.client import Costs, Gate, watched
from b25.venue.ccxt.dialect import dialect_of
from b25.venue.ccxt.gateway import CcxtVenue
from b25.venue.ccxt.limiter import Limiter
from b25.venue.ccxt.profile import Profile, ccxt_config, point

# Of these ccxt reads deposits and networks before the markets, some with the key; nothing here needs them. Kraken's names do.
NO_CURRENCIES = frozenset({"binance", "bybit", "okx", "gate", "coinbase"})


def connect(
    profile: Profile,
    *,
    limiter: Limiter | None = None,
    now_ns: Callable[[], int] = time.monotonic_ns,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience_s: float = 5.0,
    session: Any = None,
) -> CcxtVenue:
    """Return the venue of a profile. Nothing is sent yet.

    Parameters
    ----------
    profile : Profile
    limiter : Limiter, optional
        Shared by every venue object behind one address; by default one of its own.
    now_ns, now_ms, sleep : callable
        Monotonic clock, wall clock, and waiting.
    patience_s : float
        How long a read may wait for budget.
    session : aiohttp.ClientSession, optional
        For a simulated network.

    Raises
    ------
    Misuse
        When ccxt is not installed, knows no such exchange, or an address is not of the profile's kind.
    """
    try:
        import ccxt.pro as pro
    except ImportError:
        raise Misuse(
            "a venue through ccxt needs ccxt, which is not installed", remedy="install it: uv pip install 'b25[exchange]'"
        ) from None
    kind = getattr(pro, profile.exchange, None) if profile.exchange in pro.exchanges else None
    if kind is None:
        raise Misuse(
            f"ccxt.pro has no exchange {profile.exchange!r}", remedy="use one of its ids, e.g. binance, bybit, okx, kraken"
        )
    is_binance = profile.exchange == "binance"
    costs: Costs = BinanceCosts() if is_binance else CcxtCosts()
    own = limiter or (binance_limiter() if is_binance else ccxt_limiter(float(kind().rateLimit)))
    gate = Gate(own, costs, now_ns=now_ns, sleep=sleep, patience_s=patience_s)
    config = ccxt_config(profile)
    if session is not None:
        config["session"] = session
    api = watched(kind, gate)(config)
    point(api, profile)
    if profile.exchange in NO_CURRENCIES:
        api.has = {**api.has, "fetchCurrencies": False}
    venue = CcxtVenue(api, profile, dialect_of(profile.exchange, profile.kind, dict(api.has)), now_ms=now_ms)
    venue.limiter = own
    return venue
