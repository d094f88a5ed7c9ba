"""Sample bars: the same bytes everywhere, a fair game without an edge, a trend with one, and clean data."""

import hashlib

import numpy as np
import pytest

import b25
from b25.market.bars import find_gaps
from b25.market.synthetic_bars import GENERATOR_VERSION, make_bars
from b25.market.timeframe import timeframe
from b25.research.data_faults import data_findings
from tests.market.facts import autocorrelation

# Of the rows of make_bars("1h", days=30, seed=25, edge=0.25): who changes the bytes raises the version.
DIGESTS = {1: "cbdd8d4a3a1ac4c16a92b602926793d8ca1ed31f2420404181eaa2f8dc6882fc"}


@pytest.fixture(scope="module")
def fair():
    return make_bars("1h", days=1_460, seed=25)


def returns_of(bars):
    closes = bars.view["close"]
    return closes[1:] / closes[:-1] - 1.0


def test_the_same_seed_gives_the_same_bytes_on_every_machine():
    rows = make_bars("1h", days=30, seed=25, edge=0.25).rows
    assert hashlib.sha256(rows.tobytes()).hexdigest() == DIGESTS[GENERATOR_VERSION]


def test_equal_arguments_are_equal_data_and_others_are_not():
    first = b25.sample(bars="1h", days=20, seed=4)
    assert first.hash == b25.sample(bars="1h", days=20, seed=4, edge=0.0).hash
    others = [b25.sample(bars="1h", days=20, seed=4, edge=0.1), b25.sample(bars="1h", days=20, seed=5)]
    assert len({first.hash, *(other.hash for other in others)}) == 3


def test_a_longer_series_begins_with_the_shorter_one_in_time_only():
    short, long = make_bars("1d", days=10), make_bars("1d", days=20)
    assert short.start_ns == long.start_ns == 1_577_836_800_000_000_000
    assert (len(short), len(long)) == (10, 20)


def test_without_an_edge_a_return_says_nothing_about_the_next_ones(fair):
    returns = returns_of(fair)
    noise = 4 / np.sqrt(returns.size)
    assert max(abs(autocorrelation(returns, lag)) for lag in (1, 2, 3, 6, 12, 24, 120)) < noise
    assert abs(returns.mean()) < 4 * returns.std() / np.sqrt(returns.size)


def test_without_an_edge_a_long_sum_of_returns_is_as_wide_as_chance_makes_it():
    week = []
    for seed in range(8):
        returns = returns_of(make_bars("4h", days=1_400, seed=seed))
        sums = returns[: returns.size // 42 * 42].reshape(-1, 42).sum(axis=1)
        week.append(sums.var() / (42 * returns.var()))
    assert 0.9 < np.mean(week) < 1.1


def test_an_edge_makes_long_sums_wider_and_leaves_the_noise_as_it_was():
    plain, pushed = (returns_of(make_bars("4h", days=1_400, seed=9, edge=edge)) for edge in (0.0, 0.4))
    assert np.corrcoef(plain, pushed)[0, 1] > 0.95
    assert pushed.std() == pytest.approx(plain.std(), rel=0.05)
    days = [r[: r.size // 6 * 6].reshape(-1, 6).sum(axis=1) for r in (plain, pushed)]
    near = [np.mean([autocorrelation(d, lag) for lag in range(1, 6)]) for d in days]
    assert near[1] > near[0] + 0.03


def test_volatility_comes_in_clusters_and_tails_are_fat(fair):
    returns = returns_of(fair)
    size = np.abs(returns)
    assert autocorrelation(size, 1) > 0.08
    assert autocorrelation(size, 24) > 0.03
    assert np.mean(returns**4) / np.mean(returns**2) ** 2 > 3.3
    assert 0.4 < returns.std() * np.sqrt(8_760) < 0.8


@pytest.mark.parametrize("frame", ["5m", "1h", "4h", "1d"])
def test_a_day_is_as_volatile_whatever_the_bars_are(frame):
    bars = make_bars(frame, days=300, seed=1)
    daily = returns_of(bars if frame == "1d" else bars.resample("1d"))
    assert 0.02 < daily.std() < 0.04


def test_the_bars_are_clean(fair):
    rows = fair.rows
    assert not data_findings([fair])
    assert find_gaps(rows, timeframe("1h")) == ()
    assert (rows["open_ticks"][1:] == rows["close_ticks"][:-1]).all()
    assert (rows["high_ticks"] >= np.maximum(rows["open_ticks"], rows["close_ticks"])).all()
    assert (rows["low_ticks"] <= np.minimum(rows["open_ticks"], rows["close_ticks"])).all()
    assert (rows["low_ticks"] > 0).all()
    assert (rows["volume_lots"] > 0).all()
    assert ((rows["buy_lots"] >= 0) & (rows["buy_lots"] <= rows["volume_lots"])).all()
    assert b25.bars("1h", "1d", source=fair).larger[0].timeframe == "1d"  # and the door takes them


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ({"bars": "1w"}, "sample bars of 1w"),
        ({"bars": "7q"}, "unknown"),
        ({"bars": "1h", "days": 0}, "days=0"),
        ({"bars": "1h", "days": 1.5}, "days=1.5"),
        ({"bars": "1h", "edge": 2}, "edge=2"),
        ({"bars": "1h", "edge": float("nan")}, "edge=nan"),
        ({"bars": "1h", "seed": -1}, "seed=-1"),
        ({"bars": "1s", "days": 3_000}, "bars, more than"),
        ({"bars": "1h", "minutes": 5}, "neither minutes"),
        ({"days": 5}, "of a sample of bars"),
        ({"minutes": 5, "edge": 0.1}, "of a sample of bars"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_name(words, what):
    with pytest.raises(b25.Misuse, match=what):
        b25.sample(**words)
