"""Worse assumptions cost money, and nothing else changes: the variants differ from the run by what they name."""

import pytest

import b25
from tests.engine.bar_runs import bars_of


class Alternate(b25.Strategy):
    """Long for two bars, flat for two."""

    seen: int = 0

    def on_bar(self, ctx):
        self.seen += 1
        if self.seen % 4 == 1:
            ctx.target(1.0)
        elif self.seen % 4 == 3:
            ctx.target(0.0)


@pytest.fixture(scope="module")
def table():
    bars = bars_of([(1_000, 1_004, 996, 1_000 + k % 3, 500) for k in range(40)])
    result = b25.backtest(Alternate, bars, balance=100_000.0, fees=b25.Fees(0.0002, 0.0004))
    return result, {row["variant"]: row for row in result.stress().iter_rows(named=True)}


def test_the_first_row_is_the_run_itself(table):
    result, rows = table
    assert rows["as it was"]["net_profit"] == pytest.approx(result.summary["net_profit"])
    assert rows["as it was"]["fills"] == result.summary["fills"]


def test_half_as_much_again_in_fees_costs_just_that(table):
    _, rows = table
    was, worse = rows["as it was"], rows["fees + 50 %"]
    assert worse["fees"] == pytest.approx(1.5 * was["fees"])
    assert was["net_profit"] - worse["net_profit"] == pytest.approx(0.5 * was["fees"])


def test_slippage_costs_money_and_all_of_it_most(table):
    _, rows = table
    assert rows["slippage 1 bps"]["net_profit"] < rows["as it was"]["net_profit"]
    assert rows["all of it"]["net_profit"] == min(row["net_profit"] for row in rows.values())
