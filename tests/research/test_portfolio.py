"""Portfolios: returns on one clock without inventing any, and quantities that a venue can take."""

import numpy as np
import polars as pl
import pytest

from b25.model.errors import Misuse
from b25.research.bars import bars as open_bars
from b25.research.portfolio import inverse_volatility, returns_frame, target_quantities
from tests.research.walks import walk_bars, walk_frame


def test_returns_are_from_close_to_close_at_the_time_they_are_known():
    a, b = walk_bars(50, seed=1), walk_bars(50, seed=2, symbol="BBB/USDT")
    found = returns_frame([a, b])
    assert found.columns == ["close", "AAA/USDT", "BBB/USDT"]
    assert found["close"].cast(pl.Int64).to_list() == a.rows["close_ns"].tolist()
    close = b.view["close"]
    assert found["BBB/USDT"][0] is None
    assert found["BBB/USDT"][7] == pytest.approx(close[7] / close[6] - 1)


def test_nothing_is_carried_over_a_gap():
    whole = walk_frame(20, seed=1)
    holed = open_bars("1h", source=pl.concat([whole[:8], whole[11:]]), symbol="BBB/USDT", tick="0.01", lot="0.001")
    found = returns_frame([walk_bars(20, seed=1), holed])
    unknown = [row for row, value in enumerate(found["BBB/USDT"]) if value is None]
    assert unknown == [0, 8, 9, 10, 11]
    assert found["AAA/USDT"].null_count() == 1


def test_instruments_of_different_spans_share_the_clock():
    long, short = walk_bars(30, seed=1), walk_bars(30, seed=2, symbol="BBB/USDT")
    found = returns_frame([long, short.between(start=int(short.rows["open_ns"][10]))])
    assert found.height == 30
    assert found["BBB/USDT"].null_count() == 11


def test_weights_become_whole_lots_towards_zero():
    found = target_quantities([0.5, -0.25, 0.0], 10_000, [100.0, 3.0, 7.0], lots=[0.1, 1.0, 1.0])
    assert found.tolist() == [50.0, -833.0, 0.0]
    assert target_quantities([0.3], 1.0, [1.0], lots=[0.1])[0] == pytest.approx(0.3)
    assert np.isnan(target_quantities([0.5, np.nan], 100.0, [1.0, 1.0])[1])


def test_the_calmer_instrument_gets_the_larger_weight():
    rng = np.random.default_rng(1)
    returns = rng.normal(0, [0.01, 0.02, 0.04], (500, 3))
    returns[3, 1] = np.nan
    found = inverse_volatility(returns)
    deviations = [np.std(column[~np.isnan(column)], ddof=1) for column in returns.T]
    assert found == pytest.approx((1 / np.array(deviations)) / np.sum(1 / np.array(deviations)))
    assert inverse_volatility(np.zeros((5, 2))).tolist() == [0.0, 0.0]
    assert inverse_volatility(np.column_stack([np.arange(5.0), np.full(5, np.nan)])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda a: returns_frame([]), "returns of no bars"),
        (lambda a: returns_frame([a, a]), "AAA/USDT binance is given twice"),
        (lambda a: returns_frame([a, walk_bars(50, symbol="BBB/USDT").resample("4h")]), "returns of bars of 1h, 4h"),
        (lambda a: target_quantities([0.5], 1.0, [1.0, 2.0]), "1 weights for 2 prices"),
        (lambda a: target_quantities([0.5], np.nan, [1.0]), "an equity of nan"),
        (lambda a: target_quantities([0.5, 0.5], 1.0, [1.0, 0.0]), "price 1 is 0"),
        (lambda a: target_quantities([0.5], 1.0, [1.0], lots=[0.0]), "lots"),
    ],
)
def test_what_is_no_portfolio_is_refused(call, says):
    with pytest.raises(Misuse, match=says):
        call(walk_bars(50))
