"""A queue that is watched moves as the simulated venue moves it: the first lot is filled at the same nanosecond."""

import polars as pl
import pytest

import b25

MODELS = ("risk_adverse", "log_prob_2", "power_prob:2.0", "power_prob_3:3.0")


class JoinEvery(b25.Strategy):
    """Rest one lot at the bid, in turn with the ask; what is not filled within two seconds or so is taken back."""

    side: int = 1

    def on_start(self, ctx):
        ctx.every(2_000_000_000)

    def on_timer(self, ctx):
        ctx.cancel_all()

    def on_book(self, ctx):
        if ctx.ready() and ctx.working(b25.BUY) == 0 and ctx.working(b25.SELL) == 0:
            self.side = -self.side
            ctx.trade(self.side, ctx.lot(), ctx.bid() if self.side == b25.BUY else ctx.ask(), post_only=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return b25.sample(minutes=2, catalog=tmp_path_factory.mktemp("catalog"))


@pytest.mark.parametrize("model", MODELS)
def test_an_order_is_filled_when_the_simulated_venue_fills_it(data, model):
    result = b25.backtest(JoinEvery, data, queue=model, latency=0)
    orders = result.orders.filter(result.orders["state"] == "filled")
    filled_ns = dict(result.fills.select("order_id", "venue_ns").rows())
    assert len(orders) > 50
    for order_id, side, price, joined in orders.select("order_id", "side", "price", pl.col("sent").to_physical()).rows():
        seen = data.queue(joined, side=side, price=price, model=model, seconds=600)
        assert (order_id, seen.filled_ns) == (order_id, filled_ns[order_id])


def test_what_stands_ahead_at_first_is_the_whole_level(data):
    time_ns = data.at(0.5)
    rows = data.tape.venue[data.tape.venue["exch_ns"] <= time_ns]
    level = rows[(rows["side"] == 1) & (rows["price_ticks"] == rows["bid_ticks"][-1]) & (rows["kind"] != 2)]
    seen = data.queue(0.5)
    assert seen.ahead[0] == pytest.approx(level["qty_lots"][-1] * 0.001)
    assert len(seen.frame) == len(seen.ahead)
    assert seen.plot(data.queue(0.5, model="log_prob")).png().startswith(b"\x89PNG")


def test_a_price_that_would_trade_at_once_is_refused(data):
    with pytest.raises(b25.Misuse, match="no place to join"):
        data.queue(0.5, side=b25.BUY, price=data.book(0.5).mid * 1.01)


def test_a_watch_that_ends_before_the_fill_says_so(data):
    seen = data.queue(0.5, seconds=0.0)
    assert seen.filled_ns is None
    assert seen.wait_s == float("inf")
    assert "not filled" in repr(seen)
