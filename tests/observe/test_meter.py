"""What is told is what Prometheus reads; only what is declared; never more series than may be; several processes as one page."""

import http.client
import math
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from b25.cli import main
from b25.model.errors import Misuse
from b25.observe.declared import DECLARED
from b25.observe.meter import OTHER, SERIES_MAX, Meter, escaped, family_of, merged
from b25.runner.metrics_file import MetricsFile
from b25.runner.metrics_folder import told_in
from b25.runner.metrics_serving import serving
from b25.runner.seat import Seat

GAUGE, COUNTER, HISTOGRAM = "b25_feed_spread_ratio", "b25_order_refused_total", "b25_order_submit_seconds"


def samples(text):
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


@pytest.mark.spec("OB-N1")
def test_what_is_not_declared_cannot_be_made():
    meter = Meter("session", "mm")
    for act in (
        lambda: meter.set("b25_feed_something", 1),
        lambda: meter.set(COUNTER, 1, reason="x"),
        lambda: meter.set(GAUGE, 1),
        lambda: meter.set(GAUGE, 1, symbol="x", order_id="7"),
        lambda: meter.add(GAUGE, 1, symbol="x"),
        lambda: meter.observe(GAUGE, [1], symbol="x"),
    ):
        with pytest.raises(Misuse):
            act()
    assert meter.text() == ""


@given(st.lists(st.floats(0, 10), max_size=50))
def test_a_histogram_equals_counting_by_hand(values):
    meter = Meter("session", "mm")
    meter.observe(HISTOGRAM, values)
    told = samples(meter.text())
    own = (("component", "session"), ("session", "mm"))
    for bound in (*DECLARED[HISTOGRAM].buckets, math.inf):
        le = "+Inf" if math.isinf(bound) else repr(bound)
        assert told[f"{HISTOGRAM}_bucket", tuple(sorted((*own, ("le", le))))] == sum(1 for value in values if value <= bound)
    assert told[f"{HISTOGRAM}_count", own] == len(values)
    assert told[f"{HISTOGRAM}_sum", own] == pytest.approx(sum(values))


@given(st.text(max_size=20), st.floats(allow_nan=False))
def test_any_label_and_number_is_read_back(symbol, value):
    meter = Meter("session", "mm")
    meter.set(GAUGE, value, symbol=symbol)
    text = meter.text()
    assert f'symbol="{escaped(symbol)}"' in text
    if "\\" not in symbol and not set(symbol) & set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        (told,) = samples(text).items()
        assert dict(told[0][1])["symbol"] == symbol
        assert told[1] == pytest.approx(value)


@pytest.mark.spec("SYS-N2")
def test_what_is_not_known_is_not_told():
    meter = Meter("session", "mm")
    meter.set(GAUGE, 0.5, symbol="x")
    for unknown in (None, math.nan):
        meter.set(GAUGE, 0.5, symbol="x")
        meter.set(GAUGE, unknown, symbol="x")
        assert meter.text() == ""


@pytest.mark.spec("OB-03")
def test_there_are_never_more_series_than_may_be():
    meter = Meter("session", "mm")
    for k in range(2 * SERIES_MAX):
        meter.add(COUNTER, reason=f"reason {k}")
    told = samples(meter.text())
    assert len(told) == SERIES_MAX + 1
    assert sum(told.values()) == 2 * SERIES_MAX
    assert any(dict(labels)["reason"] == OTHER for _, labels in told)


def test_several_processes_are_one_page_that_names_each_metric_once():
    texts = []
    for name in ("one", "two"):
        meter = Meter("session", name)
        meter.set(GAUGE, 0.1, symbol="x")
        meter.observe(HISTOGRAM, [0.02])
        texts.append(meter.text())
    page = merged([*texts, 'b25_of_another_version 1\nb25_feed_spread_ratio{a="torn', "nonsense\n", texts[0]])
    assert page.count(f"# TYPE {GAUGE} gauge") == 1
    told = samples(page)
    assert {dict(labels)["session"] for _, labels in told} == {"one", "two"}
    assert len(told) == 2 * (1 + len(DECLARED[HISTOGRAM].buckets) + 3)
    assert family_of("b25_feed_spread_ratio_count") is None


def test_names_follow_the_rule():
    for metric in DECLARED.values():
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(metric.buckets)
        assert not {"order_id", "user", "client_id", "request_id"} & set(metric.labels)
        assert metric.help.endswith(".")


def test_a_process_that_has_become_silent_is_down_and_its_old_numbers_are_not_told(tmp_path):
    seat = Seat.take(tmp_path, "mm")
    meter = Meter("session", "mm")
    meter.set(GAUGE, 0.1, symbol="x")
    file = MetricsFile(tmp_path, "mm", meter)
    file.tell()
    up = 'b25_process_up{component="session",session="mm"}'
    assert f"{up} 1" in told_in(tmp_path, Meter("gateway"))
    os.utime(file.path, (time.time() - 60, time.time() - 60))
    told = told_in(tmp_path, Meter("gateway"))
    assert f"{up} 0" in told
    assert GAUGE not in told
    file.tell()
    seat.leave()
    assert f"{up} 0" in told_in(tmp_path, Meter("gateway"))


def test_what_cannot_be_read_costs_a_line_and_nothing_else(tmp_path):
    said = []

    def broken():
        raise RuntimeError("no")

    Seat.take(tmp_path, "mm")
    file = MetricsFile(tmp_path, "mm", Meter("session", "mm"), broken, said.append)
    file.tell()
    file.tell()
    assert said == ["metrics: RuntimeError: no"]


def test_metrics_are_served_to_who_has_the_token(tmp_path):
    Seat.take(tmp_path, "mm")
    MetricsFile(tmp_path, "mm", Meter("session", "mm")).tell()
    token = tmp_path / "token"
    token.write_text("a-token-of-this-test\n")
    with pytest.raises(Misuse, match="everybody"):
        serving(tmp_path, "0.0.0.0", 0)  # noqa: S104 - refused
    with pytest.raises(Misuse, match="no token"):
        serving(tmp_path, "127.0.0.1", 0, tmp_path / "none")
    with serving(tmp_path, "127.0.0.1", 0, token) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            answers = [asked(server, path, told) for path, told in (
                ("/metrics", ""), ("/metrics", "Bearer wrong"), ("/other", ""), ("/metrics", "Bearer a-token-of-this-test"),
            )]  # fmt: skip
        finally:
            server.shutdown()
            thread.join()
    assert [status for status, _ in answers] == [401, 401, 404, 200]
    assert "b25_process_up" in answers[-1][1]


def asked(server, path, told):
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    connection.request("GET", path, headers={"Authorization": told} if told else {})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_the_commands_show_and_list(tmp_path, capsys):
    assert main(["metrics", "list"]) == 0
    assert GAUGE in capsys.readouterr().out
    assert main(["metrics", "show", "--folder", str(tmp_path), "--json"]) == 0
    assert "b25_host_disk_free_ratio" in capsys.readouterr().out
