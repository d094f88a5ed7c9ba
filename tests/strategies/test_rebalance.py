"""Equal shares of the risk: the weights are what the returns say, and positions are brought to them."""

import numpy as np
import pytest

import b25
from b25.research.portfolio import inverse_volatility, returns_frame
from strategies.rebalance import Rebalance
from tests.research.walks import walk_bars

FREE = b25.Fees(maker=0.0, taker=0.0)


@pytest.fixture(scope="module")
def three():
    return [
        walk_bars(400, seed=seed, symbol=f"{name}/USDT", momentum=lean)
        for seed, name, lean in ((1, "A", 0), (2, "B", 0.5), (3, "C", 0.8))
    ]


def test_both_lives_do_the_same_to_the_byte(three):
    fast, slow = (b25.backtest(Rebalance, three, compiled=way) for way in (True, False))
    assert fast.made.compiled
    assert fast.hash == slow.hash
    assert fast.outcome.fills.size > 20


def test_the_first_purchase_is_each_ones_share_of_the_risk(three):
    result = b25.backtest(Rebalance, three, fees=FREE, lookback=72, period=80, band=0.0)
    # The 80th bar is the first whose number the period divides; its last 72 returns are known then.
    returns = returns_frame(three).drop("close").to_numpy()[80 - 72 : 80]
    first = result.fills.head(3)
    assert set(first["symbol"]) == {"A/USDT", "B/USDT", "C/USDT"}
    weights = 0.95 * inverse_volatility(returns)
    for i, bars in enumerate(three):
        (quantity,) = first.filter(first["symbol"] == bars.symbol)["quantity"]
        wanted = weights[i] * 10_000 / bars.view["close"][79]
        assert quantity == pytest.approx(wanted, abs=float(bars.instrument.lot))


def test_after_each_rebalance_positions_stand_at_their_weights(three):
    result = b25.backtest(Rebalance, three, fees=FREE, lookback=24, period=30, band=0.0)
    returns = returns_frame(three).drop("close").to_numpy()
    equity = dict(zip(result.curve.time_ns.tolist(), result.curve.equity.tolist(), strict=True))
    fills = result.fills
    for bar in (60, 180, 390):
        close_ns = int(three[0].rows["close_ns"][bar - 1])
        weights = 0.95 * inverse_volatility(returns[bar - 24 : bar])
        for i, bars in enumerate(three):
            mine = fills.filter((fills["symbol"] == bars.symbol) & (fills["venue_ns"] <= close_ns))
            held = float((mine["quantity"] * mine["side"]).sum())
            wanted = weights[i] * equity[close_ns] / bars.view["close"][bar - 1]
            assert held == pytest.approx(wanted, abs=1.5 * float(bars.instrument.lot))


def test_the_band_saves_small_trades(three):
    often, seldom = (b25.backtest(Rebalance, three, band=band) for band in (0.0, 0.05))
    assert 0 < seldom.outcome.fills.size < often.outcome.fills.size / 2


def test_an_instrument_without_a_price_yet_gets_nothing(three):
    late = three[2].between(start=int(three[2].rows["open_ns"][200]))
    result = b25.backtest(Rebalance, [three[0], three[1], late], lookback=24, period=24)
    opened = result.fills.filter(result.fills["symbol"] == "C/USDT")["venue_ns"]
    assert opened.min() >= late.rows["open_ns"][25]
    assert np.isfinite(result.curve.equity).all()
