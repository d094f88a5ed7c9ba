"""Random entries in the same market: a good timer stands above them, a random one among them, and drift earns nothing."""

import numpy as np
import polars as pl
import pytest

from b25.analytics.metrics import trades_of
from b25.analytics.random_entry import _Finder, random_entries, random_entry_metrics
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries

MINUTE = 60 * 10**9
N = 4_000


def market(seed: int, drift: float = 0.0) -> TimeSeries:
    steps = np.random.default_rng(seed).normal(drift, 0.001, N)
    return TimeSeries(np.arange(N) * MINUTE, 100 * np.exp(np.cumsum(steps)))


def trace(mids: TimeSeries, entries: np.ndarray, held: int, *, name: str = "X", side: int = 1, fee: float = 0.0, **more: object):
    rows = np.sort(np.concatenate((entries, entries + held)))
    price = mids.values[rows]
    fills = FillSeries(
        time_ns=mids.time_ns[rows], side=np.tile([side, -side], entries.size), price=price, quantity=np.full(rows.size, 2.0),
        fee=price * 2.0 * fee, lot=0.01, **more,
    )  # fmt: skip
    return InstrumentTrace(name=name, fills=fills, mids=mids)


def test_entries_at_the_lows_are_better_than_random_ones():
    mids = market(1)
    gain = mids.values[10:] / mids.values[:-10]
    best = np.sort(np.argsort(-gain)[::25][:20] // 20 * 20)
    made = trace(mids, np.unique(best), 10, fee=1e-4)
    found = random_entry_metrics(trades_of([made]), [made])
    assert found["random_entry_percentile"].value > 0.99
    assert found["random_entry_p_value"].value < 0.01
    assert found["random_entry_percentile"].note == "1,000 draws, seed 25"


def test_random_entries_are_as_good_as_random_entries():
    p_values = []
    for seed in range(40):
        mids, rng = market(seed), np.random.default_rng(100 + seed)
        made = trace(mids, np.arange(0, N - 100, 100) + rng.integers(0, 80, 39), 15)
        p_values.append(random_entry_metrics(trades_of([made]), [made])["random_entry_p_value"].value)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.15)


def test_riding_a_rising_market_is_no_timing():
    mids = market(7, drift=0.0005)
    made = trace(mids, np.arange(0, N - 300, 300), 200)
    found = random_entry_metrics(trades_of([made]), [made])
    assert trades_of([made])["net"].sum() > 0
    assert 0.02 < found["random_entry_percentile"].value < 0.98
    assert found["random_entry_profit"].value > 0


@pytest.mark.parametrize(("side", "inverse"), [(1, False), (-1, False), (1, True), (-1, True)])
def test_the_draws_have_the_mean_that_counting_every_entry_has(side: int, inverse: bool):
    mids = market(3, drift=0.0003)
    made = trace(mids, np.arange(0, N - 100, 100), 40, side=side, inverse=inverse, fee=0.0)
    trades = trades_of([made])
    found = random_entries(trades, [made], draws=4_000)
    assert found is not None
    worth = -1 / mids.values if inverse else mids.values
    share = (worth[40:] - worth[:-40]) / np.abs(worth[:-40])
    expected = side * float(share[:-1].mean()) * float(trades["entry_value"].sum())
    assert found.profit.mean() == pytest.approx(expected, abs=4 * found.profit.std() / np.sqrt(4_000))


def test_fees_are_those_of_the_copied_trades():
    mids = TimeSeries(np.arange(N) * MINUTE, np.full(N, 100.0))
    made = trace(mids, np.arange(0, 1_000, 100), 10, fee=1e-3)
    found = random_entries(trades_of([made]), [made])
    assert found is not None
    assert found.profit == pytest.approx(np.full(1_000, -10 * 2 * 2 * 100 * 1e-3))
    assert found.percentile == 0.5
    assert found.p_value == 1.0


def test_every_instrument_is_entered_in_its_own_market():
    flat = trace(TimeSeries(np.arange(N) * MINUTE, np.full(N, 50.0)), np.arange(0, 1_000, 100), 10, name="flat")
    wild = trace(market(2), np.arange(0, 1_000, 100), 10, name="wild")
    both = random_entries(trades_of([flat, wild]), [flat, wild], draws=200)
    one = random_entries(trades_of([wild]), [wild], draws=200)
    assert both is not None
    assert one is not None
    assert both.trades == 20
    assert both.profit.std() == pytest.approx(one.profit.std(), rel=0.2)


def test_without_trades_or_mids_the_figures_say_why():
    mids = market(1)
    few = trace(mids, np.array([0, 50]), 10)
    assert "2 closed trades; at least 5" in random_entry_metrics(trades_of([few]), [few])["random_entry_profit"].reason
    some = trace(mids, np.arange(0, 1_000, 100), 10)
    blind = InstrumentTrace(name="X", fills=some.fills)
    assert random_entry_metrics(trades_of([some]), [blind])["random_entry_profit"].reason == "no mid prices"
    assert random_entry_metrics(pl.DataFrame(schema=trades_of([]).schema), [])["random_entry_profit"].value is None


def test_a_row_is_found_as_a_binary_search_finds_it():
    rng = np.random.default_rng(6)
    for times in (np.arange(100) * 7, np.sort(rng.integers(0, 1_000, 300)), np.array([5]), np.array([3, 3, 3, 10**9, 10**9 + 1])):
        asked = rng.integers(times[0], times[-1] + 1, 2_000)
        assert _Finder(times)(asked).tolist() == (np.searchsorted(times, asked, side="right") - 1).tolist()
