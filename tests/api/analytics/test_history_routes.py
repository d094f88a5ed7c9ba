"""History over HTTP: half-open, by pages that imports do not move, the same numbers in every form, and gaps told."""

import asyncio
import base64
import csv
import io
import time

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.events.buckets import DAY_NS
from b25.analytics.events.event import DomainEvent
from b25.analytics.events.sampling import EVERY_NS
from b25.api.exports import NEXT, NOTES, harmless
from b25.api.history_models import (
    HistoryBook,
    HistoryCandle,
    HistoryEquity,
    HistoryFunding,
    HistoryPage,
    HistoryPnl,
    HistoryTrade,
)
from b25.api.market_history import decimal_text, decimal_texts
from b25.market.bar_catalog import store_bars, store_funding, store_trades
from b25.market.bar_source import BarRequest, read_bars
from b25.market.catalog import Catalog
from b25.market.import_capture import import_capture
from b25.market.trades import Trades
from b25.model.bar import FUNDING_RATE
from b25.model.instrument import Instrument
from b25.store.history import Samples
from b25.store.history_tables import session_snapshot
from tests.market.raw_capture import capture_lines, write

SYMBOL = "XRP/ETH"
START_MS = 1_703_980_800_000
MINUTE = 60 * 10**9


def ask(client, path, **params):
    async def once():
        async with client:
            return await client.get(f"/api/v1/history/{path}", params=params)

    return asyncio.run(once())


def minutes(places):
    k = np.array(places)
    price = 1.5 + (k % 7) / 4
    columns = {"date": START_MS + k * 60_000, "open": price, "high": price + 1, "low": price - 0.5, "close": price + 0.25}
    return read_bars(pl.DataFrame({**columns, "volume": 0.00001 + k % 5}), BarRequest(("1m",), symbol=SYMBOL))


@pytest.fixture
def catalog(gateway):
    return Catalog(gateway.settings.catalog)


@pytest.fixture
def history(analytics_as):
    return lambda path, **params: ask(analytics_as("viewer"), path, **params)


def candles(history, **params):
    given = history("candles", symbol=SYMBOL, **params)
    assert given.status_code == 200, given.text
    return HistoryPage[HistoryCandle].model_validate_json(given.content)


