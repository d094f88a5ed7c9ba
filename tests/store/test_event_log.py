"""Events in the store: each counted once, late ones added up again, dead letters seen, old ones deleted bit by bit."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from b25.analytics.events import rules
from b25.analytics.events.buckets import DAY_NS, INTERVALS, MINUTE_NS
from b25.analytics.events.event import DomainEvent
from b25.store.aggregates import Aggregates
from b25.store.analytics_tables import bucket_pending, domain_event, event_key, order_analytics, strategy_performance
from b25.store.dead_letters import letter_counts, letters, settle
from b25.store.event_log import Added, EventLog, Letter
from b25.store.retention import Retention
from b25.store.store import open_store

T0 = 20_000 * DAY_NS
NOW = T0 + 3 * DAY_NS


def thing(number, at=T0, x=1.0, **more):
    return DomainEvent(id=f"thing/{number}", type="custom.thing", time_ns=at, account="a", properties={"x": x}, **more)


def a_fill(number, at=T0, quantity="0.5", realised="1.5"):
    facts = {
        "venue": "v", "client_id": "c1", "side": "sell", "quantity": quantity, "price": "100", "fee": "0.1", "fee_asset": "USDT",
        "is_maker": True, "realised": realised, "is_synthetic": False, "mid": None,
    }  # fmt: skip
    return DomainEvent(
        id=f"fill/v/a/BTC/{number}", type="fill.executed", time_ns=at, account="a", strategy="s", symbol="BTC", properties=facts
    )


@pytest.fixture
def log(store):
    return EventLog(store, rules, now_ns=lambda: NOW)


def read(store, name="custom.thing.x", interval="1m", **more):
    return Aggregates(store, rules).read(name, interval, 0, 2**62, now_ns=NOW, **more)


def count_of(store, table):
    return store.rows(select(func.count()).select_from(table))[0][0]


@pytest.mark.spec("AN-03")
def test_an_event_counts_once_within_a_batch_over_batches_and_over_restarts(url, store, log):
    assert log.add([thing(1), thing(1), thing(2)]) == Added(2, 1, 0)
    assert log.add([thing(2), thing(3)]) == Added(1, 1, 0)
    again = open_store(url)
    assert EventLog(again, rules, now_ns=lambda: NOW + 400 * DAY_NS).add([thing(1), thing(3)]) == Added(0, 2, 0)
    again.close()
    assert Aggregates(store, rules).counts(0, 2**62) == {"custom.thing": 3}


@pytest.mark.spec("AN-04", "AN-N1")
def test_late_events_are_added_up_and_an_open_bucket_says_so(store, log):
    made = Aggregates(store, rules)
    log.add([thing(i, x=float(i)) for i in range(1, 101)])
    assert made.refresh(NOW) == len(INTERVALS)
    (one,) = read(store)
    assert [one[name] for name in ("count", "sum", "p50", "p99")] == [100, 5_050, 50.5, pytest.approx(99.01)]
    assert (one["is_open"], one["is_pending"], one["close_ns"]) == (False, False, T0 + MINUTE_NS)
    log.add([thing("late", x=1_000.0)])
    assert read(store)[0]["is_pending"]
    made.refresh(NOW)
    (one,) = read(store)
    assert (one["count"], one["max"], one["is_pending"]) == (101, 1_000, False)
    (still,) = made.read("custom.thing.x", "1d", 0, 2**62, now_ns=T0 + DAY_NS - 1)
    assert still["is_open"]


@pytest.mark.spec("AN-04")
def test_an_event_that_comes_while_its_bucket_is_added_up_is_not_forgotten(store, log, monkeypatch):
    made = Aggregates(store, rules)
    log.add([thing(1)])
    numbers = made._numbers

    def and_meanwhile(*told):
        found = numbers(*told)
        log.add([thing(2)])
        return found

    monkeypatch.setattr(made, "_numbers", and_meanwhile)
    made.refresh(NOW)
    assert read(store)[0]["count"] == 1
    assert read(store)[0]["is_pending"]
    monkeypatch.undo()
    made.refresh(NOW)
    assert read(store)[0]["count"] == 2


@pytest.mark.spec("AN-04")
def test_aggregates_equal_brute_force_whatever_is_late(tmp_path):
    times = st.integers(0, 2 * DAY_NS - 1).map(lambda n: T0 + n)
    batches = st.lists(st.lists(st.tuples(times, st.floats(-1e3, 1e3)), max_size=6), min_size=1, max_size=5)
    opened = open_store(f"sqlite:///{tmp_path / 'many.db'}")
    runs = iter(range(10**6))

    @settings(max_examples=15)
    @given(batches)
    def holds(given_batches):
        run, made = next(runs), Aggregates(opened, rules)
        kind = f"run.r{run}"
        log = EventLog(opened, rules, now_ns=lambda: NOW)
        whole = []
        for number, batch in enumerate(given_batches):
            events = [
                DomainEvent(id=f"{run}/{number}/{i}", type=kind, time_ns=at, properties={"x": x})
                for i, (at, x) in enumerate(batch)
            ]
            whole += batch
            log.add(events)
            made.refresh(NOW)
        for interval, span in INTERVALS.items():
            found = {row["open_ns"]: row for row in made.read(f"{kind}.x", interval, 0, 2**62, now_ns=NOW)}
            assert set(found) == {at // span * span for at, _ in whole}
            for open_ns, row in found.items():
                some = [x for at, x in whole if at // span * span == open_ns]
                assert row["count"] == len(some)
                assert row["sum"] == pytest.approx(sum(some), abs=1e-6)
                assert (row["min"], row["max"]) == (min(some), max(some))

    holds()
    opened.close()


def test_a_rebuild_gives_the_same(store, log):
    log.add([thing(i, at=T0 + i * 7 * MINUTE_NS, x=float(i), strategy="s") for i in range(300)])
    made = Aggregates(store, rules)
    made.refresh(NOW)
    before = {interval: read(store, interval=interval, dimension="strategy") for interval in INTERVALS}
    assert made.rebuild(log) == 300
    assert read(store)[0]["is_pending"]
    assert made.refresh(NOW) > 300
    assert {interval: read(store, interval=interval, dimension="strategy") for interval in INTERVALS} == before
    assert count_of(store, bucket_pending) == 0


def test_counts_are_exact_within_a_minute_too(store, log):
    log.add([thing(i, at=T0 + i * 10**9) for i in range(200)])
    made = Aggregates(store, rules)
    assert made.counts(T0 + 30 * 10**9, T0 + 170 * 10**9) == {"custom.thing": 140}
    assert made.counts(T0 + 1, T0 + 5 * 10**9, {"a"}) == {"custom.thing": 4}
    assert made.counts(T0, NOW, {"b"}) == {}


@pytest.mark.spec("AN-05", "AN-08")
def test_orders_and_days_are_folded_with_the_events_that_are_new(store, log):
    log.add([a_fill(1), a_fill(2)])
    log.add([a_fill(2), a_fill(3, realised="-0.5")])
    (order,) = store.rows(select(order_analytics))
    assert (order.filled, order.notional, order.realised, order.fees) == ("1.5", "150", "2.5", '{"USDT":"0.3"}')
    (day,) = store.rows(select(strategy_performance))
    assert (day.fills, day.volume, day.realised, day.wins, day.losses) == (3, "150", "2.5", 2, 1)


def test_an_order_knows_when_it_was_wished_for(store, log):
    from b25.store.leases import take_lease
    from b25.store.order_log import OrderLog

    lease = take_lease(store, "a", "test", now_ms=1, next_epoch=lambda stored: stored + 1)
    row = {"id": 1, "venue": "v", "coid": "c1", "symbol": "BTC", "epoch": lease.epoch, "strategy": "s"}
    OrderLog(store, lease, now_ns=lambda: T0).intend(row)
    facts = {"client_id": "c1", "receive_ns": T0 + 5_000_000, "filled": "0", "status": "NEW"}
    log.add([DomainEvent(id="o", type="order.created", time_ns=T0, account="a", symbol="BTC", properties=facts)])
    assert store.rows(select(order_analytics.c.intent_ns))[0][0] == T0
    Aggregates(store, rules).refresh(NOW)
    assert read(store, "order.created.ack_ms")[0]["mean"] == 5


@pytest.mark.spec("AN-03")
def test_a_dead_letter_is_kept_once_and_blocks_nothing(store, log):
    dead = Letter(subject="fills.BTC", id="m1", payload=b"\x00\xff{", reason="no JSON")
    assert log.add([thing(1)], [dead]) == Added(1, 0, 1)
    assert log.add([thing(2)], [dead]) == Added(1, 0, 0)
    (row,) = letters(store)
    assert (bytes(row["payload"]), row["reason"], row["state"]) == (dead.payload, "no JSON", "waiting")
    settle(store, row["seq"], None, now_ns=NOW, reason="still no JSON")
    assert letters(store)[0]["tries"] == 1
    settle(store, row["seq"], "dropped", now_ns=NOW)
    assert letter_counts(store) == {"dropped": 1}


def test_an_event_that_the_database_does_not_take_becomes_a_dead_letter(store, log):
    wrong = DomainEvent(id="w", type="custom.thing", time_ns=2**70, properties={})
    assert log.add([thing(1), wrong, thing(2)]) == Added(2, 0, 1)
    assert json.loads(letters(store)[0]["payload"])["id"] == "w"


@pytest.mark.spec("AN-06", "SYS-24")
def test_retention_deletes_bit_by_bit_and_never_a_fill(store, log):
    log.add([thing(i, at=T0 + i * MINUTE_NS) for i in range(50)])
    log.add([a_fill(1)])
    made = Aggregates(store, rules)
    later = T0 + 100 * DAY_NS
    swept = Retention(store, rows_at_once=7)
    assert "raw" not in swept.run(later)  # not before the aggregates are there
    assert count_of(store, domain_event) == 51
    made.refresh(later)
    assert swept.run(later, rows_max=20)["raw"] == 20
    assert swept.run(later)["raw"] == 30
    assert swept.last_ns() == later
    assert [row.type for row in store.rows(select(domain_event))] == ["fill.executed"]
    assert made.counts(0, 2**62) == {"custom.thing": 50, "fill.executed": 1}


@pytest.mark.spec("AN-06")
def test_an_event_that_comes_after_its_bucket_s_events_were_deleted_leaves_the_aggregate_as_it_is(store, log):
    log.add([thing(i, x=float(i)) for i in range(10)])
    made = Aggregates(store, rules)
    made.refresh(NOW)
    later = T0 + 100 * DAY_NS
    Retention(store).run(later)
    log.add([thing("late", x=5.0)])
    log.add([thing(3, x=3.0)])  # told again, after the event is gone: still known
    made.refresh(later)
    assert read(store)[0]["count"] == 10
    assert count_of(store, bucket_pending) == 0
    assert made.rebuild(log) == 0
    assert count_of(store, event_key) == 11


@pytest.mark.spec("AN-06")
def test_each_kind_goes_at_its_own_age(store, log):
    log.add([thing(1)])
    Aggregates(store, rules).refresh(NOW)
    kept = Retention(store)

    def intervals(days):
        kept.run(T0 + days * DAY_NS)
        return {interval for interval in INTERVALS if read(store, interval=interval)}

    assert intervals(364) == set(INTERVALS)
    assert intervals(367) == {"1h", "4h", "1d"}
    assert intervals(732) == {"1d"}
    assert intervals(3_652) == set()
