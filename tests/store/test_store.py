"""The store on SQLite and PostgreSQL: once, in order, never changed, and closed when it cannot write."""

import socket
import subprocess
import sys
import threading
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from b25.execution.orders.identity import next_epoch
from b25.model.errors import Misuse
from b25.store.audit import append_audit, verify_audit
from b25.store.emergency import EmergencyLog
from b25.store.faults import Cause, Fenced, StoreFailed
from b25.store.leases import number_of, release_lease, renew_lease, take_lease
from b25.store.order_log import Leg, OrderLog, text_of
from b25.store.store import open_store
from tests.store.conftest import admin

NOW_MS = 1_000_000


def epoch(stored):
    return next_epoch(stored, 0, 0)


def log_of(store, holder="me", now_ms=NOW_MS):
    return OrderLog(store, take_lease(store, "main", holder, now_ms=now_ms, next_epoch=epoch), now_ns=lambda: 1)


def intent(log, seq=0, **changes):
    row = {
        "id": log.lease.epoch * 2**32 + seq, "venue": "binance", "strategy": "s",
        "coid": f"b25-00000-{log.lease.epoch}-{seq}",
        "symbol": "BTC/USDT", "side": "buy", "qty": "1", "price": "100",
        "epoch": log.lease.epoch, "sign_ts_ms": 5, "recv_window": 2000,
    }  # fmt: skip
    return row | changes


def fill(trade_id="1", **changes):
    row = {
        "venue": "binance", "symbol": "BTC/USDT", "trade_id": trade_id, "coid": "b25-00000-1-0", "venue_oid": "7", "side": "buy",
        "qty": "0.25", "price": "100", "fee": "0.01", "fee_asset": "USDT", "maker": True, "realized": None, "venue_ts_ms": 5,
        "src": "WS", "synthetic": False,
    }  # fmt: skip
    return row | changes


LEGS = [Leg("BTC", "position", 25), Leg("BTC", "market", -25)]


def run(url, statement):
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.fetchall() if result.returns_rows else None
    finally:
        engine.dispose()


def test_an_intent_is_there_when_it_returns(store, url):
    log = log_of(store)
    log.intend(intent(log))
    assert run(url, "SELECT coid, sign_ts_ms FROM intent") == [("b25-00000-1-0", 5)]


def test_an_id_is_stored_once(store):
    log = log_of(store)
    log.intend(intent(log))
    with pytest.raises(Exception, match=r"(?i)unique"):
        log.intend(intent(log))
    log.intend(intent(log, 1))  # the failed transaction left nothing behind


def test_a_fill_counts_once_with_everything_that_follows_from_it(store, url):
    log = log_of(store)
    log.intend(intent(log))
    assert log.book(fill(), LEGS, strategy="s")
    assert not log.book(fill(), LEGS, strategy="s")
    assert log.book(fill("2"), LEGS, strategy="s")
    assert log.positions("binance") == {"BTC/USDT": Decimal("0.50")}
    assert run(url, "SELECT count(*) FROM journal") == [(4,)]


def test_legs_that_do_not_balance_book_nothing(store, url):
    log = log_of(store)
    with pytest.raises(ValueError, match="balance"):
        log.book(fill(), [Leg("BTC", "position", 25)])
    assert run(url, "SELECT count(*) FROM fill") == [(0,)]
    log.reload()
    assert log.book(fill(), LEGS)


def test_positions_are_rebuilt_from_the_fills(store, url):
    log = log_of(store)
    log.intend(intent(log))
    log.book(fill(), LEGS, strategy="s")
    log.book(fill("2", side="sell", qty="0.1"), LEGS, strategy="s")
    before = run(url, "SELECT symbol, strategy, qty FROM position")
    run(url, "UPDATE position SET qty = '99'")
    log.rebuild()
    assert run(url, "SELECT symbol, strategy, qty FROM position") == before
    assert log.positions("binance") == {"BTC/USDT": Decimal("0.15")}


