"""Bars in the catalog: what is imported twice is there once, what contradicts itself is refused, and nothing is half-written."""

import errno
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from b25.market import bar_catalog
from b25.market.bar_catalog import load_bars, series_of, store_bars, store_trades, wanted_series
from b25.market.bar_source import BarRequest, read_bars
from b25.market.catalog import Catalog
from b25.market.timeframe import timeframe
from b25.market.trades import Trades
from b25.model.bar import FUNDING_RATE
from b25.model.errors import Misuse
from b25.research.bars import bars

SYMBOL = "XRP/ETH"
START_MS = 1_703_980_800_000  # 2023-12-31, so that a month and a year end inside


def minutes(first=0, count=3000, **columns):
    k = np.arange(first, first + count)
    price = 1.5 + (k % 7) / 4
    given = {"date": START_MS + k * 60_000, "open": price, "high": price + 1, "low": price - 0.5, "close": price + 0.25}
    frame = pl.DataFrame({**given, "volume": 10.0 + k % 5, **columns})
    return read_bars(frame, BarRequest(("1m",), symbol=SYMBOL))


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def catalog(tmp_path):
    return Catalog(tmp_path / "catalog")


def stored(catalog, kind="1m"):
    return next(one for one in series_of(catalog, SYMBOL) if one.kind == kind)


def test_what_is_stored_is_read_back(catalog):
    given = minutes()
    series, added = store_bars(catalog, given)
    assert (series.rows, added) == (3000, 3000)
    assert [file.path for file in series.files] == ["2023-12.parquet", "2024-01.parquet"]
    found = load_bars(stored(catalog))
    assert found.rows.tobytes() == given.rows.tobytes()
    assert found.hash == given.hash
    part = load_bars(stored(catalog), given.rows["open_ns"][10], given.rows["open_ns"][20])
    assert part.rows.tobytes() == given.rows[10:20].tobytes()


def test_an_overlapping_import_adds_what_is_new_and_nothing_twice(catalog):
    store_bars(catalog, minutes(0, 2000), source="a")
    series, added = store_bars(catalog, minutes(1000, 2000), source="b")
    assert (series.rows, added, series.sources) == (3000, 1000, ("a", "b"))
    assert load_bars(stored(catalog)).rows.tobytes() == minutes().rows.tobytes()
    before = tree(catalog.folder)
    series, added = store_bars(catalog, minutes(), source="a")
    assert added == 0
    assert tree(catalog.folder) == before


def test_a_value_that_contradicts_what_is_there_is_refused(catalog):
    store_bars(catalog, minutes())
    before = tree(catalog.folder)
    other = minutes(volume=np.r_[np.full(1499, 10.0), 99.0, np.full(1500, 10.0)] + np.r_[np.arange(3000) % 5] * 1.0)
    with pytest.raises(Misuse, match=r"XRP_ETH bars-1m, 2024-01-01 00:59:00 UTC: volume is 14.0 in the catalog and 103.0 in"):
        store_bars(catalog, other)
    assert tree(catalog.folder) == before


def test_what_one_source_does_not_know_is_taken_from_the_other(catalog):
    store_bars(catalog, minutes(count=10))
    assert load_bars(stored(catalog)).rows["buy_lots"].tolist() == [-1] * 10
    store_bars(catalog, minutes(count=10, buy_volume=np.full(10, 4.0)))
    assert load_bars(stored(catalog)).rows["buy_lots"].tolist() == [4] * 10
    store_bars(catalog, minutes(count=10))
    assert load_bars(stored(catalog)).rows["buy_lots"].tolist() == [4] * 10


@pytest.mark.parametrize("moment", ["write", "rename files", "rename manifest"])
def test_an_import_that_is_interrupted_leaves_the_series_as_it_was(catalog, monkeypatch, moment):
    store_bars(catalog, minutes(0, 2000))
    before = tree(catalog.folder)
    real = Path.rename

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def rename(self, target):
        if (Path(target).name == "manifest.json") == (moment == "rename manifest"):
            full()
        return real(self, target)

    with monkeypatch.context() as patched:
        if moment == "write":
            patched.setattr(pl.DataFrame, "write_parquet", full)
        else:
            patched.setattr(Path, "rename", rename)
        with pytest.raises(Misuse, match="No space left on device; the catalog is as it was before"):
            store_bars(catalog, minutes(1000, 2000))
    assert tree(catalog.folder) == before
    store_bars(catalog, minutes(1000, 2000))
    assert len(load_bars(stored(catalog))) == 3000


def test_a_finer_price_that_comes_later_makes_the_tick_finer(catalog):
    store_bars(catalog, minutes(0, 10))
    finer = minutes(10, 1, open=[1.501], high=[2.0], low=[1.5], close=[1.501])
    series, _ = store_bars(catalog, finer)
    assert str(series.instrument.tick) == "0.001"
    found = load_bars(stored(catalog))
    assert found.rows["open_ticks"][[0, 10]].tolist() == [1500, 1501]
    assert found.instrument.price_ticks_max * found.instrument.qty_lots_max < 2**63


