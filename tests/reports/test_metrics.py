"""Figures of a run, and of two."""

import pytest

from b25.model.errors import Misuse
from b25.reports.describe import REPORT_MIME, describe
from b25.reports.metrics import compare, description_in, headline_of, metrics_in
from b25.reports.record import METRIC_MIME


def cell(*payloads, mime=METRIC_MIME):
    return {"outputs": [{"data": {mime: one}} for one in payloads] + [{"output_type": "stream", "text": "x"}]}


def figure(name, value, unit="", headline=False, **more):
    return {"name": name, "value": value, "unit": unit, "headline": headline, **more}


def test_figures_are_read_in_their_order():
    rows = metrics_in(
        [cell(figure("b", "0.00000089", "BTC")), {}, cell(figure("a", 1, headline=True), figure("c", None, reason="no fill"))]
    )
    assert [one["name"] for one in rows] == ["b", "a", "c"]
    assert rows[0]["value"] == "0.00000089"
    assert rows[2]["reason"] == "no fill"
    assert headline_of(rows) == {"a": {"value": 1, "unit": ""}}


def test_a_name_that_is_recorded_twice_is_an_error():
    with pytest.raises(Misuse, match="cell 2 records 'a' again"):
        metrics_in([cell(figure("a", 1)), cell(figure("a", 1))])
    with pytest.raises(Misuse, match="is no figure"):
        metrics_in([cell({"name": "a", "value": [1]})])


def test_two_runs_are_put_beside_each_other():
    before = [
        figure("net", "10.5", "USDT"),
        figure("count", 4),
        figure("gone", 1),
        figure("unit", 1, "bps"),
        figure("text", "up"),
    ]
    after = [figure("net", 8.4, "USDT"), figure("count", 0), figure("new", 2), figure("unit", 1, "ratio"), figure("text", "down")]
    rows = {one["name"]: one for one in compare(before, after)}
    assert rows["net"]["change"] == pytest.approx(-2.1)
    assert rows["net"]["share"] == pytest.approx(-0.2)
    assert (rows["count"]["change"], rows["gone"]["after"], rows["new"]["before"]) == (-4, None, None)
    assert rows["unit"]["change"] is rows["text"]["change"] is None
    assert compare(after, before)[1]["share"] is None  # nothing is a share of zero


def test_what_stands_at_the_top_is_checked_where_it_is_said():
    told = describe(mode="live", start_ns=1, end_ns=2, data_until_ns=2)
    assert description_in([cell(told._repr_mimebundle_()[REPORT_MIME], mime=REPORT_MIME)])["mode"] == "live"
    with pytest.raises(Misuse, match="the mode 'demo'"):
        describe(mode="demo", start_ns=1, end_ns=2)
    with pytest.raises(Misuse, match="before"):
        describe(mode="live", start_ns=2, end_ns=1)