def test_unfinished_orders_come_back_with_what_is_known_of_them(store):
    log = log_of(store)
    for seq in range(4):
        log.intend(intent(log, seq))
    coid = "b25-00000-1-{}".format
    log.record([{"coid": coid(0), "src": "REST", "status": "NEW", "cum_qty": "0", "venue_oid": "7"}])
    log.record([{"coid": coid(1), "src": "REST", "status": "REJECTED", "cum_qty": "0"}])
    log.record([{"coid": coid(2), "src": "REST", "status": "FILLED", "cum_qty": "1"}])
    log.book(fill(coid=coid(2), qty="0.25"), LEGS)
    found = {row.coid: (len(events), len(fills)) for row, events, fills in log.unfinished(["REJECTED", "FILLED"], "binance")}
    assert found == {coid(0): (1, 0), coid(2): (1, 1), coid(3): (0, 0)}


@pytest.mark.spec("S10")
@pytest.mark.parametrize("change", ["UPDATE {} SET ts_ns = 0", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["intent", "order_event", "audit"])
def test_what_is_written_cannot_be_changed(store, url, table, change):
    log = log_of(store)
    log.intend(intent(log))
    log.record([{"coid": "x", "src": "REST", "status": "NEW", "cum_qty": "0"}])
    append_audit(store, actor="a", action="b", body={}, now_ns=1)
    with pytest.raises(DBAPIError, match="append-only"):
        run(url, change.format(table))


def test_a_fill_cannot_be_changed_but_a_synthetic_one_may_be_replaced(store, url):
    log = log_of(store)
    log.book(fill(), LEGS)
    log.book(fill("guess", synthetic=True), LEGS)
    with pytest.raises(DBAPIError, match="append-only"):
        run(url, "DELETE FROM fill WHERE trade_id = '1'")
    run(url, "DELETE FROM fill WHERE trade_id = 'guess'")


def test_processes_that_open_a_new_store_at_one_moment_make_its_schema_once(url):
    code = f"from b25.store.store import open_store; open_store({url!r}).close()"
    children = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(child.communicate()[1].decode()[-500:], child.returncode) for child in children] == [("", 0)] * 4


def test_two_accounts_of_one_store_never_share_an_epoch(store):
    """Ids of intents are made of the epoch: with one epoch, the second account's first order would have the first one's id."""
    leases = [take_lease(store, name, "holder", now_ms=NOW_MS, next_epoch=epoch) for name in ("first", "second", "first")]
    assert len({one.epoch for one in leases}) == 3
    logs = [OrderLog(store, one, now_ns=lambda: 1) for one in leases[1:]]
    for turn in range(3):  # turn and turn about, as two processes do
        for log in logs:
            log.intend(intent(log, turn))
            log.record([{"coid": intent(log, turn)["coid"], "src": "WS", "status": "NEW", "cum_qty": "0"}])


def test_an_epoch_is_above_the_last_and_fences_the_older_life(store):
    first = log_of(store)
    first.intend(intent(first))
    with pytest.raises(Fenced, match="holds it"):
        log_of(store, "other")
    second = log_of(store, "other", now_ms=NOW_MS + 20_000)
    assert second.lease.epoch > first.lease.epoch
    with pytest.raises(Fenced):
        first.intend(intent(first, 1))
    with pytest.raises(Fenced):
        renew_lease(store, first.lease, now_ms=NOW_MS)
    second.intend(intent(second))
    release_lease(store, second.lease)
    assert log_of(store, "third").lease.epoch > second.lease.epoch


