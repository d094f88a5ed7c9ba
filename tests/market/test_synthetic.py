"""The sample looks like a market, fact by fact; and it is one sample, wherever and however often it is built."""

import hashlib
import json

import numba
import numpy as np
import pytest

from b25.market.bridge import bridge
from b25.market.catalog import Catalog
from b25.market.synthetic import GENERATOR_VERSION, build_sample, generate, open_market
from b25.model.errors import Misuse
from b25.model.event import TRADE
from tests.market.facts import (
    SECOND_NS,
    autocorrelation,
    excess_kurtosis,
    orders_of,
    per_second,
    quotes_of,
    returns_of,
)

# Of generate(25, 5.0, warm_up_s=1.0): who changes the bytes raises the version.
DIGESTS = {1: "9699bcbc134be947a0401f5753efda96eef1ccac3e644e07cf27ce939a0d2155"}

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="half an hour takes minutes without the JIT")


@pytest.fixture(scope="module")
def rows():
    return generate(25, 1_800.0)[1]


@pytest.fixture(scope="module")
def quotes(rows):
    return quotes_of(rows)


@pytest.fixture(scope="module")
def returns(quotes):
    return returns_of(quotes)


@compiled
def test_the_touch_is_a_few_ticks_wide_and_never_crossed(quotes):
    spread = quotes.spread_ticks
    assert spread.min() >= 1
    assert 1 <= np.median(spread) <= 4
    assert np.percentile(spread, 99) < 30


@compiled
def test_returns_have_fat_tails_that_thin_out_with_time(quotes, returns):
    assert 3.0 < excess_kurtosis(returns) < 100.0
    assert excess_kurtosis(returns_of(quotes, 60 * SECOND_NS)) < excess_kurtosis(returns)
    assert 0.1 < returns.std() * np.sqrt(365 * 86_400) < 1.0  # a year's volatility of a major coin


@compiled
def test_returns_cannot_be_told_from_the_last_ones(quotes, returns):
    assert abs(autocorrelation(returns, 1)) < 0.2
    assert max(abs(autocorrelation(returns, lag)) for lag in range(2, 31)) < 0.12
    assert abs(np.mean([autocorrelation(returns, lag) for lag in range(2, 31)])) < 0.02
    slow = returns_of(quotes, 30 * SECOND_NS).var() / (30 * returns.var())
    assert 0.4 < slow < 1.6  # neither a trend nor a spring


@compiled
def test_volatility_comes_in_clusters(returns):
    size = np.abs(returns)
    assert autocorrelation(size, 1) > 0.12
    assert np.mean([autocorrelation(size, lag) for lag in range(1, 11)]) > 0.07
    assert np.mean([autocorrelation(size, lag) for lag in range(11, 61)]) > 0.02


@compiled
def test_the_side_of_orders_has_a_long_memory(rows):
    _, side, _ = orders_of(rows)
    assert autocorrelation(side, 1) > 0.08
    assert np.mean([autocorrelation(side, lag) for lag in range(10, 31)]) > 0.02
    assert np.mean([autocorrelation(side, lag) for lag in range(31, 101)]) > 0.005


@compiled
def test_sizes_have_heavy_tails_and_orders_come_in_waves(rows):
    time_ns, _, lots = orders_of(rows)
    assert np.percentile(lots, 99) > 30 * np.median(lots)
    assert np.percentile(lots, 99.9) > 4 * np.percentile(lots, 99)
    counts = np.histogram(time_ns, np.arange(time_ns[0], time_ns[-1], SECOND_NS))[0]
    assert counts.var() > 3 * counts.mean()  # a Poisson stream has 1
    assert autocorrelation(counts, 1) > 0.1


@compiled
def test_volume_goes_with_volatility_and_pressure_with_the_price(rows, quotes, returns):
    prints, pressure = per_second(rows, quotes)
    assert np.corrcoef(prints, np.abs(returns))[0, 1] > 0.25
    assert np.corrcoef(pressure, returns)[0, 1] > 0.3


