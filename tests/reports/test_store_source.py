"""An account as the store has it, on both databases: figures by hand, names that try to be markup, ten thousand fills."""

import json
import time
from decimal import Decimal

import pytest
from sqlalchemy import insert, text

from b25.model.errors import Misuse
from b25.reports.read_only import open_read_only
from b25.reports.sources import open_source
from b25.store.account_log import AccountLog, EntryRow
from b25.store.alert_tables import alert
from b25.store.lives import begin_life, end_life
from b25.store.store import open_store
from b25.store.tables import fill, intent, kill, order_event
from tests.reports.cells import TEMPLATES, page_of
from tests.store.conftest import url  # noqa: F401 - a fixture

DAY_NS = 86_400 * 10**9
DAY = 20_000 * DAY_NS  # 2024-10-04
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
VENUE, ACCOUNT, SYMBOL = "binanceusdm", "main", "BTC/USDT:USDT"


def line(strategy, quantity, entry, mark, realised, unrealised, fees, funding):
    facts = {"quantity": quantity, "entry": entry, "mark": mark, "realised": realised, "unrealised": unrealised, "fees": fees}
    return {
        "strategy": strategy,
        "symbol": SYMBOL,
        "settle": "USDT",
        **facts,
        "funding": funding,
        "net": "0",
        "fees_unpriced": {},
    }


def statement(log, ts_ns, equity, lines):
    body = {"quote": "USDT", "equity": equity, "strategies": lines, "positions": [{**one, "strategy": ""} for one in lines[:1]]}
    row = {"reason": "fills", "quote": "USDT", "equity": equity, "body": json.dumps(body)}
    log.save({"version": 0}, row, ts_ns=ts_ns)


def intent_row(number, strategy, side, quantity, ts_ns, epoch=3):
    return {
        "id": number, "ts_ns": ts_ns, "account": ACCOUNT, "venue": VENUE, "strategy": strategy, "coid": f"c{number}",
        "kind": "NEW", "symbol": SYMBOL, "side": side, "type": "LIMIT", "tif": "GTC", "qty": quantity, "price": "100", "flags": 0,
        "decision": "{}", "code_hash": b"x", "cfg_hash": b"x", "epoch": epoch, "order_id": number, "request_id": 1,
    }  # fmt: skip


def fill_row(number, side, quantity, price, fee, ts_ms, maker=True, asset="USDT"):
    return {
        "venue": VENUE, "account": ACCOUNT, "symbol": SYMBOL, "trade_id": str(number), "coid": f"c{number}", "venue_oid": "1",
        "side": side, "qty": quantity, "price": price, "fee": fee, "fee_asset": asset, "maker": maker, "realized": None,
        "venue_ts_ms": ts_ms, "src": "WS", "synthetic": False,
    }  # fmt: skip


def add(store, table, rows):
    with store.engine.begin() as connection:
        connection.execute(insert(table), rows)


def events(number, coid, ts_ns):
    steps = (("SENDING", 1_000_000), ("NEW", 3_000_000), ("FILLED", 9_000_000))
    return [
        {"seq": 10 * number + place, "ts_ns": ts_ns + after, "coid": coid, "src": "WS", "status": status, "cum_qty": "1"}
        for place, (status, after) in enumerate(steps)
    ]


