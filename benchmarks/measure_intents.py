"""How long it takes until an intent is durable, on both databases and in both classes of durability."""

import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
from figures import Figure
from stage import Stage

COUNT, COUNT_FULL, WARM = 20_000, 300, 200
POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}


def intents(stage: Stage) -> Iterator[Figure]:
    """One insert an intent, as before every order; the lease is checked in the same transaction."""
    said = []
    with tempfile.TemporaryDirectory() as folder:
        for durable in (False, True):
            said.append(
                ("SQLite WAL " + ("FULL" if durable else "NORMAL"), _taken(f"sqlite:///{folder}/b25-{durable}.db", durable))
            )
    said += [("PostgreSQL", times) for times in _postgres()]
    rest = "; ".join(f"{name} {np.percentile(t, 50):,.0f} / {np.percentile(t, 99):,.0f} µs" for name, t in said[1:])
    times = said[0][1]
    detail = (
        f"p99 {np.percentile(times, 99):,.0f}, p99.9 {np.percentile(times, 99.9):,.0f} µs of {len(times):,}; p50 / p99 of {rest}"
    )
    yield Figure("intent made durable, SQLite WAL NORMAL, p50", float(np.percentile(times, 50)), "µs", 1_000, 30, False, detail)


def _taken(url: str, durable: bool) -> np.ndarray:
    """Microseconds of each intent."""
    from b25.execution.orders.identity import Identity, client_id
    from b25.model.instrument import Instrument
    from b25.model.order import Tif
    from b25.session.orders.rows import intent_row
    from b25.store.leases import take_lease
    from b25.store.order_log import OrderLog
    from b25.store.store import open_store
    from b25.venue.ccxt.dialect import CLIENT_IDS
    from b25.venue.port.requests import NewOrder

    btc = Instrument(venue="binanceusdm", symbol="BTC/USDT:USDT", tick="0.1", lot="0.001")  # type: ignore[arg-type]
    store = open_store(url, durable=durable)
    lease = take_lease(store, "bench", "bench", now_ms=time.time_ns() // 10**6, next_epoch=lambda stored: stored + 1)
    log, taken = OrderLog(store, lease, now_ns=time.time_ns), []
    for k in range(WARM + (COUNT_FULL if durable else COUNT)):
        identity = Identity(1, 1, lease.epoch, k)
        new = NewOrder(
            symbol=btc.symbol,
            client_id=client_id(identity, CLIENT_IDS["binance"]),
            side=1,
            qty_lots=10,
            price_ticks=600_000,
            tif=Tif.GTC,
        )
        row: dict[str, Any] = {**intent_row(new, identity, btc, order_id=k + 1, request_id=k + 1), "strategy": "bench"}
        row["decision"] = json.dumps({"verdict": "allow", "limits": 1})
        begun = time.perf_counter_ns()
        log.intend(row)
        taken.append(time.perf_counter_ns() - begun)
    store.close()
    return np.array(taken[WARM:]) / 1e3


def _postgres() -> Iterator[np.ndarray]:
    """The same on PostgreSQL, where there is one."""
    try:
        import pg8000.dbapi

        connection = pg8000.dbapi.connect(database="postgres", **POSTGRES)
    except Exception as fault:
        print(f"bench: no PostgreSQL on {POSTGRES['host']}:{POSTGRES['port']} ({type(fault).__name__}); left out")
        return
    connection.autocommit = True
    name = f"b25_bench_{uuid.uuid4().hex[:12]}"
    connection.cursor().execute(f"CREATE DATABASE {name}")
    try:
        yield _taken(f"postgresql+pg8000://postgres@127.0.0.1:5432/{name}", False)
    finally:
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


MEASURES = [intents]