def test_a_month_and_a_minute_do_not_share_a_folder(catalog):
    days = minutes(0, 60 * 24 * 35).resample("1d")
    store_bars(catalog, days)
    store_bars(catalog, days.resample("1M"))
    store_bars(catalog, minutes(0, 10))
    assert sorted(one.kind for one in series_of(catalog, SYMBOL)) == ["1M", "1d", "1m"]
    names = [path.name for path in catalog.instrument_folder("binance", SYMBOL).iterdir()]
    assert len({name.lower() for name in names}) == 3


def test_the_door_finds_what_makes_up_the_timeframe(catalog):
    given = minutes()
    store_bars(catalog, given)
    found = bars("5m", "1h", symbol=SYMBOL, catalog=catalog)
    assert found.rows.tobytes() == given.resample("5m").rows.tobytes()
    assert [one.timeframe for one in found.larger] == ["1h"]
    store_bars(catalog, given.resample("5m").between(0.0, 0.5))
    assert wanted_series(series_of(catalog, SYMBOL), timeframe("15m")).kind == "5m"
    with pytest.raises(Misuse, match="holds nothing that bars of 1s of XRP/ETH can be made of: 1m, 5m"):
        bars("1s", symbol=SYMBOL, catalog=catalog)
    with pytest.raises(Misuse, match="holds no bars of BTC/USDT; it holds binance XRP/ETH"):
        bars("1m", symbol="BTC/USDT", catalog=catalog)
    store_bars(catalog, read_bars(given.frame, BarRequest(("1m",), symbol=SYMBOL, venue="kraken")))
    with pytest.raises(Misuse, match="holds XRP/ETH of binance, kraken"):
        bars("1m", symbol=SYMBOL, catalog=catalog)
    assert bars("1m", symbol=SYMBOL, venue="kraken", catalog=catalog).venue == "kraken"


def test_funding_is_stored_with_its_bars(catalog):
    rates = np.array([(START_MS * 1_000_000 + k * 8 * 3600 * 10**9, 10**8 - k, 150 + k) for k in range(3)], FUNDING_RATE)
    given = minutes().with_funding(rates)
    store_bars(catalog, given)
    found = bars("1m", symbol=SYMBOL, catalog=catalog)
    assert found.funding.tobytes() == rates.tobytes()
    assert found.hash == given.hash
    assert len(bars("1m", symbol=SYMBOL, catalog=catalog, funding=False).funding) == 0


def test_stored_trades_make_bars(catalog):
    given = minutes(0, 3)
    k = np.arange(300)
    trades = Trades(START_MS * 10**6 + k * 10**9, 1.5 + k % 3 / 4, 1.0 + k % 2, np.where(k % 2, 1, -1).astype(np.int8), "here")
    store_trades(catalog, given.instrument, trades, [str(one) for one in k], source="here")
    series, added = store_trades(catalog, given.instrument, trades, [str(one) for one in k], source="here")
    assert (series.rows, added) == (300, 0)
    assert len(bars("1m", symbol=SYMBOL, catalog=catalog)) == 5
    assert len(bars("10 ticks", symbol=SYMBOL, catalog=catalog)) == 30


def test_a_damaged_file_is_found(catalog):
    store_bars(catalog, minutes())
    assert bar_catalog.faults(catalog) == []
    path = next(catalog.folder.rglob("2023-12.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert "its hash differs" in bar_catalog.faults(catalog)[0]
    path.write_bytes(b"x")
    with pytest.raises(Misuse, match="cannot be read"):
        load_bars(stored(catalog))
    path.unlink()
    assert "is missing" in bar_catalog.faults(catalog)[0]
    manifest = path.parent / "manifest.json"
    manifest.write_text("{")
    with pytest.raises(Misuse, match="is damaged"):
        bar_catalog.faults(catalog)


def test_the_catalog_tells_what_it_holds(catalog):
    store_bars(catalog, minutes(), source="a")
    row = bar_catalog.summaries(catalog)[0]
    assert (row["kind"], row["rows"], row["tick"], row["sources"]) == ("1m", 3000, "0.01", ["a"])
    holed = minutes().frame[[*range(100), *range(200, 210)]]
    other = Catalog(catalog.folder / "other")
    store_bars(other, read_bars(holed, BarRequest(("1m",), symbol=SYMBOL)))
    found = bar_catalog.gaps(other)[0]
    assert (found["gaps"], found["missing"]) == (1, 100)
    assert "1 h 41 min, 100 bars missing" in found["longest"][0]


def test_information_bars_are_not_kept(catalog):
    k = np.arange(30)
    frame = pl.DataFrame({"timestamp": START_MS + k, "side": ["buy"] * 30, "price": [1.5] * 30, "amount": [1.0] * 30})
    with pytest.raises(Misuse, match="keep the trades"):
        store_bars(catalog, read_bars(frame, BarRequest(("10 ticks",), symbol=SYMBOL)))