@pytest.mark.spec("HD-01", "HD-03")
def test_candles_are_half_open_paged_and_their_gaps_are_told(history, catalog):
    store_bars(catalog, minutes([*range(100), *range(110, 200)]), source="first")
    start_ns = START_MS * 10**6
    page = candles(history, start="2023-12-31T00:10:00Z", end=str(start_ns + 20 * MINUTE))
    assert [(one.time_ns - start_ns) // MINUTE for one in page.data] == list(range(10, 20))
    assert page.data[0].close_ns == page.data[1].time_ns
    assert (page.data[0].open, page.data[0].volume) == ("2.25", "0.00001")
    whole, cursor, pages = [], "", 0
    while cursor is not None:
        page = candles(history, limit=7, cursor=cursor)
        whole += [(one.time_ns - start_ns) // MINUTE for one in page.data]
        cursor, pages = page.next_cursor, pages + 1
        if pages == 3:  # earlier and later rows come in meanwhile
            store_bars(catalog, minutes([*range(-50, 0), *range(200, 210)]), source="second")
    assert whole == [*range(100), *range(110, 210)]
    page = candles(history, start=str(start_ns + 95 * MINUTE), limit=10)
    assert [(one.start_ns - start_ns) // MINUTE for one in page.notes.gaps] == [100]
    assert page.notes.sources == ["first", "second"]
    assert page.notes.version != candles(history).data[0].open


@pytest.mark.spec("HD-02", "AN-10")
def test_every_form_has_the_numbers_that_are_on_disk(history, catalog):
    store_bars(catalog, minutes(range(300)))
    disk = pl.concat([pl.read_parquet(path) for path in sorted(catalog.folder.rglob("*.parquet"))]).sort("time_ns").head(50)
    parquet = history("candles", symbol=SYMBOL, limit=50, format="parquet")
    assert pl.read_parquet(io.BytesIO(parquet.content)).equals(disk)
    arrow = history("candles", symbol=SYMBOL, limit=50, format="arrow")
    assert pl.read_ipc_stream(io.BytesIO(arrow.content)).equals(disk)
    text = history("candles", symbol=SYMBOL, limit=50, format="csv")
    assert pl.read_csv(io.BytesIO(text.content))["close"].to_list() == disk["close"].to_list()
    rows = candles(history, limit=50)
    assert [float(one.close) for one in rows.data] == disk["close"].to_list()
    assert {form.headers[NEXT] for form in (parquet, arrow, text)} == {rows.next_cursor}
    assert orjson.loads(base64.b64decode(parquet.headers[NOTES]))["symbol"] == SYMBOL


@given(st.floats(0, 1e12, allow_nan=False))
def test_a_decimal_is_the_float_that_it_was_made_of(number):
    said = decimal_text(number)
    assert float(said) == number
    assert "e" not in said
    assert decimal_texts(pl.Series([number, None])) == [said, None]


@pytest.mark.spec("HD-01")
def test_trades_and_funding_are_told(history, catalog):
    k = np.arange(10)
    instrument = Instrument(venue="binance", symbol=SYMBOL, tick="0.01", lot="0.1")
    side = np.where(k % 2, 1, -1).astype(np.int8)
    trades = Trades((START_MS + k // 3) * 10**6, 1.0 + k / 100, 0.1 * (k + 1), side, "test")
    store_trades(catalog, instrument, trades, [f"t{i}" for i in k], source="test")
    rates = np.zeros(3, FUNDING_RATE)
    rates["time_ns"], rates["rate_e12"], rates["mark_ticks"] = (
        START_MS * 10**6 + np.arange(3),
        [10**8, -(10**8), 5],
        [0, 150, 151],
    )
    store_funding(catalog, instrument, rates, source="test")
    whole, cursor = [], ""
    while cursor is not None:
        page = HistoryPage[HistoryTrade].model_validate_json(history("trades", symbol=SYMBOL, limit=3, cursor=cursor).content)
        whole += [one.id for one in page.data]
        cursor = page.next_cursor
    assert whole == [f"t{i}" for i in k]
    paid = HistoryPage[HistoryFunding].model_validate_json(history("funding", symbol=SYMBOL).content)
    assert [(one.rate, one.mark) for one in paid.data] == [("0.0001", None), ("-0.0001", "1.5"), ("0.000000000005", "1.51")]


@pytest.mark.spec("HD-01")
def test_rows_of_a_capture_are_told_in_their_order(history, catalog, tmp_path):
    venue, symbol = "binanceusdm", "ETH/USDT:USDT"
    import_capture(write(tmp_path / "a.gz", capture_lines(count=5)), venue=venue, symbol=symbol, catalog=catalog)
    whole, cursor, pages = [], "", 0
    while cursor is not None:
        given = history("book", symbol=symbol, limit=3, cursor=cursor)
        page = HistoryPage[HistoryBook].model_validate_json(given.content)
        whole += page.data
        cursor, pages = page.next_cursor, pages + 1
        if pages == 1:
            following = capture_lines(count=5, first_step=5, first_id=1020)
            import_capture(write(tmp_path / "b.gz", following), venue=venue, symbol=symbol, catalog=catalog)
    rows = catalog.load(venue, symbol).rows
    assert [one.time_ns for one in whole] == rows["exch_ns"].tolist()
    tick, lot = float(page.notes.tick), float(page.notes.lot)
    assert [float(one.price) for one in whole] == pytest.approx((rows["price_ticks"] * tick).tolist())
    assert [float(one.quantity) for one in whole] == pytest.approx((rows["qty_lots"] * lot).tolist())
    gone = base64.urlsafe_b64encode(b'["gone.parquet",1]').decode()
    assert history("book", symbol=symbol, cursor=gone).status_code == 409


@pytest.mark.spec("AM-14", "HD-01")
def test_equity_with_the_change_of_the_day_and_profit(history, gateway, desk):
    day = gateway.now_ns() // DAY_NS * DAY_NS

    def sample(at_ns, equity, unrealised="1"):
        return {
            "session": "s", "ts_ns": at_ns, "reason": "interval", "account": "a", "asset": "USDT", "equity": equity,
            "realised": "5.5", "unrealised": unrealised, "fees": "0.25", "told_ns": at_ns,
        }  # fmt: skip

    told = [
        sample(day - EVERY_NS, "90"),
        sample(day, "100"),
        sample(day + EVERY_NS, "101.5"),
        sample(day + 2 * EVERY_NS, None, None),
    ]
    Samples(gateway.store).save({session_snapshot: told})
    page = HistoryPage[HistoryEquity].model_validate_json(history("equity").content)
    assert [(one.equity, one.day_change) for one in page.data] == [("90", "0"), ("100", "0"), ("101.5", "1.5"), (None, None)]
    made = HistoryPage[HistoryPnl].model_validate_json(history("pnl", interval="1m", start=str(day)).content)
    assert [one.net for one in made.data] == ["6.25", None]


@pytest.mark.spec("HD-01")
@pytest.mark.parametrize("path", ["equity", "pnl", "orders", "fills", "signals"])
def test_what_is_empty_is_empty_in_every_form(history, path):
    given = history(path)
    assert (given.json()["data"], given.json()["next_cursor"]) == ([], None)
    for form in ("csv", "parquet", "arrow"):
        assert history(path, format=form).status_code == 200


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("candles", {}, 422), ("candles", {"symbol": "A/B"}, 404), ("candles", {"symbol": SYMBOL, "interval": "7x"}, 422),
        ("equity", {"limit": 10_001}, 422), ("equity", {"cursor": "!!"}, 422), ("equity", {"cursor": "W10"}, 422),
        ("fills", {"symbol": "\0"}, 400), ("equity", {"interval": "2m"}, 422), ("orders", {"start": "5", "end": "5"}, 422),
        ("book", {"symbol": "../../x"}, 404), ("candles", {"symbol": "../x", "venue": "../.."}, 404),
        ("signals", {"format": "xml"}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(history, path, params, status):
    assert history(path, **params).status_code == status


def test_nobody_sees_history_without_signing_in(analytics_as):
    for path in ("candles", "trades", "book", "funding", "equity", "pnl", "orders", "fills", "signals", "catalog"):
        assert ask(analytics_as(), path, symbol="x").status_code == 401


@pytest.mark.spec("AN-10")
def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(history, desk, gateway):
    facts = {"kind": '=HYPERLINK("x")', "side": "+cmd", "price": "-1.5", "quantity": "@x", "verdict": "\tok"}
    desk.log.add([DomainEvent(id="s", type="signal.generated", time_ns=gateway.now_ns() - 1, strategy="-x", properties=facts)])
    rows = list(csv.DictReader(io.StringIO(history("signals", format="csv").text)))
    assert [rows[0][name] for name in ("kind", "side", "price", "quantity", "verdict", "strategy")] == [
        "'=HYPERLINK(\"x\")", "'+cmd", "-1.5", "'@x", "'\tok", "'-x",
    ]  # fmt: skip
    assert harmless("") == ""


@pytest.mark.spec("HD-06")
def test_ten_thousand_candles_come_in_one_page(history, catalog):
    store_bars(catalog, minutes(range(12_000)))
    begun = time.perf_counter()
    page = history("candles", symbol=SYMBOL, limit=10_000)
    print(f"10,000 candles in {1e3 * (time.perf_counter() - begun):.0f} ms")
    assert len(page.json()["data"]) == 10_000
