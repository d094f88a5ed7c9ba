"""History on both databases: the last of each interval, a place that inserts do not move, and samples that stay as they were."""

import pytest

from b25.analytics.events import rules
from b25.analytics.events.buckets import DAY_NS
from b25.analytics.events.event import DomainEvent
from b25.analytics.events.sampling import EVERY_NS
from b25.store.account_log import AccountLog
from b25.store.derived import active, orders
from b25.store.event_log import EventLog
from b25.store.history import Samples, account_history, day_starts, event_history, fill_history, order_history, session_history
from b25.store.history_tables import position_snapshot, session_snapshot
from b25.store.leases import take_lease
from b25.store.order_log import OrderLog

T0 = 20_000 * DAY_NS
ALL = {"every_ns": 1, "after": (), "limit": 1_000, "accounts": None}


def sample(number, session="s", account="a", equity="10"):
    return {
        "session": session, "ts_ns": T0 + number * EVERY_NS, "reason": "interval", "account": account, "asset": "USDT",
        "equity": equity, "realised": None, "unrealised": None, "fees": None, "told_ns": T0,
    }  # fmt: skip


@pytest.mark.spec("AM-14", "HD-01")
def test_the_last_sample_of_each_interval_and_the_first_of_each_day(store):
    samples = Samples(store)
    samples.save({session_snapshot: [sample(i, equity=str(i)) for i in range(10)] + [sample(3, "t", "b")]})
    samples.save({session_snapshot: [sample(9, equity="other")]})  # what is there stays
    rows = session_history(store, T0, T0 + DAY_NS, **ALL)
    assert len(rows) == 11
    assert [row["equity"] for row in rows if row["session"] == "s"] == [str(i) for i in range(10)]
    minutes = session_history(store, T0, T0 + DAY_NS, **{**ALL, "every_ns": 2 * EVERY_NS}, session="s")
    assert [row["equity"] for row in minutes] == ["1", "3", "5", "7", "9"]
    assert [row["session"] for row in session_history(store, T0, T0 + DAY_NS, **{**ALL, "accounts": {"b"}})] == ["t"]
    assert session_history(store, T0, T0 + 3 * EVERY_NS, **ALL)[-1]["equity"] == "2"  # the end is not in it
    assert day_starts(store, {"s", "t"}, {T0}, DAY_NS) == {("s", T0): "0", ("t", T0): "10"}
    samples.save({position_snapshot: []})


@pytest.mark.spec("HD-01")
def test_pages_hold_while_rows_are_added(store):
    samples = Samples(store)
    samples.save({session_snapshot: [sample(i) for i in range(0, 20, 2)]})
    first = session_history(store, 0, 2**62, **{**ALL, "limit": 4})
    samples.save({session_snapshot: [sample(1), sample(3, "r"), sample(11)]})
    after = [first[-1]["ts_ns"], first[-1]["session"]]
    rest = session_history(store, 0, 2**62, **{**ALL, "after": after})
    assert [(row["ts_ns"] - T0) // EVERY_NS for row in first] == [0, 2, 4, 6]
    assert [(row["ts_ns"] - T0) // EVERY_NS for row in rest] == [8, 10, 11, 12, 14, 16, 18]


@pytest.mark.spec("SYS-25", "SYS-23")
def test_orders_and_fills_are_told_with_their_last_state(store):
    now = [T0]
    lease = take_lease(store, "a", "test", now_ms=1, next_epoch=lambda stored: stored + 1)
    log = OrderLog(store, lease, now_ns=lambda: now[0])
    for number in range(3):
        now[0] = T0 + number
        log.intend({"id": number + 1, "venue": "v", "coid": f"c{number}", "symbol": "BTC", "epoch": lease.epoch, "strategy": "s"})
        for status in ("NEW", "FILLED"):
            log.record([{"coid": f"c{number}", "src": "ws", "status": status, "cum_qty": "1"}])
        fill = {"venue": "v", "symbol": "BTC", "trade_id": str(number), "coid": f"c{number}", "venue_oid": "o", "side": "buy"}
        fill |= {"qty": "1", "price": "5", "fee": "0", "fee_asset": None, "maker": True, "realized": None, "src": "ws"}
        log.book({**fill, "venue_ts_ms": T0 // 10**6 + number, "synthetic": False}, [], strategy="s")
    rows = order_history(store, T0, T0 + 10, after=(), limit=2, accounts=None)
    assert [(row["client_id"], row["status"], row["filled"]) for row in rows] == [("c0", "FILLED", "1"), ("c1", "FILLED", "1")]
    more = order_history(store, T0, T0 + 10, after=(rows[-1]["ts_ns"], rows[-1]["id"]), limit=2, accounts={"a"})
    assert [row["client_id"] for row in more] == ["c2"]
    fills = fill_history(store, T0 + 10**6, T0 + 3 * 10**6, after=(), limit=9, accounts=None, symbol="BTC")
    assert [(row["trade_id"], row["strategy"]) for row in fills] == [("1", "s"), ("2", "s")]
    assert fill_history(store, 0, 2**62, after=(), limit=9, accounts={"other"}) == []


def test_an_account_is_told_as_its_session_kept_it(store):
    now = [T0]
    log = AccountLog(store, "v", "a", now_ns=lambda: now[0])
    for number in range(4):
        log.save({}, {"reason": "fill", "quote": "USDT", "equity": str(number)}, ts_ns=T0 + number * EVERY_NS)
    rows = account_history(store, "v", "a", T0, T0 + DAY_NS, every_ns=2 * EVERY_NS, after=(), limit=9)
    assert [row["equity"] for row in rows] == ["1", "3"]
    assert len(account_history(store, "v", "a", T0, T0 + DAY_NS, every_ns=1, after=(T0,), limit=9)) == 3


def test_events_are_read_by_time_type_and_whom_they_are_about(store):
    log = EventLog(store, rules, now_ns=lambda: T0)
    log.add(
        [
            DomainEvent(
                id=str(i), type="page.view" if i % 2 else "user.login", time_ns=T0 + i, principal=f"p{i % 3}", account="a",
                strategy="s",
            )
            for i in range(10)
        ]
    )  # fmt: skip
    rows = event_history(store, T0, T0 + 9, after=(), limit=3, kind="page.view")
    assert [row["id"] for row in rows] == ["1", "3", "5"]
    rest = event_history(store, T0, T0 + 9, after=(rows[-1]["ts_ns"], rows[-1]["seq"]), limit=9, kind="page.view")
    assert [row["id"] for row in rest] == ["7"]
    assert event_history(store, T0, T0 + 9, after=(), limit=9, accounts={"b"}) == []
    assert active(store, "principal", T0 + 8, None) == 2
    assert orders(store, 0, 2**62, after=[1, "a", "c"], limit=1, accounts={"a"}, symbol="x", strategy="y") == []
