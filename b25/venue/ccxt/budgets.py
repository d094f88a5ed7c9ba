"""What requests cost: Binance by its published weights and the headers of its answers, any other venue by ccxt's own costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from b25.venue.ccxt.limiter import SECOND_NS, Family, Limiter, Window
from b25.venue.ccxt.trail import Exchanged

MINUTE_NS: Final = 60 * SECOND_NS
DAY_NS: Final = 86_400 * SECOND_NS
SPANS_NS: Final = {"S": SECOND_NS, "M": MINUTE_NS, "H": 60 * MINUTE_NS, "D": DAY_NS}
HEADER = re.compile(r"x-mbx-(used-weight|order-count)-(\d+)([smhd])$", re.IGNORECASE)

# Weights by method and path; a pair is (with a symbol, without). Futures begin with spot's, as the venue's own table does.
BINANCE_WEIGHTS: Final[dict[tuple[str, str], float | tuple[float, float]]] = {
    ("GET", "exchangeInfo"): 20,
    ("GET", "account"): 20,
    ("GET", "order"): 4,
    ("GET", "openOrders"): (6, 80),
    ("GET", "allOrders"): 20,
    ("GET", "myTrades"): 20,
    ("GET", "userTrades"): 5,
    ("GET", "ticker/24hr"): (2, 80),
    ("GET", "klines"): 2,
    ("GET", "aggTrades"): 4,
    ("GET", "positionRisk"): 5,
    ("GET", "commissionRate"): 20,
    ("POST", "countdownCancelAll"): 10,
}
DEPTH_WEIGHTS: Final = ((100, 5.0), (500, 25.0), (1000, 50.0), (5000, 250.0))
ORDER_PATHS: Final = frozenset({"order", "order/cancelReplace", "algoOrder", "batchOrders", "order/oco", "orderList/oco"})
OTHER_SPAN_NS: Final = 10 * SECOND_NS


def binance_limiter() -> Limiter:
    """Budgets as Binance publishes them; exchangeInfo and the headers correct them."""
    return Limiter(
        {
            "main": Family(Window(6000, MINUTE_NS), [Window(50, 10 * SECOND_NS, 0.0), Window(160_000, DAY_NS, 0.0)]),
            "fapi": Family(Window(2400, MINUTE_NS), [Window(300, 10 * SECOND_NS, 0.0), Window(1200, MINUTE_NS, 0.0)]),
            "dapi": Family(Window(2400, MINUTE_NS), [Window(300, 10 * SECOND_NS, 0.0), Window(1200, MINUTE_NS, 0.0)]),
            "sapi": Family(Window(12_000, MINUTE_NS)),
        }
    )


class BinanceCosts:
    """Weights by path; corrected by `X-MBX-USED-WEIGHT-*`, `X-MBX-ORDER-COUNT-*`, `Retry-After` and exchangeInfo."""

    def cost(self, api: str, method: str, path: str, params: Mapping[str, Any], ccxt_cost: float) -> tuple[str, float, bool]:
        """Family, weight, and whether it counts as an order."""
        family = _family(api)
        is_order = method in ("POST", "PUT") and path in ORDER_PATHS and family != "sapi"
        return family, self._weight(method, path, params), is_order

    def _weight(self, method: str, path: str, params: Mapping[str, Any]) -> float:
        if path == "depth":
            asked = int(params.get("limit") or 100)
            return next((weight for limit, weight in DEPTH_WEIGHTS if asked <= limit), DEPTH_WEIGHTS[-1][1])
        if path == "myTrades" and "orderId" in params:
            return 5.0
        found = BINANCE_WEIGHTS.get((method, path), 1)
        if isinstance(found, tuple):
            return float(found[0] if "symbol" in params else found[1])
        return float(found)

    def watch(self, limiter: Limiter, now_ns: int, one: Exchanged) -> None:
        """Believe the venue where it counts more than we do."""
        family = limiter.families.get(_family_of_url(one.url))
        if family is None:
            return
        limiter.answered(now_ns, one.status, retry_after_s(one.header("Retry-After")))
        for name, value in one.headers.items():
            match = HEADER.match(name)
            if match is None or not value.isdigit():
                continue
            span_ns = int(match[2]) * SPANS_NS[match[3].upper()]
            windows = [family.weight] if match[1].lower() == "used-weight" else family.orders
            for window in windows:
                if window.span_ns == span_ns:
                    window.told(now_ns, float(value))
        if one.status == 200 and one.url.partition("?")[0].endswith("/exchangeInfo"):
            _adopt(family, one.parsed)


class CcxtCosts:
    """ccxt's own cost of a request, of a budget of what its rate limit lets through in ten seconds."""

    def cost(self, api: str, method: str, path: str, params: Mapping[str, Any], ccxt_cost: float) -> tuple[str, float, bool]:
        """Family, weight, and whether it counts as an order."""
        return "main", ccxt_cost, False

    def watch(self, limiter: Limiter, now_ns: int, one: Exchanged) -> None:
        """Heed a 429."""
        limiter.answered(now_ns, one.status, retry_after_s(one.header("Retry-After")))


def ccxt_limiter(rate_limit_ms: float) -> Limiter:
    """Budget of a venue of which ccxt knows only how long to wait between requests of cost 1."""
    per_span = max(OTHER_SPAN_NS / 1e6 / max(rate_limit_ms, 1.0), 2.0)
    return Limiter({"main": Family(Window(per_span, OTHER_SPAN_NS))})


def retry_after_s(value: str, *, now: datetime | None = None) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 when it makes no sense."""
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    return max((at - (now or datetime.now(UTC))).total_seconds(), 0.0) if at.tzinfo else 0.0


def _family(api: str) -> str:
    return api[:4] if api[:4] in ("fapi", "dapi", "sapi") else "main"


def _family_of_url(url: str) -> str:
    return next((name for name in ("fapi", "dapi", "sapi") if f"/{name}/" in url), "main")


def _adopt(family: Family, info: Any) -> None:
    """Take the limits that exchangeInfo tells, where they bind a window that we keep."""
    for row in info.get("rateLimits", []) if isinstance(info, dict) else []:
        span_ns = int(row.get("intervalNum", 0)) * SPANS_NS.get(str(row.get("interval", " "))[:1], 0)
        windows = {"REQUEST_WEIGHT": [family.weight], "ORDERS": family.orders}.get(row.get("rateLimitType"), [])
        for window in windows:
            if window.span_ns == span_ns and float(row.get("limit", 0)) > 0:
                window.limit = float(row["limit"])
