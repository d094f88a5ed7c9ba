"""What is kept of accounts, on both databases: once, for good, and in a store of an older version too."""

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import DBAPIError

from b25.store.account_log import AccountLog, EntryRow, accounts_of, body_of
from b25.store.schema import _config
from b25.store.store import open_store
from tests.store.test_store import run


def log_of(store):
    return AccountLog(store, "binance", "main", now_ns=lambda: 7)


def test_an_entry_is_kept_once_by_its_reference(store):
    log = log_of(store)
    row = EntryRow(kind="FUNDING", ref="a", time_ms=5, amount=-(10**30), asset="USDT", body={"shares": [["s", "1"]]})
    assert log.add(row, EntryRow(kind="TRANSFER", ref="a", time_ms=3)) == [True, True]
    assert log.add(row) == [False]
    (kept,) = log.entries("FUNDING")
    assert (int(kept.amount), body_of(kept)) == (-(10**30), {"shares": [["s", "1"]]})
    assert [one.kind for one in log.entries("FUNDING", "TRANSFER")] == ["TRANSFER", "FUNDING"]
    assert log.entries("FUNDING", since_ms=6) == []


def test_entries_and_snapshots_cannot_be_changed(store, url):
    log = log_of(store)
    log.add(EntryRow(kind="FUNDING", ref="a", time_ms=5))
    log.save({"version": 1}, {"reason": "fills", "quote": "USDT"}, ts_ns=30)
    for name in ("account_entry", "account_snapshot"):
        for act in (f"UPDATE {name} SET venue = 'x'", f"DELETE FROM {name}"):  # noqa: S608
            with pytest.raises(DBAPIError, match="append-only"):
                run(url, act)


def test_the_state_is_the_last_one_and_the_history_has_every_snapshot(store):
    log = log_of(store)
    for ts_ns in (10, 25, 31):
        log.save({"version": 1, "at": ts_ns}, {"reason": "fills", "quote": "USDT", "equity": str(ts_ns)}, ts_ns=ts_ns)
    assert log.state() == (31, {"version": 1, "at": 31})
    assert [row.equity for row in log.snapshots()] == ["10", "25", "31"]
    assert [row.equity for row in log.snapshots(every_ns=30)] == ["25", "31"]
    assert [row.equity for row in log.snapshots(since_ns=26)] == ["31"]
    assert accounts_of(store) == [("binance", "main")]


def test_balances_are_those_of_the_last_reading(store):
    log = log_of(store)
    log.save_balances({"USDT": ("1", "0", "1"), "BTC": ("2", "0", "2")}, ts_ns=1)
    log.save_balances({"USDT": ("3", "0", "3")}, ts_ns=2)
    assert {asset: row.total for asset, row in log.balances().items()} == {"USDT": "3"}


def test_a_store_of_the_first_version_gets_the_tables_and_keeps_what_it_has(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    assert "account_entry" not in inspect(engine).get_table_names()
    run(url, "INSERT INTO alias VALUES ('strategy', 's', 1)")
    engine.dispose()
    opened = open_store(url)
    assert log_of(opened).add(EntryRow(kind="FUNDING", ref="a", time_ms=1)) == [True]
    assert run(url, "SELECT name FROM alias") == [("s",)]
    opened.close()
