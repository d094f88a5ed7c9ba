"""Features: one evaluation for all rows equals one a row, and what looks ahead or back too far is named."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from b25.model.errors import Misuse
from b25.research.bars import bars as open_bars
from b25.research.features import evaluate, frame_of, tail_equals_batch
from b25.strategy.feature import feature


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    n = 600
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    volume = rng.gamma(2.0, 5.0, n)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "date": pl.datetime_range(start, start.replace(year=2026), "1h", time_unit="ns", eager=True).head(n),
            "open": np.roll(close, 1),
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": volume,
            "buy_volume": volume * rng.uniform(0, 1, n),
        }
    )


CLOSE = pl.col("close")
HONEST = {
    "momentum": feature(CLOSE.pct_change(20), lookback=21),
    "deviation": feature((CLOSE - CLOSE.rolling_mean(30)) / CLOSE.rolling_std(30), lookback=30),
    "bought": feature(pl.col("buy_volume") / pl.col("volume"), lookback=1),
    "hour": feature(pl.col("date").dt.hour(), lookback=1),
    "rising": feature(CLOSE.shift(1) < CLOSE, lookback=2),
    "smooth": feature(CLOSE.ewm_mean(span=5, adjust=False), lookback=80),
}


def test_features_equal_their_naive_twins_row_by_row(frame):
    out = evaluate(HONEST, frame)
    assert out.dtype == np.float64
    assert out.shape == (600, 6)
    close = frame["close"].to_list()
    assert np.isnan(out[:20, 0]).all()
    for t in (20, 100, 599):
        assert out[t, 0] == pytest.approx(close[t] / close[t - 20] - 1)
    for t in (29, 300, 599):
        last = close[t - 29 : t + 1]
        assert out[t, 1] == pytest.approx((close[t] - np.mean(last)) / np.std(last, ddof=1))
    assert out[5, 2] == frame["buy_volume"][5] / frame["volume"][5]
    assert out[25, 3] == 1.0
    assert out[7, 4] == float(close[7] > close[6])
    assert np.isnan(out[0, 4])


def test_honest_features_are_left_alone(frame):
    assert tail_equals_batch(HONEST, frame) == []


@pytest.mark.parametrize(
    "expr",
    [
        CLOSE.shift(-1) / CLOSE - 1,
        CLOSE.pct_change(-7),
        (CLOSE - CLOSE.mean()) / CLOSE.std(),
        CLOSE / CLOSE.max(),
        CLOSE.rank(),
        CLOSE.rolling_mean(9, center=True),
        CLOSE.reverse(),
        pl.int_range(pl.len()) / pl.len(),
        pl.when(pl.col("volume") > 5).then(pl.col("volume")).fill_null(strategy="backward"),
        CLOSE.last() - CLOSE,
        CLOSE.interpolate().shift(-50),
        pl.lit(pl.Series(np.arange(600.0))),
    ],
)
def test_look_ahead_is_found_and_names_the_field(frame, expr):
    (found,) = tail_equals_batch({"fair": CLOSE, "planted": expr}, frame, 30)
    assert (found.field, found.fault) == ("planted", "look-ahead")
    assert found.message.startswith("planted: look-ahead: ")


@pytest.mark.parametrize(
    ("expr", "lookback", "needs"),
    [
        (CLOSE.pct_change(20), 20, 21),
        (CLOSE.pct_change(20), 5, 21),
        (CLOSE.rolling_mean(30), 29, 30),
        (CLOSE.rolling_mean(10).rolling_max(10), 18, 19),
        (pl.col("volume").cum_sum(), 30, None),
        (pl.int_range(pl.len()), 30, None),
    ],
)
def test_a_short_lookback_is_found_and_the_sufficient_one_is_proposed(frame, expr, lookback, needs):
    (found,) = tail_equals_batch({"short": feature(expr, lookback=lookback)}, frame)
    assert (found.field, found.fault, found.needs) == ("short", "warm-up", needs)
    assert (f"a lookback of {needs} agrees" if needs else "depends on nearly every row") in str(found)


def test_the_proposed_lookback_of_an_average_without_end_is_enough(frame):
    expr = CLOSE.ewm_mean(span=10, adjust=False)
    (found,) = tail_equals_batch({"ema": expr}, frame, 20)
    assert 60 < found.needs < 150
    assert tail_equals_batch({"ema": expr}, frame, found.needs + 20) == []


def test_chance_without_a_seed_is_found(frame):
    (found,) = tail_equals_batch({"dice": CLOSE.shuffle()}, frame, 5)
    assert found.fault == "not repeatable"


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        (pl.col("clsoe"), "feature x cannot be computed: .*clsoe"),
        (pl.col("date"), "feature x gives Datetime"),
        (pl.col("date").cast(pl.String), "feature x gives String"),
        (pl.col("date").diff(), "feature x gives Duration"),
        (CLOSE / 0, r"feature x is infinite in row 0 \(and 599 more\)"),
        (CLOSE.head(3), "feature x cannot be computed"),
    ],
)
def test_what_is_no_number_a_row_is_refused_by_name(frame, expr, says):
    with pytest.raises(Misuse, match=says):
        evaluate({"fair": CLOSE, "x": expr}, frame)


def test_one_number_for_all_rows_is_repeated(frame):
    assert evaluate({"one": pl.lit(1)}, frame)[:, 0].tolist() == [1.0] * 600


def test_a_lookback_is_asked_for_and_must_fit(frame):
    with pytest.raises(Misuse, match="feature x has no lookback"):
        tail_equals_batch({"x": CLOSE}, frame)
    with pytest.raises(Misuse, match="a lookback of 600 in 600 rows"):
        tail_equals_batch({"x": CLOSE}, frame, 600)


def test_larger_bars_are_seen_when_they_are_complete(frame):
    whole = frame.select("date", *(pl.col(name).round(2) for name in ("open", "high", "low", "close", "volume")))
    whole = whole.with_columns(high=pl.max_horizontal("open", "high", "close"), low=pl.min_horizontal("open", "low", "close"))
    bars = open_bars("1h", "4h", source=whole, symbol="BTC/USDT")
    seen = frame_of(bars)
    close, larger = bars.rows["close_ns"], bars.larger[0]
    for row in (0, 2, 3, 4, 6, 7, 100, 599):
        complete = larger.view[larger.rows["close_ns"] <= close[row]]
        wanted = complete["close"][-1] if complete.size else None
        assert seen["close_4h"][row] == wanted
    assert seen["buy_volume"].is_nan().all()
    trend = {"trend": feature(pl.col("close_4h").pct_change(4), lookback=5)}
    assert evaluate(trend, bars).shape == (600, 1)
    assert tail_equals_batch(trend, bars) == []