@pytest.mark.spec("K8-03")
def test_only_one_of_two_takes_a_lease_at_the_same_moment(url):
    stores = [open_store(url), open_store(url)]
    got, barrier = [], threading.Barrier(2)

    def take(number):
        barrier.wait()
        try:
            got.append(take_lease(stores[number], "main", f"holder {number}", now_ms=NOW_MS, next_epoch=epoch))
        except (Fenced, StoreFailed):
            return
        except Exception as error:  # the loser's insert meets the winner's row
            if "unique" not in str(error).lower():
                got.append(error)

    number_of(stores[0], "account", "main")
    threads = [threading.Thread(target=take, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    for opened in stores:
        opened.close()


def test_names_have_numbers_that_stay(store):
    assert [number_of(store, "strategy", name) for name in ("a", "b", "a", "c")] == [0, 1, 0, 2]


@pytest.mark.spec("S10")
def test_the_audit_chain_shows_what_was_changed(store, url):
    for number in range(5):
        append_audit(store, actor="me", action="stop", body={"n": number, "why": "ü"}, now_ns=number)
    assert verify_audit(store) == ""
    if store.is_sqlite:
        run(url, "DROP TRIGGER audit_no_update")
        run(url, "DROP TRIGGER audit_no_delete")
    else:
        run(url, "ALTER TABLE audit DISABLE TRIGGER ALL")
    run(url, "UPDATE audit SET body = '{}' WHERE seq = 3")
    assert verify_audit(store) == "entry 3 was changed"
    run(url, "DELETE FROM audit WHERE seq = 3")
    assert verify_audit(store) == "entry 3 is missing"


def test_a_store_opens_again_and_one_of_the_future_is_refused(store, url):
    log = log_of(store)
    log.intend(intent(log))
    again = open_store(url)
    assert len(again.rows(text("SELECT 1 FROM intent"))) == 1
    again.close()
    run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misuse, match="does not know"):
        open_store(url)


def test_a_locked_store_says_so_and_works_again_afterwards(store, url):
    log = log_of(store)
    engine = create_engine(url)
    with engine.connect() as blocker:
        blocker.exec_driver_sql("BEGIN IMMEDIATE" if store.is_sqlite else "LOCK TABLE intent IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreFailed) as told:
            log.intend(intent(log))
        assert told.value.cause is Cause.LOCKED
        blocker.rollback()
    engine.dispose()
    log.intend(intent(log))


def test_a_full_store_says_so(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    log = log_of(store)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count={pages}")

    def fill_it():
        for seq in range(5_000):
            log.intend(intent(log, seq))

    with pytest.raises(StoreFailed) as told:
        fill_it()
    assert told.value.cause is Cause.FULL
    stored = store.rows(text("SELECT count(*) FROM intent"))[0][0]
    store._connection.execute(f"PRAGMA max_page_count={pages * 100}")
    log.intend(intent(log, 9_999))
    assert store.rows(text("SELECT count(*) FROM intent"))[0][0] == stored + 1
    store.close()


def test_a_store_that_goes_away_says_so_and_comes_back(tmp_path):
    name = f"b25_gone_{abs(hash(tmp_path)) % 10**8}"
    admin(f"CREATE DATABASE {name}")
    try:
        store = open_store(f"postgresql+pg8000://postgres@127.0.0.1:5432/{name}")
        log = log_of(store)
        log.intend(intent(log))
        admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        with pytest.raises(StoreFailed) as told:
            log.intend(intent(log, 1))
        assert told.value.cause is Cause.UNAVAILABLE
        store.reconnect()
        log.reload()
        log.intend(intent(log, 2))
        assert len(store.rows(text("SELECT 1 FROM intent"))) == 2
        store.close()
    finally:
        admin(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"this is no database" * 1_000)
    with pytest.raises(StoreFailed) as told:
        open_store(f"sqlite:///{path}")
    assert told.value.cause is Cause.CORRUPT


def test_settings_of_sqlite_are_those_of_the_spec(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    asked = {name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in
             ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "wal_autocheckpoint")}  # fmt: skip
    assert asked == {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 250, "foreign_keys": 1, "wal_autocheckpoint": 0}
    with store.writing(full=True):
        assert store._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store._connection.execute("PRAGMA synchronous").fetchone()[0] == 1
    store.close()


def test_long_statements_are_not_held_back(store):
    if store.is_sqlite:
        return
    wire = store._connection._usock
    assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://"])
def test_other_databases_are_refused(url):
    with pytest.raises(Misuse):
        open_store(url)


def test_the_emergency_log_keeps_whole_lines_and_frees_the_reserve(tmp_path, monkeypatch):
    log = EmergencyLog(tmp_path, reserve_bytes=4096)
    log.write({"cancel": "a"})
    real, calls = log._append, []

    def full_once(entry):
        calls.append(entry)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        real(entry)

    monkeypatch.setattr(log, "_append", full_once)
    log.write({"cancel": "b"})
    assert not log.reserve.exists()
    with log.path.open("ab") as file:
        file.write(b'{"cancel": "to')
    assert log.entries() == [{"cancel": "a"}, {"cancel": "b"}]


@pytest.mark.parametrize(("number", "said"), [("1E+3", "1000"), ("0.500", "0.5"), ("-0.0", "0"), ("1E-8", "0.00000001")])
def test_decimals_have_one_text(number, said):
    assert text_of(Decimal(number)) == said
