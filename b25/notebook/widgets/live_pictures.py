"""What a widget shows of the live state, read from its channels: decimals stay text, what is not told stays None."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np

from b25.analytics.candles import Candles
from b25.analytics.series import FillSeries
from b25.bus.subjects import symbol_token
from b25.client.live import CONNECTED, LiveThread
from b25.notebook.widgets.widget import status_of

OVER: Final = frozenset({"FILLED", "CANCELED", "CANCELLED", "EXPIRED", "REJECTED", "DENIED", "ABANDONED"})
# A limit, and what of the gate's figures is held against it.
USED: Final = {"gross_max": "gross", "net_max": "net", "leverage_max": "leverage", "open_orders_max": "live_orders"}
ORDER_FIELDS: Final = ("symbol", "side", "type", "price", "quantity", "filled", "status", "strategy", "venue_id", "text")
FILL_FIELDS: Final = ("symbol", "side", "price", "quantity", "fee", "fee_asset", "is_maker", "realised", "strategy", "client_id")


def status(live: LiveThread, path: str, session: str | None) -> dict[str, Any]:
    """How old an entry is, and the mode of the session that told it."""
    entry = live.get(path) or {}
    name = session or str(entry.get("source") or "").partition("session/")[2] or entry.get("session")
    told = live.get(f"sessions.{_key(name)}") if name else None
    mode = (told or {}).get("mode")
    lost = live.live.state != CONNECTED
    # Kept apart: an entry that did not change is not stale for that, a line that is lost is.
    is_marked = bool(entry.get("is_stale")) or path.partition(".")[0] in live.live.mirror.suspect
    why = "the connection to the gateway is lost" if lost else "the session has ended, or is not heard of" if is_marked else ""
    return status_of(mode, age_s=live.age_s(path), is_stale=lost or is_marked or not entry, why=why, source=name or "")


def book(live: LiveThread, symbol: str, session: str | None) -> dict[str, Any] | None:
    """Levels of a book as text, and our open orders in it."""
    path = f"orderbook.{_key(symbol_token(symbol))}"
    entry = live.get(path)
    if entry is None and live.live.state == CONNECTED:
        return None
    bids, asks = ([(str(p), str(q)) for p, q in (entry or {}).get(side, ())] for side in ("bids", "asks"))
    levels = [*bids, *asks]
    base, _, quote = symbol.partition(":")[0].partition("/")
    return {
        "bids": bids, "asks": asks, "tick": _step([p for p, _ in levels]), "lot": _step([q for _, q in levels]), "base": base,
        "quote": quote, "orders": _open_orders(live, symbol), "status": status(live, path, session),
    }  # fmt: skip


def candles(live: LiveThread, symbol: str, session: str | None) -> dict[str, Any] | None:
    """Minutes, fills, and lines for what is open."""
    token = _key(symbol_token(symbol))
    entry = live.get(f"candles.{token}")
    if entry is None:
        return None
    told = sorted((int(opened), one) for opened, one in entry["bars"].items())
    columns = {name: np.array([float(one[name]) for _, one in told]) for name in ("open", "high", "low", "close", "volume")}
    bars = Candles(
        open_ns=np.array([opened for opened, _ in told], np.int64),
        close_ns=np.array([int(one["close_ns"]) for _, one in told], np.int64),
        **columns,
    )
    lines = [
        {
            "price": one["price"],
            "side": 1 if one["side"] == "buy" else -1,
            "kind": "order",
            "text": f"{one['side']} {one['leaves']}",
        }
        for one in _open_orders(live, symbol)
    ]
    for held in (live.get("positions") or {}).values():
        if held["symbol"] == symbol and held.get("entry_price") is not None and session in (None, held.get("session")):
            lines.append({"price": held["entry_price"], "kind": "entry", "text": f"entry {held['quantity']}"})
    digits = -min(0, *(int(Decimal(one["close"]).as_tuple().exponent) for _, one in told)) if told else 2
    return {
        "bars": bars,
        "fills": _fills(live, symbol),
        "lines": lines,
        "digits": digits,
        "status": status(live, f"candles.{token}", session),
    }


def rows(live: LiveThread, what: str, session: str | None) -> dict[str, Any] | None:
    """Orders or fills as rows, each with the key it stands under."""
    entries = live.get(what)
    if entries is None:
        return None
    strategy = (live.get(f"sessions.{_key(session)}") or {}).get("strategy") if session else None
    fields = ORDER_FIELDS if what == "orders" else FILL_FIELDS
    found = [
        {"time_ns": int(one["time_ns"]), **{name: one.get(name) for name in fields}, "account": one.get("account"), "key": key}
        for key, one in entries.items()
        if strategy is None or one.get("strategy") == strategy
    ]
    newest = max(entries, key=lambda key: int(entries[key]["time_ns"]), default=None)
    lost = live.live.state != CONNECTED or what in live.live.mirror.suspect
    mode = (live.get(f"sessions.{_key(session)}") or {}).get("mode") if session else None
    # A table of what happened does not grow old; only a lost line makes it so.
    age_s = live.age_s(f"{what}.{_key(newest)}") if newest is not None and lost else None
    why = "the connection to the gateway is lost" if lost else ""
    return {"rows": sorted(found, key=lambda one: one["time_ns"]), "status": status_of(mode, age_s=age_s, is_stale=lost, why=why)}


def allowed(page: Any, session: str) -> dict[str, float]:
    """Limits of a session as GET /risk/limits tells them: the tightest over its instruments."""
    found: dict[str, float] = {}
    for one in page["data"]:
        if one.get("session") == session:
            for row in one.get("limits") or ():
                for name in USED:
                    if name in row:
                        found[name] = min(found.get(name, float("inf")), float(row[name]))
    return found


def gauges(live: LiveThread, session: str, limits: Mapping[str, float]) -> dict[str, Any]:
    """What is used of each limit that is set, and what was refused and when."""
    entry = live.get(f"risk.{_key(session)}") or {}
    metrics, violations = entry.get("metrics") or {}, entry.get("violations") or {}
    found: list[dict[str, Any]] = [
        {"name": name, "used": metrics.get(USED[name]), "limit": limit} for name, limit in limits.items()
    ]
    for rule, one in violations.items():
        found.append({
            "name": rule, "ratio": None, "used": None, "breached_ns": one["time_ns"], "count": one["count"], "limit": None,
            "state": "refused",
        })  # fmt: skip
    if emergency := entry.get("emergency"):
        found.append({"name": "halted", "used": None, "limit": 0, "latched": True, "breached_ns": emergency["time_ns"],
                      "rule": f"{emergency['reason']} (by {emergency['by']})"})  # fmt: skip
    return {"limits": found, "status": status(live, f"risk.{_key(session)}", session)}


def session(live: LiveThread, name: str) -> dict[str, Any]:
    """How a session stands."""
    entry = live.get(f"sessions.{_key(name)}") or {}
    health, told = entry.get("health") or {}, entry.get("status") or {}
    account = live.get(f"account.{_key(name)}") or {}
    balance, profit = account.get("balance") or {}, account.get("pnl") or {}
    parts = [profit.get(one) for one in ("realised", "unrealised", "fees")]
    known = [Decimal(str(one)) for one in parts if one is not None]
    net = str(known[0] + known[1] - known[2]) if len(known) == 3 else None
    positions = [one for one in (live.get("positions") or {}).values() if one.get("session") == name]
    shown = ("symbol", "quantity", "entry_price", "mark", "unrealised")
    snapshot = {
        "session": name, "strategy": entry.get("strategy"), "account": entry.get("account") or told.get("account") or None,
        "state": health.get("state") or told.get("state"), "equity": balance.get("equity"),
        "asset": balance.get("asset") or profit.get("asset"), "realised": profit.get("realised"),
        "unrealised": profit.get("unrealised"), "fees": profit.get("fees"), "net": net, "events": health.get("events"),
        "live_orders": health.get("live_orders", told.get("orders_open")),
        "fault": health.get("fault") or told.get("why") or None,
        "positions": [{key: one.get(key) for key in shown} for one in positions],
    }  # fmt: skip
    if (drift := entry.get("drift")) is not None:
        snapshot["drift"] = drift
    found = status(live, f"sessions.{_key(name)}", name)
    probation = entry.get("probation") or told.get("probation") or {}
    return {
        "snapshot": snapshot,
        "status": {**found, "probation": str(probation.get("why") or "its first 48 hours") if probation.get("is_on") else ""},
    }


def no_bars() -> Candles:
    """Return candles of nothing: what is shown until the first minute comes."""
    none, empty = np.zeros(0, np.int64), np.zeros(0)
    return Candles(open_ns=none, close_ns=none, open=empty, high=empty, low=empty, close=empty, volume=empty)


def _open_orders(live: LiveThread, symbol: str) -> list[dict[str, Any]]:
    found = []
    for key, one in (live.get("orders") or {}).items():
        if (
            one.get("symbol") != symbol
            or str(one.get("status")).upper() in OVER
            or None in (one.get("price"), one.get("quantity"))
        ):
            continue
        leaves = Decimal(one["quantity"]) - Decimal(one.get("filled") or "0")
        if leaves > 0:
            found.append({"id": key, "side": one.get("side"), "price": one["price"], "leaves": f"{leaves:f}"})
    return found


def _fills(live: LiveThread, symbol: str) -> FillSeries | None:
    mine = sorted(
        (one for one in (live.get("fills") or {}).values() if one.get("symbol") == symbol), key=lambda one: int(one["time_ns"])
    )
    if not mine:
        return None
    return FillSeries(
        time_ns=np.array([int(one["time_ns"]) for one in mine], np.int64),
        side=np.array([1 if one["side"] == "buy" else -1 for one in mine]),
        price=np.array([float(one["price"]) for one in mine]),
        quantity=np.array([float(one["quantity"]) for one in mine]),
        fee=np.array([float(one["fee"] or 0.0) for one in mine]),
        maker=np.array([bool(one.get("is_maker")) for one in mine]),
    )


def _step(numbers: list[str]) -> str:
    """Finest decimal that some numbers show: the step, or a whole part of it."""
    places = max((-int(Decimal(one).as_tuple().exponent) for one in numbers), default=0)
    return f"{Decimal(1).scaleb(-max(0, places)):f}"


def _key(name: str | None) -> str:
    """Write a key as it stands in a path."""
    return str(name).replace("~", "~0").replace(".", "~1")
