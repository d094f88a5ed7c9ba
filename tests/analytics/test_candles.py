"""Merged candles lose no price and no volume; bars that are not in order are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.candles import Candles, by_name
from b25.model.bar import BAR_VIEW
from b25.model.errors import Misuse
from tests.analytics.curves import NOON, SECOND


def candles(size: int, seed: int = 1) -> Candles:
    rng = np.random.default_rng(seed)
    close = 100 + np.cumsum(rng.normal(0, 1, size))
    opened = np.concatenate(([100.0], close[:-1]))[:size]
    times = NOON + np.arange(size) * 60 * SECOND
    return Candles(
        open_ns=times, close_ns=times + 60 * SECOND, open=opened, high=np.maximum(opened, close) + 0.5,
        low=np.minimum(opened, close) - 0.5, close=close, volume=rng.gamma(1, 5, size),
    )  # fmt: skip


@given(st.integers(1, 300), st.integers(1, 40))
def test_merged_candles_keep_ends_extremes_and_volume(size: int, count: int):
    all_bars = candles(size)
    few, each = all_bars.merged(count)
    assert few.size <= count
    assert few.size == -(-size // each)
    assert (few.open[0], few.close[-1]) == (all_bars.open[0], all_bars.close[-1])
    assert (few.high.max(), few.low.min()) == (all_bars.high.max(), all_bars.low.min())
    assert few.volume.sum() == pytest.approx(all_bars.volume.sum())
    assert (few.open_ns[0], few.close_ns[-1]) == (all_bars.open_ns[0], all_bars.close_ns[-1])


def test_a_bar_that_is_not_a_number_is_left_out():
    bars = candles(3)
    low = bars.low.copy()
    low[1] = np.nan
    kept = Candles(open_ns=bars.open_ns, close_ns=bars.close_ns, open=bars.open, high=bars.high, low=low, close=bars.close)
    assert kept.open_ns.tolist() == bars.open_ns[[0, 2]].tolist()


def test_what_a_strategy_sees_makes_candles():
    rows = np.zeros(2, BAR_VIEW)
    rows["open_ns"], rows["close_ns"], rows["high"] = [0, 60], [60, 120], [2.0, 3.0]
    made = Candles.of(rows)
    assert made.high.tolist() == [2.0, 3.0]
    assert made.between(60, 120).size == 1
    assert made.between(200, 300).size == 0


def test_bars_of_unequal_length_or_out_of_order_are_refused():
    bars = candles(3)
    prices = {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close}
    with pytest.raises(Misuse, match="arrays of one length"):
        Candles(open_ns=bars.open_ns, close_ns=bars.close_ns[:2], **prices)
    with pytest.raises(Misuse, match="runs backwards at bar 1"):
        Candles(open_ns=bars.open_ns[::-1], close_ns=bars.close_ns, **prices)


def test_candles_are_found_by_the_name_of_their_instrument():
    one = candles(1)
    assert by_name(one, ["A", "B"]) == {"A": one}
    assert by_name([one, one], ["A", "B"]) == {"A": one, "B": one}
    assert by_name({"B": one}, ["A"]) == {"B": one}
    assert by_name(None, ["A"]) == {}
