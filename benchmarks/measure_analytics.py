"""How many events a second are stored, each counted once, on both databases; and how long a question over a million takes."""

import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
from figures import Figure
from stage import Stage

COUNT, WARM, BATCH = 60_000, 3_000, 1_000
MANY, ROUNDS = 1_000_000, 200
DAY_NS = 86_400 * 10**9
POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}


def analytics_ingestion(stage: Stage) -> Iterator[Figure]:
    """Order events and fills in batches of a thousand, folded into orders and days, each batch on disk before the next."""
    with tempfile.TemporaryDirectory() as folder:
        yield _stored("SQLite", f"sqlite:///{folder}/b25.db")
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
        yield _stored("PostgreSQL", f"postgresql+pg8000://postgres@127.0.0.1:5432/{name}")
    finally:
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


def _stored(what: str, url: str) -> Figure:
    from b25.analytics.events import rules
    from b25.store.event_log import Added, EventLog
    from b25.store.store import open_store

    store = open_store(url, readers=1)
    log = EventLog(store, rules, now_ns=time.time_ns)
    events = [_event(number) for number in range(WARM + COUNT)]
    batches = [events[i : i + BATCH] for i in range(0, len(events), BATCH)]
    for batch in batches[: WARM // BATCH]:
        log.add(batch)
    taken = []
    begun, begun_cpu = time.perf_counter(), time.process_time()
    for batch in batches[WARM // BATCH :]:
        at = time.perf_counter()
        assert log.add(batch) == Added(BATCH, 0, 0)
        taken.append(time.perf_counter() - at)
    rate = COUNT / (time.perf_counter() - begun)
    cpu = COUNT / (time.process_time() - begun_cpu)
    assert log.add(batches[-1]) == Added(0, BATCH, 0)  # told again, they are known
    store.close()
    detail = (
        f"a batch of {BATCH:,} p50 {1e3 * np.percentile(taken, 50):.0f}, p99 {1e3 * np.percentile(taken, 99):.0f} ms; "
        f"{cpu:,.0f} a second of this process's CPU"
    )
    return Figure(f"analytics: events stored, {what}", rate, "events/s", 10_000, 40_000, True, detail)


def _event(number: int) -> Any:
    from b25.analytics.events.event import DomainEvent

    time_ns = 20_000 * DAY_NS + number * 10**6
    told: dict[str, Any] = {"venue": "v", "client_id": f"c{number // 5}", "side": "buy", "quantity": "0.01", "price": "60000.5"}
    if number % 5 == 4:
        told |= {"trade_id": str(number), "fee": "0.12", "fee_asset": "USDT", "is_maker": True, "realised": "0.5"}
        told |= {"is_synthetic": False, "mid": "60001"}
        kind, ident = "fill.executed", f"fill/v/main/BTC/{number}"
    else:
        kind = ("order.created", "order.updated", "order.updated", "order.filled")[number % 5]
        told |= {"type": "LIMIT", "filled": "0", "status": "NEW", "receive_ns": time_ns}
        ident = f"order/main/c{number // 5}/{number}"
    return DomainEvent(
        id=ident, type=kind, time_ns=time_ns, account="main", session="live-1", strategy="Maker", symbol="BTC/USDT",
        source="session/live-1", properties=told,
    )  # fmt: skip


def analytics_queries(stage: Stage) -> Iterator[Figure]:
    """Questions as the gateway answers them, over a day with a million events of twenty strategies and five accounts."""
    from b25.analytics.events.event import DomainEvent
    from b25.api.analytics_desk import AnalyticsDesk
    from b25.api.principal import Principal
    from b25.store.store import open_store

    now_ns = 20_001 * DAY_NS
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/b25.db", readers=4)
        desk = AnalyticsDesk(store, lambda: now_ns)
        dice = np.random.default_rng(7)
        numbers = dice.exponential(20.0, MANY).tolist()
        for first in range(0, MANY, 5_000):
            desk.log.add(
                [
                    DomainEvent(
                        id=f"e{i}", type=f"custom.t{i % 3}", time_ns=now_ns - DAY_NS + i * (DAY_NS // MANY), account=f"a{i % 5}",
                        strategy=f"s{i % 20}", properties={"ms": numbers[i]},
                    )
                    for i in range(first, first + 5_000)
                ]
            )  # fmt: skip
            if first % 100_000 == 0:
                store.checkpoint()
        begun = time.perf_counter()
        desk.aggregates.refresh(now_ns)
        added_up_s = time.perf_counter() - begun
        store.checkpoint()
        total = sum(desk.aggregates.counts(now_ns - DAY_NS, now_ns).values())
        assert total == MANY, total
        by = Principal(name="bench", roles=frozenset())
        questions = _questions(desk, by, now_ns)
        uncached: dict[str, list[float]] = {name: [] for name in questions}
        cached: list[float] = []
        for number in range(ROUNDS):
            for name, question in questions.items():
                asked = {"n": number, "q": name}
                at = time.perf_counter()
                desk.cached(by, name, asked, question)
                uncached[name].append(1e3 * (time.perf_counter() - at))
                at = time.perf_counter()
                desk.cached(by, name, asked, question)
                cached.append(1e3 * (time.perf_counter() - at))
        store.close()
    said = "; ".join(
        f"{name} {np.percentile(times, 50):.1f} / {np.percentile(times, 99):.1f} ms" for name, times in uncached.items()
    )
    every = [one for times in uncached.values() for one in times]
    detail = f"p50 / p99 of {said}; all seven lengths of buckets added up in {added_up_s:.0f} s"
    yield Figure(
        "analytics: question over 1 M events, not cached, p99", float(np.percentile(every, 99)), "ms", 100, None, False, detail
    )
    detail = f"p50 {np.percentile(cached, 50):.3f} ms"
    yield Figure("analytics: the same, cached, p99", float(np.percentile(cached, 99)), "ms", 10, None, False, detail)


def _questions(desk: Any, by: Any, now_ns: int) -> dict[str, Any]:
    span = {"start_ns": now_ns - DAY_NS, "end_ns": now_ns}

    def custom(interval: str, dimension: str, figures: list[str], group_by: list[str]) -> Any:
        return lambda: desk.custom(
            by,
            name="custom.t1.ms",
            interval=interval,
            dimension=dimension,
            members=None,
            figures=figures,
            group_by=group_by,
            **span,
        )

    return {
        "counts by type": lambda: desk.aggregates.counts(now_ns - DAY_NS + 7, now_ns - 7),
        "500 minutes": lambda: desk.aggregates.read("custom.t0.ms", "1m", *span.values(), limit=500, now_ns=now_ns),
        "percentiles by hour and strategy": custom("1h", "strategy", ["count", "p50", "p99"], ["time", "member"]),
        "a day by account": custom("5m", "account", ["count", "sum", "mean", "max"], ["member"]),
    }


MEASURES = [analytics_ingestion, analytics_queries]
