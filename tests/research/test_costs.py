"""The bill of real runs: it adds up on the engine's own records, for makers and takers."""

import pytest

import b25
from b25.research.costs import costs_of
from strategies.market_maker import MarketMaker
from strategies.scalper import Scalper

MINUTES = 6


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return b25.sample(minutes=MINUTES, catalog=tmp_path_factory.mktemp("sample"))


@pytest.mark.parametrize("cls", [MarketMaker, Scalper])
@pytest.mark.parametrize("fills", ["partial", "whole"])
def test_gross_at_arrival_less_costs_is_the_net_profit_of_the_engine(data, cls, fills):
    result = b25.backtest(cls, data, fills=fills)
    report = costs_of(result)
    found = report.summary
    assert result.outcome.fills.size > 3
    assert found["unexplained"] == pytest.approx(0.0, abs=1e-8)
    parts = found["slippage_delay"] + found["slippage_spread"] + found["slippage_impact"]
    assert parts == pytest.approx(found["slippage"], abs=1e-8)
    assert report.orders["slippage"].sum() == pytest.approx(found["slippage"], abs=1e-8)
    assert report.orders.height == result.orders.height
    assert report.orders["filled"].sum() == pytest.approx(result.fills["quantity"].sum())
    assert report.orders["fees"].sum() == pytest.approx(found["fees"])


def test_a_taker_pays_the_spread_and_a_maker_earns_it(data):
    taker, maker = (costs_of(b25.backtest(cls, data)).summary for cls in (Scalper, MarketMaker))
    assert taker["slippage_spread"] > 0 > maker["slippage_spread"]
    assert (taker["maker_share"], maker["maker_share"]) == (0, 1)
    assert taker["slippage_impact"] >= 0
    # What a request meets under way can be split off as long as the latency is the same for all.
    assert taker["slippage_latency"] == pytest.approx(taker["slippage_delay"])


def test_a_latency_that_is_drawn_leaves_the_way_to_the_venue_unknown(data):
    report = costs_of(b25.backtest(Scalper, data, latency=b25.LognormalLatency()))
    assert "first trade" in report.metrics["slippage_latency"].reason
    assert report.metrics["unexplained"].value == pytest.approx(0.0, abs=1e-8)
