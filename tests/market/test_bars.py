"""Bars: what is read is what the source says, what is wrong is named with its row, and what is missing stays missing."""

import gzip
import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from b25.market.bar_grid import Grid, given_decimal
from b25.market.bar_source import BarRequest, read_bars
from b25.market.bars import Bars
from b25.market.timerange import iso_ns
from b25.model.bar import BAR, FUNDING_RATE
from b25.model.errors import Misuse

SYMBOL = "XRP/ETH"
MINUTE_MS = 60_000
START_MS = 1_700_000_100_000  # 2023-11-14 22:15


def read(source, *timeframes, **request):
    return read_bars(source, BarRequest(timeframes or ("1m",), **{"symbol": SYMBOL, **request}))


def frame(count=6, step=1, **columns):
    """Rising one-minute bars, with some columns replaced."""
    k = np.arange(count)
    given = {
        "date": START_MS + k * step * MINUTE_MS,
        "open": 1.5 + k / 4,
        "high": 2.0 + k / 4,
        "low": 1.25 + k / 4,
        "close": 1.75 + k / 4,
        "volume": 10.0 + k,
    }
    return pl.DataFrame({**given, **columns}, strict=False)


def replaced(column, row, value):
    return frame().with_columns(pl.Series(column, [value if k == row else one for k, one in enumerate(frame()[column])]))


@pytest.fixture(scope="session")
def folder(shared):
    return shared / "data" / "bars"


