"""`result.parents`: what each parent order did and what it cost."""

import math

import pytest

import b25


class Buyer(b25.Strategy):
    """Buy in ten slices, and rest far away."""

    def on_start(self, ctx):
        ctx.twap(b25.BUY, 0.1, 20.0, 10)

    def on_trade(self, ctx):
        if ctx.parent(2).state == 0 and ctx.ready():
            ctx.iceberg(b25.SELL, 0.1, ctx.ask() * 1.01, 0.05)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    data = b25.sample(minutes=1, catalog=tmp_path_factory.mktemp("catalog"))
    return b25.backtest(Buyer, data, compiled=False)


def test_a_table_of_parent_orders(result):
    table = result.parents
    assert table["algo"].to_list() == ["twap", "iceberg"]
    assert table["state"].to_list() == ["done", "working"]
    bought = table.row(0, named=True)
    assert bought["filled"] == pytest.approx(0.1)
    fills = result.fills
    average = (fills["price"] * fills["quantity"]).sum() / fills["quantity"].sum()
    assert bought["average_price"] == pytest.approx(average)
    assert math.isfinite(bought["vwap_slippage_bps"])
    assert table["ended"].is_null().to_list() == [False, True]
    assert math.isnan(table["average_price"][1])
