"""How far to trust it, in text, in a cell and in the tear sheet: every figure or its reason, escaped, within its width."""

import numpy as np
import pytest

from b25.analytics.deflated import TrialSummary
from b25.analytics.display import html_summary, text_summary
from b25.analytics.figures import metric_text
from b25.analytics.honest_metrics import honest_metrics
from b25.analytics.honest_view import TITLE, honest_section, trust_lines, verdict
from b25.analytics.metrics import all_metrics
from tests.analytics.curves import daily_curve, minutes_of_trading
from tests.analytics.test_tearsheet import HOSTILE, read

CURVE = daily_curve(list(1_000 * np.cumprod(1 + np.random.default_rng(4).normal(0.002, 0.02, 300))))


def test_it_stands_under_every_summary_and_says_why_what_is_missing_is():
    curve, trace = minutes_of_trading()
    found = all_metrics(curve, traces=[trace])
    text = text_summary("X", found, currency="USDT", base="ETH")
    block = " ".join(text[text.index(TITLE) :].split())
    assert "trials unknown: no run log was read" in block
    assert "needs a sweep" in block
    assert max(len(line) for line in text.splitlines()) <= 100
    cell = html_summary("X", found, curve, currency="USDT")
    assert TITLE in cell
    assert "no run log was read" in cell


def test_the_verdict_follows_the_trials():
    few, many, sure = (honest_metrics(CURVE, trials=TrialSummary(n, 0.0, v)) for n, v in ((1, None), (5_000, 0.01), (2, 1e-9)))
    assert verdict(many).startswith("After 5,000 trials on this data luck alone would show a Sharpe of ")
    assert "1 trial on this data" in verdict(few)
    assert few["deflated_sharpe"].value == few["psr"].value
    assert "above what luck would show" in verdict(sure) or sure["deflated_sharpe"].value < 0.95
    assert verdict(honest_metrics(CURVE)) == ""


def test_the_section_shows_every_figure_or_its_reason():
    found = honest_metrics(CURVE, trials=TrialSummary(200, 0.0, 0.003))
    reader = read(f"<html><body>{honest_section(found, currency='USDT')}</body></html>")
    text = "".join(reader.text).replace("−", "-")
    for metric in found.values():
        assert metric.title in text
        assert metric.reason in text
        assert metric.note in text
        assert metric_text(metric, currency="USDT") in text


def test_a_reason_is_escaped():
    found = honest_metrics(CURVE, trials=TrialSummary.unknown(HOSTILE))
    html = honest_section(found) + html_summary("X", found, CURVE, currency="USDT")
    assert "<script" not in html
    assert not read(f"<html><body>{html}</body></html>").tags & {"script", "img"}


@pytest.mark.parametrize("width", [60, 100])
def test_lines_keep_their_width(width: int):
    lines = trust_lines(honest_metrics(CURVE, trials=TrialSummary.unknown("x" * 300)), width=width)
    assert max(map(len, lines)) <= width
    assert trust_lines({}) == []
    assert honest_section({}) == ""