@pytest.mark.golden("B04")
def test_the_gaps_of_the_recorded_bars_are_named_with_place_and_length(folder):
    gaps = read(folder / "ADA_BTC-5m.feather", "5m", symbol=None).gaps
    assert [(gap.length_ns // 60_000_000_000, gap.missing) for gap in gaps] == [(10, 1), (10, 1), (25, 4), (10, 1), (170, 33)]
    assert str(gaps[-1]) == "2018-01-15 11:55:00 UTC to 2018-01-15 14:45:00 UTC: 2 h 50 min, 33 bars missing"
    for name in ("LTC", "XLM"):
        assert read(folder / f"{name}_BTC-5m.feather", "5m", symbol=None).gaps == ()


@pytest.mark.golden("B04")
def test_columns_are_read_by_name(folder):
    stored = pl.read_ipc(folder / "ADA_BTC-5m.feather")
    shuffled = stored.select("date", "open", "close", "high", "low", "volume").rename({"date": "Timestamp", "close": "Close"})
    found, straight = (read(one, "5m", symbol="ADA/BTC") for one in (shuffled, stored))
    assert found.rows.tobytes() == straight.rows.tobytes()
    assert found.hash == straight.hash


@pytest.mark.parametrize(
    ("name", "count", "tick"),
    [
        ("ADA_BTC-5m.feather", 5720, "1e-8"),
        ("LTC_BTC-5m.feather", 5760, "1e-8"),
        ("XRP_USDT_USDT-5m-futures.feather", 1999, "0.0001"),
        ("btc_perp_20211231_20220201_1m.csv", 45_031, "0.001"),
    ],
)
def test_the_recorded_files_are_read_as_they_are(folder, name, count, tick):
    path = folder / name
    symbol = None if path.suffix == ".feather" else "BTC/USD:BTC"
    found = read(path, "5m" if "5m" in name else "1m", symbol=symbol)
    stored = pl.read_ipc(path) if path.suffix == ".feather" else pl.read_csv(path)
    assert (len(found), found.instrument.tick) == (count, given_decimal(tick, "tick"))
    for column in ("open", "high", "low", "close"):
        # Some stored floats are a unit in the last place beside the decimal that they stand for.
        np.testing.assert_allclose(found.frame[column].to_numpy(), stored[column].to_numpy(), rtol=3e-16, atol=0)
    assert found.frame["volume"].to_numpy().tobytes() == stored["volume"].to_numpy().tobytes()
    assert int(found.rows["volume_lots"].max()) < 2**53


def test_funding_rates_beside_a_file_are_read_with_it(folder):
    path = folder / "XRP_USDT_USDT-5m-futures.feather"
    found = read(path, "5m", symbol=None)
    assert (found.venue, found.symbol) == ("binanceusdm", "XRP/USDT:USDT")
    assert len(found.funding) == len(pl.read_ipc(folder / "XRP_USDT_USDT-8h-funding_rate.feather"))
    assert found.funding["rate_e12"][0] == 100_000_000
    assert any("funding rates are read from" in note for note in found.notes)
    assert len(read(path, "5m", symbol=None, funding=False).funding) == 0
    given = read(path, "5m", symbol=None, funding=folder / "XRP_USDT_USDT-8h-funding_rate.feather")
    assert given.hash == found.hash
    assert found.hash != read(path, "5m", symbol=None, funding=False).hash
    with pytest.raises(Misuse, match="holds funding rates, no bars"):
        read(folder / "XRP_USDT_USDT-8h-funding_rate.feather", "8h", symbol=None)


@pytest.mark.parametrize(
    ("bad", "says", "remedy"),
    [
        (replaced("open", 2, None), "row 2, .*: open nan is no finite number", "remove it"),
        (replaced("close", 3, float("inf")), "row 3, .*: close inf is no finite number", "remove it"),
        (replaced("volume", 1, float("nan")), "row 1, .*: volume nan", "remove it"),
        (replaced("low", 4, 0.0), "row 4, .*: low 0.0 is not positive", "remove it"),
        (replaced("open", 4, -1.0), "row 4, .*: open -1.0 is not positive", "remove it"),
        (replaced("volume", 5, -1.0), "row 5, .*: volume -1.0 is negative", "set the volume to 0"),
        (replaced("high", 2, 1.9), "row 2, .*: high 1.9 is below its own open or close", "names"),
        (replaced("low", 2, 2.1), "row 2, .*: low 2.1 is above its own open or close", "names"),
        (frame()[[0, 2, 1, 3, 4]], "row 2, 2023-11-14 22:16:00 UTC: the time is earlier than the row before it", "sort"),
        (frame()[[0, 1, 1, 2, 3]], "row 2, .*: the time is that of the row before it", "remove one"),
        (replaced("date", 3, START_MS + 2 * MINUTE_MS + 1000), "row 3, .* opens 1 s after .* overlap", "remove one"),
        (
            replaced("date", 5, START_MS + 6 * MINUTE_MS + 1000),
            "row 5, .*: the bar opens 2 min 1 s after .*, no multiple of 1m",
            "time",
        ),
        (
            frame().with_columns(pl.col("date") + 59_999),
            "row 0, .*: no bar of 1m opens at this time; the nearest .*6 such",
            "by their open",
        ),
        (frame().drop("close"), "has no column close; it has date", "by name"),
        (frame().drop("date"), "has no column date or timestamp", "by name"),
        (replaced("date", 1, None), "row 1: date is missing", "time"),
        (frame()[:0], "holds no bar", "some"),
    ],
)
def test_bad_bars_are_refused_with_row_and_remedy(bad, says, remedy):
    with pytest.raises(Misuse, match=says) as caught:
        read(bad)
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.what


def test_bars_of_no_volume_are_allowed_and_counted():
    found = read(replaced("volume", 2, 0.0))
    assert found.rows["volume_lots"][2] == 0
    assert "1 of 6 bars have no volume" in found.notes[0]


def test_what_the_timeframe_is_is_found_from_the_times():
    assert len(read(frame(12), "3m")) == 4
    assert read(frame(12), "3m").rows["open_ns"].tolist() == (frame(12)["date"][::3] * 1_000_000).to_list()
    with pytest.raises(Misuse, match=r"at least 5 min apart; they are no bars of 1m"):
        read(frame(step=5), "1m")
    with pytest.raises(Misuse, match="5m does not divide 12m"):
        read(frame(step=5, count=30).with_columns(pl.col("date") - START_MS % 3_600_000), "12m")


def test_a_larger_bar_is_made_of_what_is_there_and_the_gap_stays_reported():
    some = frame(20)[[*range(1, 5), *range(8, 20)]]
    found = read(some, "1m", "3m")
    three = found.larger[0]
    assert (found.gaps, len(found.gaps), found.gaps[0].missing) == (three.gaps, 1, 3)
    # The minutes are 22:16 to 22:19 and 22:23 to 22:34: the bar of 22:15 has no beginning, that of 22:33 no end.
    opens = [str(one)[11:16] for one in three.frame["date"]]
    assert opens == ["22:18", "22:21", "22:24", "22:27", "22:30"]
    assert three.rows["volume_lots"].tolist() == [13 + 14, 18, 19 + 20 + 21, 22 + 23 + 24, 25 + 26 + 27]
    assert sum("left out" in note for note in three.notes) == 2


def test_a_first_larger_bar_that_the_data_begin_inside_is_left_out():
    at = iso_ns("2024-01-01 00:10") // 1_000_000
    some = frame(130).with_columns(pl.Series("date", at + np.arange(130) * MINUTE_MS))
    hour = read(some, "1m", "1h").larger[0]
    assert hour.rows["open_ns"].tolist() == [iso_ns("2024-01-01 01:00")]
    assert any("begin inside it" in note for note in hour.notes)
    with pytest.raises(Misuse, match="hold no whole bar of 1d"):
        read(some, "1m", "1d")


def test_months_are_gathered_by_the_calendar():
    days = pl.datetime_range(date(2023, 12, 30), date(2024, 4, 1), "1d", eager=True).cast(pl.Datetime("ms", "UTC"))
    some = frame(len(days)).with_columns(date=days)
    found = read(some, "1d", "1w", "1M", "3M")
    week, month, quarter = found.larger
    assert [str(one)[:10] for one in month.frame["date"]] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert [str(one)[:10] for one in quarter.frame["date"]] == ["2024-01-01"]
    assert str(week.frame["date"][0])[:10] == "2024-01-01"
    assert month.frame_ns == 0
    assert (month.rows["close_ns"] - month.rows["open_ns"] == np.array([31, 29, 31]) * 86_400 * 10**9).all()
    assert month.resample("3M").rows.tobytes() == quarter.rows.tobytes()


@pytest.mark.golden("B03")
def test_a_span_is_half_open(folder):
    bars = read(folder / "LTC_BTC-5m.feather", "5m", "1h", symbol=None)
    found = bars.between("20180111-20180112")
    assert (found.start_ns, found.end_ns) == (iso_ns("2018-01-11"), iso_ns("2018-01-12"))
    assert (len(found), len(found.larger[0])) == (288, 24)
    assert found.between("2018-01-11T12:00:00Z", "2018-01-11T12:05:00Z").start_ns == iso_ns("2018-01-11 12:00")
    assert len(bars.between(end=bars.rows["open_ns"][7])) == 7
    assert bars.between(0.0, 1.0).hash == bars.hash
    assert bars.at(None) == bars.end_ns
    with pytest.raises(Misuse, match="no bar of LTC/BTC 5m opens between"):
        bars.between("20190111-20190112")
    with pytest.raises(Misuse, match="is empty"):
        bars.between("2018-01-12", "2018-01-11")


def test_an_open_bar_is_left_out_and_named():
    far = frame(3).with_columns(pl.Series("date", [START_MS, START_MS + MINUTE_MS, 7 * 10**12 // MINUTE_MS * MINUTE_MS]))
    found = read(far)
    assert len(found) == 2
    assert "it is not closed yet" in found.notes[0]


@pytest.mark.parametrize("ending", ["feather", "parquet", "json", "json.gz", "csv", "csv.gz"])
def test_a_file_of_freqtrades_tree_is_read_in_place(tmp_path, ending):
    folder = tmp_path / "kraken"
    folder.mkdir()
    path = folder / f"XRP_ETH-1m.{ending}"
    rows = [list(row) for row in frame().iter_rows()]
    match ending:
        case "feather":
            frame().with_columns(pl.from_epoch("date", time_unit="ms").dt.replace_time_zone("UTC")).write_ipc(path)
        case "parquet":
            frame().write_parquet(path)
        case "json":
            path.write_text(json.dumps(rows))
        case "json.gz":
            path.write_bytes(gzip.compress(json.dumps(rows).encode()))
        case "csv":
            frame().write_csv(path)
        case "csv.gz":
            path.write_bytes(gzip.compress(frame().write_csv().encode()))
    found = read(path, symbol=None)
    assert (found.venue, found.symbol) == ("kraken", SYMBOL)
    assert found.rows.tobytes() == read(frame()).rows.tobytes()
    assert read(folder).hash == found.hash
    assert read(tmp_path, venue="kraken").hash == found.hash
    assert len(read(folder, "3m")) == 2
    with pytest.raises(Misuse, match="no file of this symbol"):
        read(folder, symbol="BTC/ETH")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "XRP_ETH-1m.feather").write_bytes(b"no")
    (tmp_path / "XRP_ETH-5m.json").write_text("{")
    (tmp_path / "a.txt").write_text("")
    for name, says in [
        ("XRP_ETH-1m.feather", "cannot be read"),
        ("XRP_ETH-5m.json", "cannot be read"),
        ("a.txt", "no format"),
        ("b.csv", "no file"),
    ]:
        with pytest.raises(Misuse, match=says):
            read(tmp_path / name)
    frame().write_csv(tmp_path / "mine.csv")
    with pytest.raises(Misuse, match=r"the name of mine\.csv does not say which symbol"):
        read(tmp_path / "mine.csv", symbol=None)
    with pytest.raises(Misuse, match="'XRPETH' is no symbol"):
        read(tmp_path / "mine.csv", symbol="XRPETH")


def test_a_row_of_a_csv_file_is_counted_as_an_editor_counts(tmp_path):
    replaced("open", 2, -1.0).write_csv(tmp_path / "a.csv")
    with pytest.raises(Misuse, match=r"a\.csv, row 4, "):
        read(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("date,open,high,low,close,volume\n1700000040,1,2,1,1,x\n")
    with pytest.raises(Misuse, match=r"b\.csv, row 2: volume is 'x'"):
        read(tmp_path / "b.csv")


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000, 1_000_000_000])
def test_epochs_are_read_in_their_unit(unit):
    scaled = frame().with_columns((pl.col("date") // 1000) * unit)
    assert read(scaled).rows.tobytes() == read(frame()).rows.tobytes()


def test_a_naive_time_is_read_from_text_only_and_said(tmp_path):
    zoned = frame().with_columns(pl.from_epoch("date", time_unit="ms").dt.replace_time_zone("UTC"))
    naive = zoned.with_columns(pl.col("date").dt.replace_time_zone(None))
    assert read(zoned).hash == read(frame()).hash
    with pytest.raises(Misuse, match="have no zone"):
        read(naive)
    assert read(naive, utc=True).hash == read(frame()).hash
    text = naive.with_columns(pl.col("date").dt.to_string("%Y-%m-%d %H:%M:%S"))
    found = read(text)
    assert found.rows.tobytes() == read(frame()).rows.tobytes()
    assert "carry no zone and are read as UTC" in found.notes[0]
    with pytest.raises(Misuse, match=r"row 0: the time '2023-.*' has no zone"):
        read(text, utc=False)
    east = zoned.with_columns(pl.col("date").dt.convert_time_zone("Asia/Tokyo").dt.to_string("%+"))
    assert read(east, utc=False).rows.tobytes() == found.rows.tobytes()
    with pytest.raises(Misuse, match="row 1: 'soon' is no time"):
        read(text.with_columns(pl.Series("date", [*text["date"][:1], "soon", *text["date"][2:]])))


def test_a_pandas_frame_is_read_like_a_polars_one():
    pandas = pytest.importorskip("pandas")
    zoned = frame().with_columns(pl.from_epoch("date", time_unit="ms").dt.replace_time_zone("UTC"))
    table = pandas.DataFrame({name: zoned[name].to_list() for name in zoned.columns})
    assert read(table).hash == read(zoned).hash
    assert read(table.set_index("date")).hash == read(zoned).hash
    with pytest.raises(Misuse, match="have no zone"):
        read(table.assign(date=table["date"].dt.tz_localize(None)))


def test_tick_and_lot_are_inferred_or_given():
    found = read(frame())
    assert (str(found.instrument.tick), str(found.instrument.lot)) == ("0.01", "1")
    given = read(frame(), grid=Grid(given_decimal("0.25", "tick"), given_decimal(4, "lot")))
    assert given.rows["open_ticks"].tolist() == [6, 7, 8, 9, 10, 11]
    # Volume off the lot is the nearest lot; the source's own figure is kept.
    assert given.rows["volume_lots"].tolist() == [2, 3, 3, 3, 4, 4]
    assert given.volume.tolist() == frame()["volume"].to_list()
    with pytest.raises(Misuse, match=r"row 0, .*: open 1\.5 is off the tick 0\.2 \(5 such rows\)"):
        read(frame(), grid=Grid(given_decimal("0.2", "tick")))
    for bad in ("0", "-1", "abc", "nan"):
        with pytest.raises(Misuse, match="is no positive decimal"):
            given_decimal(bad, "tick")


def test_a_lot_too_fine_for_the_money_is_coarsened_and_said(folder):
    found = read(folder / "ADA_BTC-5m.feather", "5m", symbol=None)
    one = found.instrument
    assert str(one.lot) == "0.01"
    assert one.price_ticks_max * one.qty_lots_max < 2**63
    assert any("orders are in lots of 0.01" in note for note in found.notes)
    with pytest.raises(Misuse, match="more than 12 decimals"):
        read(frame().with_columns(pl.col("open") / 3, pl.col("low") / 4))


def test_what_was_bought_is_read_where_the_source_has_it():
    found = read(frame().with_columns(taker_buy_volume=pl.col("volume") / 2))
    assert found.view["buy_volume"].tolist() == [5.0, 5.5, 6.0, 6.5, 7.0, 7.5]
    assert read(frame(), "3m").rows["buy_lots"].tolist() == [-1, -1]
    with pytest.raises(Misuse, match=r"buy_volume .* is not from 0 to the volume"):
        read(frame().with_columns(taker_buy_volume=pl.col("volume") * 2))


def test_equal_data_have_equal_hashes_and_other_data_others():
    found = read(frame())
    assert found.hash == read(frame()).hash == read(found).hash
    assert len(found.hash) == 64
    others = [read(frame(7)), read(replaced("volume", 1, 11.5)), read(frame(), symbol="XRP/BTC"), read(frame(), venue="okx")]
    rates = np.array([(START_MS * 1_000_000, 10**8, 0)], FUNDING_RATE)
    others.append(found.with_funding(rates))
    assert len({found.hash, *(one.hash for one in others)}) == 6
    assert found.with_larger("3m").hash == found.hash


def test_bars_cannot_be_written_to():
    found = read(frame())
    for array in (found.rows, found.volume, found.view):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_what_is_no_bars_is_refused():
    one = read(frame()).instrument
    with pytest.raises(Misuse, match="no complete bar"):
        Bars(one, "1m", 60 * 10**9, np.zeros(0, BAR), np.zeros(0), "nothing")
    with pytest.raises(Misuse, match="are no bars"):
        Bars(one, "1m", 60 * 10**9, np.zeros(3, BAR), np.zeros(2), "nothing")
    with pytest.raises(Misuse, match="int is no source of bars"):
        read(5)
    with pytest.raises(Misuse, match="a frame does not say which symbol"):
        read(frame(), symbol=None)


def test_a_figure_of_another_kind_far_down_a_csv_file_is_read_or_named(tmp_path):
    volume = [10.0] * 3000
    frame(3000, volume=volume).with_columns(pl.col("volume").cast(pl.Int64)).write_csv(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text().splitlines()
    text[2500] = text[2500].removesuffix("10") + "10.5"
    (tmp_path / "a.csv").write_text("\n".join(text))
    assert read(tmp_path / "a.csv").volume[2499] == 10.5
    text[2600] = text[2600].removesuffix("10") + "ten"
    (tmp_path / "a.csv").write_text("\n".join(text))
    with pytest.raises(Misuse, match=r"a\.csv, row 2601: volume is 'ten'"):
        read(tmp_path / "a.csv")
