"""The bill of real runs: it adds up on the engine's own records, for makers and takers."""

import pytest

import b25
from b25.research.costs import costs_of
from strategies.market_maker import MarketMaker
from strategies.scalper import Scalper
from tests.research.markets import wandering

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


class Cross(b25.Strategy):
    """In the market most of the time, on either side, with a limit order now and then."""

    slow: b25.Sma = b25.sma(50)
    quick: b25.Sma = b25.sma(10)

    def on_bar(self, ctx):
        close = ctx.bar().close
        quick, slow = self.quick.update(close), self.slow.update(close)
        if quick > slow and ctx.position() <= 0:
            ctx.target(1.0)
        elif quick < slow and ctx.position() >= 0:
            ctx.target(-1.0)
        elif ctx.working(b25.BUY) == 0:
            ctx.buy(0.1, ctx.floor_price(close * 0.995))


@pytest.mark.parametrize(
    ("fills", "account"),
    [
        (b25.BarFills(), b25.Account(leverage=3)),
        (b25.BarFills(slippage_bps=3.0), b25.Account(leverage=3)),
        (b25.BarFills(slippage_bps=3.0, impact_bps=20.0, participation=0.02), b25.Account(leverage=3)),
        (b25.BarFills(price="close"), b25.Account(leverage=20, margin="isolated")),
    ],
)
def test_on_bars_the_bill_adds_up_too(fills, account):
    result = b25.backtest(Cross, wandering(), bar_fills=fills, account=account)
    report = costs_of(result)
    found = report.summary
    assert result.outcome.fills.size > 50
    assert found["unexplained"] == pytest.approx(0.0, abs=1e-8)
    parts = found["slippage_delay"] + found["slippage_spread"] + found["slippage_impact"]
    assert parts == pytest.approx(found["slippage"], abs=1e-8)
    assert report.orders["slippage"].sum() == pytest.approx(found["slippage"], abs=1e-8)
    assert found["slippage_impact"] == pytest.approx(0.0) if not fills.impact_bps else found["slippage_impact"] > 0
    assert (found["slippage_spread"] > 0.1) == bool(fills.slippage_bps)
    assert found["markout_1s"] is None
    assert found["markout_5bar"] is not None
    assert found["participation"] > 0


def test_a_market_order_that_fills_at_the_next_open_pays_the_gap_to_it_as_delay():
    report = costs_of(b25.backtest(Cross, wandering()))
    market = report.orders.filter(report.orders["maker_share"] == 0.0)
    assert market["delay"].sum() == pytest.approx(market["latency"].sum())
    assert market["spread"].abs().max() < 1e-9