@compiled
def test_the_thicker_queue_shows_where_the_mid_goes_next(quotes):
    lean = (quotes.bid_lots - quotes.ask_lots) / (quotes.bid_lots + quotes.ask_lots)
    mid = quotes.mid_ticks
    assert np.corrcoef(lean[:-1], np.diff(mid))[0, 1] > 0.1
    assert np.corrcoef(lean[:-10], mid[10:] - mid[:-10])[0, 1] > 0.05


@compiled
def test_depth_rises_behind_the_touch_and_fades_far_out(quotes):
    profile = quotes.profile_lots
    assert profile[0] > profile[1:10].mean()  # queues gather at the touch itself
    valley, hump, far = profile[20:80].mean(), profile[150:450].mean(), profile[1_000:3_000].mean()
    assert valley < hump
    assert far < 0.25 * hump


@compiled
def test_resting_at_the_touch_is_no_gift_and_no_ruin(rows, quotes):
    time_ns, side, _ = orders_of(rows)
    trades = rows[rows["kind"] == TRADE]
    price = trades["price_ticks"][np.searchsorted(trades["exch_ns"], time_ns)]
    inside = (time_ns > quotes.time_ns[0]) & (time_ns < quotes.time_ns[-1] - SECOND_NS)
    time_ns, side, price = time_ns[inside], side[inside], price[inside]
    before, after = quotes.mid_at(time_ns - 1), quotes.mid_at(time_ns + SECOND_NS)
    assert np.mean(-side * (after - before)) < -0.5  # picked off: the mid goes on against who was filled
    assert -10.0 < np.mean(-side * (after - price)) < 2.0  # what the spread leaves of it


@compiled
def test_the_snapshot_bridges_to_the_diffs_by_the_rule_of_futures(rows):
    bridged = bridge(rows, "binanceusdm")
    assert bridged.in_sync
    assert (bridged.gaps.size, bridged.unbridged, bridged.dropped, bridged.stale, bridged.repeated_trades) == (0, 0, 0, 0, 0)
    assert bridged.rows.size == rows.size


@compiled
def test_the_sample_is_built_once_and_replaced_by_another_recipe(tmp_path):
    path = build_sample(tmp_path, minutes=1)
    manifest = json.loads(path.read_text())
    assert manifest["sources"][0]["name"] == f"simulated, seed 25, generator version {GENERATOR_VERSION}, 1 min"
    loaded = Catalog(tmp_path).load("sim", "BTC/USDT:USDT")
    instrument, rows = generate(25, 60)
    assert loaded.instrument == instrument
    assert loaded.rows.tobytes() == rows.tobytes()
    written = path.stat().st_mtime_ns
    assert build_sample(tmp_path, minutes=1) == path
    assert path.stat().st_mtime_ns == written
    build_sample(tmp_path, minutes=1, seed=26)
    (source,) = json.loads(path.read_text())["sources"]
    assert "seed 26" in source["name"]
    assert Catalog(tmp_path).check() == []


def test_the_version_stands_for_the_bytes():
    rows = generate(25, 5.0, warm_up_s=1.0)[1]
    assert hashlib.sha256(rows.tobytes()).hexdigest() == DIGESTS[GENERATOR_VERSION]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fair": 1.0}, "no parameter fair"),
        ({"take_feedback": 1.0}, "take_feedback is 1.0"),
        ({"fair_ticks": float("nan")}, "fair_ticks is nan"),
        ({"publish_ns_min": 7e7}, "publish_ns_max is"),
        ({"price_ticks": 10.0}, "price_ticks is 10.0"),
    ],
)
def test_a_market_that_cannot_be_is_refused(changes, says):
    with pytest.raises(Misuse, match=says):
        open_market(1, **changes)


def test_a_sample_of_no_length_is_refused(tmp_path):
    with pytest.raises(Misuse, match="0 minutes"):
        build_sample(tmp_path, minutes=0)
