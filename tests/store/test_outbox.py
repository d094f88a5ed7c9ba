"""What was committed and is not yet told: noted in the same transaction, on both databases, and gone only when delivered."""

import pytest

from b25.store.faults import StoreFailed
from b25.store.outbox import FILL, ORDER, Outbox
from b25.store.schema import migrate
from tests.store.test_store import LEGS, fill, intent, log_of

EVENT = {"src": "WS", "status": "NEW", "cum_qty": "0", "venue_oid": "7", "venue_ts_ms": 5}


@pytest.fixture
def log(store):
    log = log_of(store)
    log.intend(intent(log))
    return log


@pytest.fixture
def box(url, log):
    made = Outbox(url, "main")
    yield made
    made.close()


def coid(log):
    return f"b25-00000-{log.lease.epoch}-0"


def test_events_and_fills_are_noted_in_order_with_what_they_are_about(log, box):
    name = coid(log)
    log.record([EVENT | {"coid": name}, EVENT | {"coid": name, "status": "CANCELING"}, EVENT | {"coid": name}])
    log.book(fill(coid=name), LEGS, strategy="s")
    rows = box.pending(10)
    assert [row["kind"] for row in rows] == [ORDER, ORDER, ORDER, FILL]
    assert [row["about"]["status"] for row in rows[:3]] == ["NEW", "CANCELING", "NEW"]
    assert {row["about"]["first_new_seq"] for row in rows[:3]} == {rows[0]["about"]["seq"]}
    assert rows[0]["about"]["symbol"] == "BTC/USDT"
    assert rows[0]["about"]["price"] == "100"
    assert rows[3]["about"]["trade_id"] == "1"
    assert rows[3]["about"]["strategy"] == "s"
    assert box.waiting() == 4


def test_a_row_goes_when_it_is_delivered_and_not_before(log, box):
    log.record([EVENT | {"coid": coid(log)}] * 3)
    first = [row["id"] for row in box.pending(2)]
    assert [row["id"] for row in box.pending(2)] == first
    box.delivered(first)
    (last,) = box.pending(2)
    assert last["id"] > max(first)
    box.delivered([last["id"]])
    assert box.pending(2) == []


def test_a_fill_told_twice_is_noted_once(log, box):
    assert log.book(fill(coid=coid(log)), LEGS)
    assert not log.book(fill(coid=coid(log)), LEGS)
    assert box.waiting() == 1


def test_what_was_not_committed_is_not_noted(log, box):
    with pytest.raises(ValueError, match="do not balance"):
        log.book(fill(coid=coid(log)), LEGS[:1])
    assert box.waiting() == 0


def test_an_account_has_its_own_rows(log, box, url):
    log.record([EVENT | {"coid": coid(log)}])
    log.book(fill(coid=None), LEGS)
    other = Outbox(url, "other")
    assert other.pending(10) == []
    other.close()
    assert box.waiting() == 2
    assert box.pending(10)[1]["about"]["strategy"] is None


def test_a_new_schema_is_reached_again_without_harm(store):
    assert migrate(store.engine) == "0012"


def test_a_database_that_is_gone_is_told(tmp_path):
    box = Outbox(f"sqlite:///{tmp_path}/missing/store.db", "main")
    for act in (lambda: box.pending(1), lambda: box.delivered([1]), box.waiting):
        with pytest.raises(StoreFailed):
            act()
    box.close()
