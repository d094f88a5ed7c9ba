"""Skfolio's weights inside a strategy: they are those of the optimiser on the same returns, and positions follow."""

import numpy as np
import pytest
import skfolio.optimization

import b25
from b25.research.portfolio import returns_frame
from strategies.skfolio_weights import SkfolioWeights
from tests.research.walks import walk_bars


@pytest.fixture(scope="module")
def three():
    return [
        walk_bars(260, seed=seed, symbol=f"{name}/USDT", momentum=lean)
        for seed, name, lean in ((1, "A", 0), (2, "B", 0.3), (3, "C", 0.6))
    ]


@pytest.fixture(scope="module")
def result(three):
    return b25.backtest(SkfolioWeights, three, fees=b25.Fees(maker=0.0, taker=0.0), lookback=60, period=80)


def test_it_runs_as_plain_python_by_itself(result):
    assert not result.made.compiled
    assert "skfolio_weights.py" in result.made.why_plain


def test_the_weights_are_those_of_the_optimiser_on_the_same_returns(three, result):
    # The second rebalance: the ring of closes has begun anew since the first.
    returns = returns_frame(three).drop("close").to_numpy()[100:160]
    weights = skfolio.optimization.MeanRisk(max_weights=0.6).fit(returns).weights_
    assert np.ptp(weights) > 0.1
    close_ns = int(three[0].rows["close_ns"][159])
    at = int(np.searchsorted(result.curve.time_ns, close_ns))
    fills = result.fills
    for i, bars in enumerate(three):
        mine = fills.filter((fills["symbol"] == bars.symbol) & (fills["venue_ns"] <= close_ns))
        held = float((mine["quantity"] * mine["side"]).sum())
        wanted = weights[i] * 0.95 * result.curve.equity[at] / bars.view["close"][159]
        assert held == pytest.approx(wanted, abs=1.5 * float(bars.instrument.lot))


def test_two_runs_are_equal(three, result):
    again = b25.backtest(SkfolioWeights, three, fees=b25.Fees(maker=0.0, taker=0.0), lookback=60, period=80)
    assert again.hash == result.hash
