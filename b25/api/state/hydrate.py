"""The state at the start: what store and run folder know, before the bus tells the first change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from b25.api.state.state import ENTRIES_MAX, State
from b25.api.state.told import ENDED, put_fill, put_order
from b25.runner.seat import is_taken
from b25.runner.session_watch import read_status
from b25.store.live_reads import last_fills, open_orders
from b25.store.store import Store

STORE: Final = "store"
SESSIONS_MAX: Final = 200
FILE_STALE_NS: Final = 5_000_000_000
SHOWN: Final = (
    "strategy", "mode", "account", "epoch", "state", "gate", "why", "refusal", "life", "fills", "orders_open", "events",
    "effects", "messages", "journal",
)  # fmt: skip


def from_store(state: State, store: Store, fills_max: int) -> None:
    """Put orders that have not ended, and the last fills; whatever the bus told of them later stays."""
    for row in reversed(open_orders(store, ENDED, ENTRIES_MAX // 2)):
        fields = {
            "symbol": row["symbol"], "venue": row["venue"], "strategy": row["strategy"], "client_id": row["coid"],
            "venue_id": row["venue_oid"], "side": row["side"], "type": row["type"], "quantity": row["qty"], "price": row["price"],
            "filled": row["cum_qty"] or "0", "status": row["status"] or "INTENT", "told_by": row["src"] or STORE,
            "code": row["code"], "text": row["msg"], "changed_ns": row["event_ns"] or row["ts_ns"],
        }  # fmt: skip
        put_order(state, fields, time_ns=fields["changed_ns"], source=STORE, account=row["account"])
    for row in last_fills(store, fills_max):
        fields = {
            "symbol": row["symbol"], "venue": row["venue"], "trade_id": row["trade_id"], "client_id": row["coid"],
            "venue_id": row["venue_oid"], "strategy": row["strategy"] or "", "side": row["side"], "quantity": row["qty"],
            "price": row["price"], "fee": row["fee"], "fee_asset": row["fee_asset"], "realised": row["realized"],
            "is_maker": None if row["maker"] is None else bool(row["maker"]), "is_synthetic": bool(row["synthetic"]),
        }  # fmt: skip
        put_fill(state, fields, time_ns=row["venue_ts_ms"] * 1_000_000, source=STORE, account=row["account"])


def from_folder(state: State, folder: Path, now_ns: Callable[[], int]) -> None:
    """Put how each session of this machine says that it stands; one whose process is gone is marked, and keeps what it said."""
    found = sorted(folder.glob("sessions/*/status.json"), key=_modified, reverse=True)[:SESSIONS_MAX]
    for path in found:
        name = path.parent.name
        told = read_status(folder, name)
        if told.get("session") != name:
            continue
        is_running = is_taken(folder, name)
        time_ns = int(told.get("time_ns") or 0)
        fields: dict[str, Any] = {one: told.get(one) for one in SHOWN}
        whole = {
            "session": name, "strategy": told.get("strategy"), "mode": told.get("mode"), "is_running": is_running,
            "status": fields | {"time_ns": time_ns, "is_stale": not is_running or now_ns() - time_ns > FILE_STALE_NS},
        }  # fmt: skip
        source, account = f"session/{name}", str(told.get("account") or "")
        with state.lock:
            old = state.get("sessions", name)
            if old is not None and {key: old.get(key) for key in whole} == whole and old["is_stale"] is not is_running:
                continue
            state.merge("sessions", name, whole, time_ns=time_ns, source=source, account=account)
            if not is_running:
                state.mark_stale(source)


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
