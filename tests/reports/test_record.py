"""A figure is recorded once, as what it is, or as n/a with a reason; never as NaN."""

import json
from decimal import Decimal

import numpy as np
import pytest

from b25.model.errors import Misuse
from b25.reports.record import METRIC_MIME, forget_recorded, record


@pytest.fixture(autouse=True)
def _anew():
    forget_recorded()
    yield
    forget_recorded()


def test_a_figure_is_a_message_with_a_text_beside_it():
    made = record("net_profit", Decimal("-12.50"), unit="USDT", headline=True)
    bundle = made._repr_mimebundle_()
    assert bundle[METRIC_MIME] == {"name": "net_profit", "value": "-12.50", "unit": "USDT", "headline": True}
    assert bundle["text/plain"] == "net_profit: -12.50 USDT"
    assert json.loads(json.dumps(bundle[METRIC_MIME], allow_nan=False)) == bundle[METRIC_MIME]


def test_numbers_of_numpy_become_plain_ones():
    assert record("fills", np.int64(3)).payload["value"] == 3
    assert type(record("share", np.float64(0.5)).payload["value"]) is float


def test_what_is_not_known_says_why():
    made = record("sharpe", None, reason="less than 30 days")
    assert made.payload["value"] is None
    assert made.payload["reason"] == "less than 30 days"
    assert "n/a (less than 30 days)" in str(made)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), np.float64("-inf"), None, [1], object()])
def test_what_is_no_figure_is_refused(value):
    with pytest.raises(Misuse, match="x"):
        record("x", value)
    record("x", 1)  # the refused one took no name


def test_a_name_is_recorded_once():
    record("fees", 1)
    with pytest.raises(Misuse, match="recorded before"):
        record("fees", 1)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 81, 7])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(Misuse):
        record(name, 1)


def test_a_reason_beside_a_figure_is_refused():
    with pytest.raises(Misuse):
        record("fees", 1, reason="but")


def test_a_notebook_finds_it_in_the_package():
    import b25.reports

    assert b25.reports.record is record
