"""Bars from trades: the recorded ones rebuild the venue's own bars, and every fault of a trade is named."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from b25.market.bar_grid import Grid, given_decimal
from b25.market.bar_rule import bar_rule
from b25.market.bar_source import BarRequest, read_bars
from b25.market.timeframe import timeframe
from b25.market.trade_bars import BarBuilder
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

SYMBOL = "XRP/ETH"


@pytest.fixture(scope="session")
def folder(shared):
    return shared / "data" / "bars"


def made(source, *timeframes, **request):
    return read_bars(source, BarRequest(timeframes, **request))


@pytest.mark.golden("B02")
@pytest.mark.parametrize(("name", "count"), [("1m", 2469), ("5m", 706)])
def test_the_recorded_trades_rebuild_the_bar_files_without_any_difference(folder, name, count):
    found = made(folder / "XRP_ETH-trades.parquet", name)
    stored = pl.read_ipc(folder / f"XRP_ETH-{name}.feather")
    assert (len(found), stored.height) == (count, count)
    assert found.frame.columns == stored.columns
    for column in stored.columns:
        assert found.frame[column].to_numpy().tobytes() == stored[column].to_numpy().tobytes(), column


@pytest.mark.golden("B02")
def test_batch_streaming_and_any_split_give_the_same_bars(folder):
    trades = pl.read_parquet(folder / "XRP_ETH-trades.parquet")
    whole = made(folder / "XRP_ETH-trades.parquet", "1m")
    columns = (
        trades["timestamp"].to_numpy() * 1_000_000,
        np.rint(trades["price"].to_numpy() * 1e8).astype(np.int64),
        trades["amount"].to_numpy().astype(np.int64),
        np.where(trades["side"].to_numpy() == "buy", 1, -1).astype(np.int8),
    )
    generator = np.random.default_rng(5)
    for cuts in (range(trades.height), np.sort(generator.integers(0, trades.height, 50)), [], [1, 1, 12_476]):
        builder = BarBuilder(timeframe("1m"), whole.instrument)
        edges = [0, *cuts, trades.height]
        parts = [builder.add(*(column[a:b] for column in columns)) for a, b in pairwise(edges)]
        # The bar in which the trades end is open until its close has passed.
        assert sum(map(len, parts)) == 2468
        assert len(builder.finish(whole.end_ns - 1)) == 0
        rows = np.concatenate([*parts, builder.finish(whole.end_ns)])
        assert rows.tobytes() == whole.rows.tobytes()


def test_larger_bars_of_trades_are_those_of_their_smaller_bars(folder):
    found = made(folder / "XRP_ETH-trades.parquet", "1m", "5m", "1h")
    five = made(folder / "XRP_ETH-trades.parquet", "5m")
    assert found.larger[0].rows.tobytes() == five.rows.tobytes()
    assert found.larger[0].volume.tobytes() == five.volume.tobytes()
    assert any("taken as complete" in note for note in found.notes)


@pytest.mark.golden("T21")
def test_the_bar_that_is_open_now_is_not_delivered():
    now = pl.DataFrame({"timestamp": [10**12, 10**12 + 60_000, 7 * 10**12], "side": "buy", "price": 1.5, "amount": 2.0})
    assert len(made(now, "1m", symbol=SYMBOL)) == 2


@pytest.mark.parametrize(
    ("rule", "sums"),
    [("100 ticks", None), ("1000 volume", 1000), ("2.5 dollar", 2.5), ("20 imbalance", None), ("5000 volume imbalance", None)],
)
def test_information_bars_hold_all_trades_and_reach_their_threshold(folder, rule, sums):
    found = made(folder / "XRP_ETH-trades.parquet", rule, "1h")
    assert found.timeframe == rule
    assert found.frame_ns == 0
    assert found.gaps == ()
    assert np.all(found.rows["open_ns"] < found.rows["close_ns"])
    assert np.all(found.rows["close_ns"][:-1] <= found.rows["open_ns"][1:])
    assert [one.timeframe for one in found.larger] == ["1h"]
    if rule == "1000 volume":
        assert np.all(found.volume >= sums)
    if rule == "2.5 dollar":
        assert np.all(found.volume * found.view["high"] >= sums)
    if rule == "100 ticks":
        assert len(found) == 12_477 // 100


@pytest.mark.parametrize("text", ["0 ticks", "-5 volume", "1.5 ticks", "nan volume", "x dollar"])
def test_a_threshold_that_makes_no_sense_is_refused(text):
    with pytest.raises(Misuse, match="no sensible threshold"):
        bar_rule(text)


def test_a_rule_is_read_and_named_one_way():
    names = [bar_rule(text).name for text in ("100 tick", "5 Volume", "100_000 dollars", "0.50 volume-imbalance")]
    assert names == ["100 ticks", "5 volume", "100000 dollar", "0.5 volume imbalance"]
    assert bar_rule("5m") is None


def test_the_dollars_of_an_inverse_contract_are_its_contracts():
    one = Instrument(venue="binancecoinm", symbol="ETH/USD:ETH", tick="0.01", lot="1", contract_size=Decimal(10), inverse=True)
    assert bar_rule("1000 dollar").threshold(one, Fraction(1)) == (bar_rule("100 volume").threshold(one, Fraction(1)))


def frame(**columns):
    given = {
        "timestamp": [1, 2, 3],
        "id": ["a", "b", "c"],
        "side": ["buy", "sell", "BUY"],
        "price": [1.0] * 3,
        "amount": [2.0] * 3,
    }
    given["timestamp"] = [1_500_000_000_000 + k for k in given["timestamp"]]
    return pl.DataFrame({**given, **columns}, strict=False)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"price": [1.0, float("nan"), 1.0]}, "row 1, .*: price nan is no positive number"),
        ({"amount": [1.0, 0.0, 1.0]}, "row 1, .*: amount 0.0 is no positive number"),
        ({"price": [1.0, 1.0, -1.0]}, "row 2, .*: price -1.0"),
        ({"side": ["buy", None, "sell"]}, "row 1: side is None"),
        ({"side": ["buy", "long", "sell"]}, "row 1: side is 'long'"),
        ({"id": ["a", "b", "a"]}, "row 2, .*: the trade with id a is there twice"),
        ({"timestamp": [1_500_000_000_003, 1_500_000_000_001, 1_500_000_000_002]}, "row 1, .*: the time is earlier"),
    ],
)
def test_a_bad_trade_is_refused_with_its_row(columns, says):
    with pytest.raises(Misuse, match=says):
        made(frame(**columns), "1m", symbol=SYMBOL)


def test_a_side_is_never_guessed_but_read_from_the_maker_flag():
    bare = frame().drop("side")
    with pytest.raises(Misuse, match="has no column side"):
        made(bare, "1m", symbol=SYMBOL)
    found = made(bare.with_columns(is_buyer_maker=pl.Series([True, False, True])), "1m", symbol=SYMBOL)
    assert found.view["buy_volume"].tolist() == [2.0]


def test_ccxt_dicts_are_trades():
    rows = [{**row, "info": {"x": 1}, "symbol": SYMBOL} for row in frame().to_dicts()]
    assert made(rows, "1m", symbol=SYMBOL).hash == made(frame(), "1m", symbol=SYMBOL).hash


def test_bars_cannot_be_made_into_information_bars(folder):
    for source in (folder / "XRP_ETH-1m.feather", made(folder / "XRP_ETH-1m.feather", "1m")):
        with pytest.raises(Misuse, match="made of trades"):
            made(source, "100 ticks")


def test_a_price_off_a_given_tick_is_refused():
    with pytest.raises(Misuse, match=r"row 0, .*: price 1\.0 is off the tick 0.3"):
        made(frame(), "1m", symbol=SYMBOL, grid=Grid(given_decimal("0.3", "tick")))