def make_account(url):  # noqa: F811 - the same word
    """Two strategies, one day: buy 2 at 100 and sell 1 at 110; buy 1 at 105; a deposit, funding, a kill, differences."""
    store = open_store(url)
    log = AccountLog(store, VENUE, ACCOUNT, now_ns=lambda: DAY)
    begin_life(store, "mm", strategy="grid", venue=VENUE, account=ACCOUNT, mode="live", epoch=3, folder="", now_ns=DAY)
    end_life(store, "mm", 3, now_ns=DAY + DAY_NS)
    hour = DAY // 10**6 + 3_600_000
    add(store, intent, [
        intent_row(1, "grid", "buy", "2", DAY + 10**9), intent_row(2, "grid", "sell", "1", DAY + 2 * 10**9),
        intent_row(3, HOSTILE, "buy", "1", DAY + 3 * 10**9, epoch=4),
    ])  # fmt: skip
    add(store, order_event, [row for number in (1, 2, 3) for row in events(number, f"c{number}", DAY + number * 10**9)])
    add(store, fill, [
        fill_row(1, "buy", "2", "100", "0.04", hour), fill_row(2, "sell", "1", "110", "0.022", hour + 1, maker=False),
        fill_row(3, "buy", "1", "105", "0.021", hour + 2),
    ])  # fmt: skip
    statement(log, DAY - 10**9, "1000", [line("grid", "0", None, "99", "5", "0", "1", "0")])
    # grid: 10 realised, holds 1 at 100 marked at 108, fees 0.062, funding -0.5; the other: holds 1 at 105, marked at 108.
    statement(log, DAY + 20 * 3_600 * 10**9, "1520.417", [
        line("grid", "1", "100", "108", "15", "8", "1.062", "-0.5"), line(HOSTILE, "1", "105", "108", "0", "3", "0.021", "0"),
    ])  # fmt: skip
    log.add(
        EntryRow(kind="TRANSFER", ref="opening USDT", time_ms=hour, asset="USDT", amount=10**21, body={"source": "opening"}),
        EntryRow(kind="TRANSFER", ref="in", time_ms=hour, asset="USDT", amount=500 * 10**18, body={"source": "venue"}),
        EntryRow(kind="ADJUSTMENT", ref="adj 1", time_ms=hour, symbol=SYMBOL, body={"why": f"ours 2, theirs 1 {HOSTILE}"}),
        EntryRow(kind="ADJUSTMENT", ref="adj 2", time_ms=hour, asset="USDT", amount=-1, body={"why": "a cent"}),
        EntryRow(kind="SIGNATURE", ref="adj 2", time_ms=hour + DAY_NS // 10**6, body={"by": "ann", "reason": "seen"}),
    )
    log.save_balances({"USDT": ("1", "0", "1")}, ts_ns=DAY + 5)
    row = {"ts_ns": DAY + 7, "scope": f"K2 {ACCOUNT}", "action": "killed", "actor": "ann", "reason": HOSTILE, "body": "{}"}
    add(store, kill, [{"id": 1, **row}, {"id": 2, **row, "scope": "K2 another", "reason": "not ours"}])
    names = ("since_ns", "seen_ns", "hold_until_ns", "resolved_ns", "notified_ns", "is_told", "acknowledged_ns", "escalated_ns")
    facts = {"rule": "position_drift", "severity": "critical", "key": "k", "source": ACCOUNT, "text": HOSTILE, "value": "1"}
    add(store, alert, [{
        "alert_id": "a", **facts, "state": "firing", "fired_ns": DAY + 8, "acknowledged_by": "", "group": "",
        **dict.fromkeys(names, 0),
    }])  # fmt: skip
    store.close()
    return {"source": f"account:{ACCOUNT}", "database": url, "start": "2024-10-04", "end": "2024-10-05"}


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Read, and nothing else."""
    return make_account(f"sqlite:///{tmp_path_factory.mktemp('store') / 'b25.db'}")


def test_the_days_profit_is_the_one_reckoned_by_hand_on_both_databases(url):  # noqa: F811
    account = make_account(url)
    page = page_of("daily_performance", **account)
    # 10 realised + 11 unrealised - 0.083 fees - 0.5 funding; the account: 1520.417 - 1000 - 500 deposited.
    told = {name: one.value for name, one in page.figures.items()}
    assert (told["realised"], told["unrealised"], told["fees"], told["funding"]) == ("10", "11", "0.083", "-0.5")
    assert told["net_profit"] == "20.417"
    assert page.records.equity_change == Decimal("20.417")
    assert "The parts add up." in page.text
    assert Decimal(told["volume"]) == 2 * 100 + 110 + 105
    assert told["maker_share"] == pytest.approx(305 / 415)
    assert told["fills"] == 3
    assert {(one.strategy, one.net) for one in page.records.profits} == {
        ("grid", Decimal("17.438")), (HOSTILE, Decimal("2.979")),
    }  # fmt: skip
    nothing_is_written(url)


def nothing_is_written(url):  # noqa: F811
    store = open_read_only(url)
    with pytest.raises(Misuse), store.writing():
        pass
    with pytest.raises(Exception, match=r"(?i)read.?only"), store.engine.begin() as connection:
        connection.execute(
            insert(kill), [{"id": 9, "ts_ns": 1, "scope": "", "action": "", "actor": "", "reason": "", "body": ""}]
        )
    store.close()


def test_what_does_not_add_up_is_said(tmp_path):
    account = make_account(f"sqlite:///{tmp_path / 'b25.db'}")
    store = open_store(account["database"])
    log = AccountLog(store, VENUE, ACCOUNT, now_ns=lambda: DAY)
    statement(log, DAY + 21 * 3_600 * 10**9, "1519.417", [
        line("grid", "1", "100", "108", "15", "8", "1.062", "-0.5"), line(HOSTILE, "1", "105", "108", "0", "3", "0.021", "0"),
    ])  # fmt: skip
    store.close()
    page = page_of("reconciliation_and_drift", **account)
    assert page.figures["money_unexplained"].value == "-1.000"
    assert "The parts do not add up." in page.text


def test_differences_kills_and_alerts_are_told_with_their_state(account):
    page = page_of("reconciliation_and_drift", **account)
    assert page.figures["differences"].value == 2
    assert page.figures["differences_open"].value == 1
    assert page.figures["drift"].value is None
    states = {one.what: one.state for one in page.records.reconciliations}
    assert states == {SYMBOL: "open", "USDT": "settled", "last comparison with the venue": "agrees"}
    risk = page_of("risk_and_limits", **account)
    assert risk.figures["stops"].value == 2
    assert risk.figures["stops_standing"].value == 1
    assert "not ours" not in risk.text
    assert risk.figures["refused"].value is None  # not known is not none


def test_latencies_of_the_store(account):
    page = page_of("execution_cost", **account)
    assert page.figures["latency_acknowledged_p50"].value == 3_000_000
    assert page.figures["latency_first_fill_p99"].value == 9_000_000
    assert page.figures["slippage"].value is None
    assert "mid at the decisions was not kept" in page.figures["slippage"].reason


@pytest.mark.parametrize("name", TEMPLATES)
def test_names_that_would_be_markup_are_text(name, account):
    page = page_of(name, **account)
    assert "<script" not in page.html
    assert "<img" not in page.html


def test_a_session_is_its_own_orders_only(account):
    records = open_source("session:mm", database=account["database"])
    assert set(records.fills["strategy"].to_list()) == {"grid"}
    assert records.fills.height == records.orders.height == 2
    assert [one.strategy for one in records.profits] == ["grid"]
    assert records.curve is None
    assert "not that of one strategy" in records.absent["curve"]
    assert records.mode == "live"


@pytest.mark.parametrize(
    ("source", "word"),
    [("session:nobody", "no session 'nobody'"), ("account:other", "no account is 'other'"), ("nonsense", "no source"),
     ("account:", "no source"), ("journal:/nowhere.journal", "no journal"), ("backtest:none.py:X", "no strategy file")],
)  # fmt: skip
def test_a_source_that_is_none_is_refused_with_what_there_is(source, word, account):
    with pytest.raises(Misuse, match=word) as fault:
        open_source(source, database=account["database"])
    assert fault.value.remedy


def test_a_database_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Misuse, match="no database"):
        open_source("", database=f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()


def test_ten_thousand_fills_make_a_page_quickly(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'b25.db'}")
    log = AccountLog(store, VENUE, ACCOUNT, now_ns=lambda: DAY)
    count, start_ms = 10_000, DAY // 10**6
    add(store, intent, [intent_row(n, "grid", ("buy", "sell")[n % 2], "0.01", DAY + n * 10**6) for n in range(count)])
    add(store, order_event, [row for n in range(count) for row in events(n, f"c{n}", DAY + n * 10**6)])
    add(store, fill, [
        fill_row(n, ("buy", "sell")[n % 2], "0.01", f"{60_000 + n % 7}.1", "0.123456789", start_ms + n) for n in range(count)
    ])  # fmt: skip
    for hour in range(24):
        statement(log, DAY + hour * 3_600 * 10**9, str(1_000 + hour), [line("grid", "0", None, "1", str(hour), "0", "0", "0")])
    store.close()
    began_s = time.process_time()
    pages = {name: page_of(name, source=f"account:{ACCOUNT}", database=f"sqlite:///{tmp_path / 'b25.db'}") for name in TEMPLATES}
    assert time.process_time() - began_s < 6 * 5
    daily = pages["daily_performance"]
    assert daily.figures["fills"].value == count
    by_hand = sum((Decimal("0.01") * Decimal(f"{60_000 + n % 7}.1") for n in range(count)), Decimal(0))
    assert Decimal(daily.figures["volume"].value) == by_hand
    assert max(len(page.html) for page in pages.values()) < 1_500_000


def test_drift_is_told_where_the_nightly_job_noted_it(tmp_path):
    account = make_account(f"sqlite:///{tmp_path / 'b25.db'}")
    store = open_store(account["database"])
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS drift_note (name, version, session, at_ns, state, detail)"))
        notes = [("none", '{"detail": "every decision came again"}'), ("unexplained", '{"detail": "order 7 did not come again"}')]
        for place, (state, detail) in enumerate(notes):
            values = {"at": DAY + 30 * 10**9 + place, "state": state, "detail": detail}
            connection.execute(text("INSERT INTO drift_note VALUES ('grid', 7, 'mm', :at, :state, :detail)"), values)
    store.close()
    page = page_of("reconciliation_and_drift", **account)
    assert page.figures["drift"].value == "unexplained"
    assert "mm as grid@7" in page.text
    assert "order 7 did not come again" in page.text
    assert [one.state for one in page.records.drift] == ["no drift", "unexplained"]


def test_amounts_of_two_currencies_are_never_one_sum(tmp_path):
    account = make_account(f"sqlite:///{tmp_path / 'b25.db'}")
    store = open_store(account["database"])
    coin = fill_row(9, "buy", "10", "50000", "0.00001", DAY // 10**6 + 4_000_000, asset="BTC") | {"symbol": "BTC/USD:BTC"}
    add(store, fill, [coin])
    store.close()
    page = page_of("daily_performance", **account)
    assert page.figures["fills"].value == 4
    for name in ("net_profit", "fees", "volume", "maker_share"):
        assert "settle in BTC and USDT" in page.figures[name].reason, name
    assert page.figures["total_return"].value is not None  # of the account's own statements, which are in one currency
    assert page_of("execution_cost", **account).figures["fees"].value is None
