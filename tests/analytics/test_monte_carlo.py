"""Shuffled and resampled trades: what stays, what moves, and by how much."""

from itertools import permutations

import numpy as np
import pytest

from b25.analytics.monte_carlo import monte_carlo_metrics, trade_rounds

PROFIT = np.random.default_rng(1).normal(5, 50, 80)


def naive_fall(profit: list[float], start: float) -> float:
    balance = peak = start
    worst = 0.0
    for gain in profit:
        balance += gain
        peak = max(peak, balance)
        worst = max(worst, (peak - balance) / peak)
    return worst


def test_a_shuffle_keeps_the_profit_and_moves_the_drawdown():
    shuffled = trade_rounds(PROFIT, starting_balance=1_000, replace=False)
    assert shuffled.profit == pytest.approx(np.full(1_000, PROFIT.sum()))
    assert np.unique(shuffled.drawdown).size > 900
    drawn = trade_rounds(PROFIT, starting_balance=1_000, replace=True)
    assert np.unique(drawn.profit).size > 900
    assert drawn.profit.mean() == pytest.approx(PROFIT.sum(), abs=3 * 50 * np.sqrt(80 / 1_000))


def test_the_drawdowns_of_all_orders_are_those_of_the_naive_twin():
    profit = np.array([10.0, -20.0, 5.0, 8.0])
    possible = {round(naive_fall(list(order), 100.0), 12) for order in permutations(profit)}
    found = trade_rounds(profit, starting_balance=100.0, replace=False, rounds=500)
    assert {round(value, 12) for value in found.drawdown} == possible
    assert set(np.round(found.drawdown_money, 9)) == {20.0}


def test_equal_seeds_give_equal_rounds_in_batches_of_any_size():
    first, again, other = (trade_rounds(PROFIT, starting_balance=1_000, replace=True, seed=seed) for seed in (4, 4, 5))
    assert first.profit.tolist() == again.profit.tolist()
    assert first.profit.tolist() != other.profit.tolist()


def test_the_figures_name_their_rounds_and_stand_in_order():
    found = monte_carlo_metrics(PROFIT, starting_balance=1_000)
    falls = [found[f"monte_carlo_drawdown_{q}"].value for q in ("05", "50", "95")]
    assert falls == sorted(falls)
    assert found["monte_carlo_profit_05"].value < found["monte_carlo_profit_95"].value
    assert 0 < found["monte_carlo_loss_probability"].value < 0.5
    assert found["monte_carlo_loss_probability"].note == "1,000 rounds, seed 25"


@pytest.mark.parametrize(
    ("profit", "start", "why"),
    [
        (np.ones(9), 100, "9 closed trades; at least 10 are needed"),
        (np.ones(20), 0, "the starting balance is not positive"),
        (np.append(np.ones(20), np.nan), 100, "a trade's profit is not a number"),
    ],
)
def test_where_nothing_can_be_shuffled_every_figure_says_why(profit: np.ndarray, start: float, why: str):
    assert {metric.reason for metric in monte_carlo_metrics(profit, starting_balance=start).values()} == {why}
