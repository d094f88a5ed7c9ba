"""Every metric explains itself, and every explained metric exists."""

import pytest

from b25.analytics.costs import cost_report
from b25.analytics.formulas import FORMULAS
from b25.analytics.metrics import all_metrics, explain
from b25.analytics.order_metrics import OrderCounts
from b25.model.errors import Misuse
from tests.analytics.curves import minutes_of_trading


def test_every_formula_is_computed_and_every_metric_has_a_formula():
    curve, trace = minutes_of_trading()
    found = all_metrics(curve, traces=[trace], orders=OrderCounts())
    assert set(found) | set(cost_report([], curve=curve).metrics) == set(FORMULAS)


def test_explain_prints_the_formula():
    assert explain("sharpe").startswith("Sharpe (sharpe) = mean(r - r_f) / std(r, ddof 1) * sqrt(365)")
    assert "30 days" in explain("sharpe")


def test_explain_knows_what_was_meant():
    with pytest.raises(Misuse, match="sharpe"):
        explain("sharp")


def test_every_formula_has_a_title_and_a_text_of_its_own():
    assert all(formula.title and formula.text for formula in FORMULAS.values())
    titles = [formula.title for formula in FORMULAS.values()]
    assert sorted({title for title in titles if titles.count(title) > 1}) == []
