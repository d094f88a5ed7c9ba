"""Value at risk and expected shortfall, by hand and by the golden case; exposure and concentration."""

import math
import random

import numpy as np
import pytest

from b25.analytics.var import (
    adjusted_exposure,
    exposure,
    historical_shortfall,
    historical_var,
    parametric_shortfall,
    parametric_var,
    portfolio_var,
)
from b25.model.errors import Misuse

HUNDRED = [k / 1_000 for k in range(-50, 50)]  # -5 % to 4.9 %


@pytest.mark.golden("L11")
def test_the_tables_figures():
    assert parametric_var(10_000, 0.02) == pytest.approx(330.0, abs=1e-9)
    assert parametric_var(-10_000, 0.02, level=0.99) == pytest.approx(466.0, abs=1e-9)


def test_other_levels_take_the_quantile():
    assert parametric_var(10_000, 0.02, level=0.975) == pytest.approx(391.9928, abs=1e-4)
    assert parametric_shortfall(10_000, 0.02) == pytest.approx(412.5425, abs=1e-3)  # 0.02 x phi(1.644854) / 0.05
    assert parametric_shortfall(1, 1, level=0.99) == pytest.approx(2.665214, abs=1e-6)


def test_history():
    shuffled = random.Random(1).sample(HUNDRED, 100)
    # Five days of a hundred lost more than 4.5 %; they lost 5, 4.9, 4.8, 4.7 and 4.6 %.
    assert historical_var(10_000, shuffled) == pytest.approx(450.0)
    assert historical_shortfall(10_000, shuffled) == pytest.approx(480.0)
    # A short loses on the other side: 4.9 to 4.5 % were beyond 4.4 %.
    assert historical_var(-10_000, shuffled) == pytest.approx(440.0)
    assert historical_shortfall(-10_000, shuffled) == pytest.approx(470.0)
    # Half a day's part of the tail: (5 + 4.9/2) / 1.5.
    assert historical_shortfall(10_000, HUNDRED[:30]) == pytest.approx(10_000 * (0.05 + 0.049 / 2) / 1.5)


def test_only_the_last_days_count_and_gains_are_no_loss():
    assert historical_var(100, [-0.9] * 50 + [0.01] * 250) == 0.0
    assert historical_shortfall(100, [-0.9] * 50 + [0.01] * 250) == 0.0
    assert historical_var(100, [-0.9] * 50 + [0.01] * 250, days=300) == pytest.approx(90.0)


def test_several_holdings():
    assert portfolio_var([100, 100], [0.02, 0.02], np.eye(2)) == pytest.approx(1.65 * 2 * math.sqrt(2))
    assert adjusted_exposure([100, -100], [[1, 1], [1, 1]]) == 0.0
    assert adjusted_exposure([3, 4], [[1, 0], [0, 1]]) == pytest.approx(5.0)


def test_exposure():
    held = exposure({"BTC": 6_000.0, "ETH": -2_000.0}, 4_000.0)
    assert (held.gross, held.net, held.long, held.short, held.leverage) == (8_000, 4_000, 6_000, 2_000, 2.0)
    assert held.concentration == {"BTC": 1.5, "ETH": 0.5}
    assert held.largest == "BTC"
    assert held.herfindahl == pytest.approx(0.75**2 + 0.25**2)
    assert exposure({}, 100.0).herfindahl == 0.0
    assert math.isnan(exposure({"BTC": 1.0}, 0.0).leverage)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda: parametric_var(math.nan, 0.02), "value"),
        (lambda: parametric_var(1, -0.02), "sigma"),
        (lambda: parametric_var(1, 0.02, level=95), "level"),
        (lambda: historical_var(1, [0.01] * 19), "19 days"),
        (lambda: historical_var(1, [0.01] * 19 + [math.nan]), "finite"),
        (lambda: adjusted_exposure([1, 2], [[1, 0.5], [0.4, 1]]), "no matrix"),
        (lambda: adjusted_exposure([1, 2], [[1]]), "shape"),
        (lambda: exposure({"BTC": math.inf}, 1.0), "BTC"),
    ],
)
def test_what_is_not_known_is_no_number(wrong, named):
    with pytest.raises(Misuse, match=named):
        wrong()
