"""The one place that asks a venue's public API for history: ccxt, its rate limit, and patience when the network fails."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from b25.market.bar_grid import Grid
from b25.model.errors import Misuse, Retry

WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
TIMEOUT_MS = 10_000
BLOCKED = " 451 "
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4  # how ccxt says that a venue tells its precision


@dataclass(slots=True)
class Exchange:
    """A ccxt exchange that is asked again when the network or the venue fails.

    Attributes
    ----------
    api : ccxt.Exchange
    sleep : callable
        Waits some seconds.
    clock_ns : callable
        Local time, ns.
    told : callable
        Is told why it waits.
    requests, retries : int
        Counted.
    """

    api: Any
    sleep: Callable[[float], None] = time.sleep
    clock_ns: Callable[[], int] = time.time_ns
    told: Callable[[str], None] = field(default=lambda text: None)
    requests: int = 0
    retries: int = 0

    def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the exchange.

        Raises
        ------
        Retry
            When it still fails after seven waits.
        Misuse
            When the venue refuses the request as such.
        """
        import ccxt

        for wait_s in (*WAITS_S, None):
            try:
                self.requests += 1
                return getattr(self.api, method)(*arguments, **options)
            except ccxt.NetworkError as fault:
                why = f"{self.api.id} {method}: {type(fault).__name__}: {_short(fault)}"
                if BLOCKED in f" {_short(fault)} ":
                    raise Misuse(
                        f"{why}: the venue does not serve the region that this machine is in (HTTP 451)",
                        remedy="use another venue, or a file: b25 data import; everything but downloading works without it",
                    ) from None
                if wait_s is None:
                    raise Retry(
                        why, remedy="try again later: what was fetched is kept, and the next run goes on from there"
                    ) from None
                self.retries += 1
                self.told(f"{why}; again in {wait_s:g} s")
                self.sleep(wait_s)
            except ccxt.BadSymbol as fault:
                raise Misuse(f"{self.api.id}: {_short(fault)}", remedy="write symbols like BTC/USDT, or BTC/USDT:USDT") from None
            except ccxt.BaseError as fault:
                raise Misuse(
                    f"{self.api.id} refuses {method}: {type(fault).__name__}: {_short(fault)}",
                    remedy="check symbol, timeframe and span; a region block or maintenance is the venue's own",
                ) from None
        raise AssertionError("the last attempt returns or raises")

    def now_ms(self) -> int:
        """The venue's time where it tells it, since a bar is closed by its clock; else ours."""
        if self.api.has.get("fetchTime"):
            return int(self.ask("fetch_time"))
        return self.clock_ns() // 1_000_000

    def market(self, symbol: str) -> dict[str, Any]:
        """What the venue says of a symbol. Raises Misuse with near names when it has none such."""
        markets = self.ask("load_markets")
        found = markets.get(symbol)
        if found is None:
            near = difflib.get_close_matches(symbol, markets, n=3)
            meant = f"did you mean {' or '.join(near)}?" if near else "write symbols like BTC/USDT, or BTC/USDT:USDT"
            raise Misuse(f"{self.api.id} has no {symbol}", remedy=meant)
        return dict(found)


def open_exchange(venue: str, *, api_url: str | None = None) -> Exchange:
    """Return a venue's public API.

    Parameters
    ----------
    venue : str
        Ccxt id.
    api_url : str, optional
        Scheme and host that all requests go to instead of the venue's own, e.g. a stand-in on this machine.

    Raises
    ------
    Misuse
        When ccxt is not installed or knows no such venue.
    """
    try:
        import ccxt
    except ImportError:
        raise Misuse(
            "downloading needs ccxt, which is not installed", remedy="install it: uv pip install 'b25[exchange]'"
        ) from None
    if venue not in ccxt.exchanges:
        near = difflib.get_close_matches(venue, ccxt.exchanges, n=3)
        meant = f"did you mean {' or '.join(near)}?" if near else "use one of ccxt's ids, e.g. binance, binanceusdm, kraken"
        raise Misuse(f"there is no venue {venue!r}", remedy=meant)
    api = getattr(ccxt, venue)({"enableRateLimit": True, "timeout": TIMEOUT_MS})
    if api_url is not None:
        api.urls["api"] = _moved(api.urls["api"], api_url)
    return Exchange(api)


def grid_of(market: dict[str, Any], precision_mode: int) -> Grid:
    """Tick, lot, contract size and smallest notional that a venue tells of a market, each where it does."""
    precision = market.get("precision") or {}
    least = ((market.get("limits") or {}).get("cost") or {}).get("min")
    return Grid(
        tick=_step(precision.get("price"), precision_mode),
        lot=_step(precision.get("amount"), precision_mode),
        contract_size=_positive(market.get("contractSize")),
        min_notional=_positive(least),
    )


def _step(value: Any, mode: int) -> Decimal | None:
    if value is None or mode == SIGNIFICANT_DIGITS:
        return None
    if mode == DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(value))
    return _positive(value)


def _positive(value: Any) -> Decimal | None:
    number = Decimal(str(value)) if value is not None else Decimal(0)
    return number if number > 0 else None


def _moved(urls: Any, to: str) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(url, to) for name, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    target = urlsplit(to)
    return urlunsplit((target.scheme, target.netloc, urlsplit(urls).path, "", ""))


def _short(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0][:200]
