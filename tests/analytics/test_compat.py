"""Other bots' columns: their formulas by hand, their names, and never ours."""

import numpy as np
import pandas as pd
import pytest

from b25.analytics.compat import COMPAT, compat_metrics, hummingbot_metrics, jesse_metrics
from b25.analytics.curve import EquityCurve
from b25.analytics.formulas import FORMULAS
from b25.analytics.metrics import trades_of
from b25.model.errors import Misuse
from tests.analytics.curves import daily_curve, minutes_of_trading

PROFIT = np.array([50.0, -30.0, 20.0, -10.0, 40.0, -20.0, 30.0])


def test_jesse_divides_by_one_day_too_many():
    # A percentage change of a balance begins with an empty row, which the mean skips and the length does not.
    balance = pd.Series(1_000 + np.concatenate(([0.0], np.cumsum(PROFIT))))
    change = balance.pct_change()
    downside = np.sqrt((change[change < 0] ** 2).sum() / len(change))
    found = jesse_metrics(daily_curve(balance.to_list()).daily().returns)["jesse_sortino_ratio"]
    assert found.value == pytest.approx(change.mean() / downside * np.sqrt(365), rel=1e-12)


def test_hummingbot_takes_the_level_for_the_return():
    level = pd.Series(PROFIT).cumsum()
    assert hummingbot_metrics(PROFIT)["hummingbot_sharpe_ratio"].value == pytest.approx(level.mean() / level.std(), rel=1e-12)


@pytest.mark.parametrize("bot", ["freqtrade", "jesse", "hummingbot"])
def test_every_column_bears_its_bots_name_and_is_none_of_ours(bot: str):
    curve, trace = minutes_of_trading()
    found = compat_metrics(bot, curve=curve, trades=trades_of([trace]))
    assert found
    assert all(name.startswith(f"{bot}_") and bot in metric.title for name, metric in found.items())
    assert not set(COMPAT) & set(FORMULAS)


@pytest.mark.parametrize("bot", ["freqtrade", "jesse", "hummingbot"])
@pytest.mark.parametrize("equity", [[1_000.0], [0.0, 1.0], [5.0, -1.0, 3.0]])
def test_without_trades_a_column_says_why_it_is_empty(bot: str, equity: list[float]):
    found = compat_metrics(bot, curve=daily_curve(equity), trades=trades_of([]))
    assert all((metric.value is None) == bool(metric.reason) for metric in found.values())


def test_a_bot_nobody_knows_is_refused():
    with pytest.raises(Misuse, match="choose freqtrade, jesse or hummingbot"):
        compat_metrics("other", curve=EquityCurve(np.array([0]), np.array([1.0])), trades=trades_of([]))  # type: ignore[arg-type]
