"""An order's way, from the very journal and store of a session that trades; the same whoever reckons it; no secret in a span."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from b25.cli import main
from b25.model.errors import Misuse
from b25.observe.redaction import MASK
from b25.runner.trace_export import export
from b25.session.trace import Step, Trace, fills_in, trace_id_of, trace_of, traces_of
from b25.session.trace_stored import completed
from b25.store.store import open_store

WAY = ["market event", "signal", "verdict", "stored", "order sending"]


@pytest.fixture(scope="module")
def journal(platform):
    """The journal of a session that still runs, once an order of it was filled."""
    path = platform.folder / "journals" / "busy.journal"
    platform.until(lambda: path.exists() and any(fills_in(one) for one in traces_of(path)))
    return path


def filled(journal):
    return next(one for one in traces_of(journal) if fills_in(one))


@pytest.mark.spec("TR-01")
def test_an_order_is_followed_from_the_market_to_the_ledger(platform, journal):
    found = filled(journal)
    store = open_store(platform.store)
    try:
        platform.until(lambda: any(step.name == "ledger" for step in completed(found, store).steps))
        whole = completed(found, store)
    finally:
        store.close()
    names = [step.name for step in whole.steps]
    assert names[: len(WAY)] == WAY
    assert {"order_filled", "ledger"} <= set(names)
    assert names.index("order sending") < names.index("order_filled")
    times = [step.at_ns for step in whole.steps]
    assert times == sorted(times)
    assert whole.steps[0].facts["seq"] == whole.seq
    legs = next(step for step in whole.steps if step.name == "ledger").facts["legs"]
    by_asset = {leg["asset"]: sum(int(one["amount"]) for one in legs if one["asset"] == leg["asset"]) for leg in legs}
    assert set(by_asset.values()) == {0}  # what was booked sums to nothing, by asset
    facts = whole.facts()
    assert facts["steps"][0]["since_first_ns"] == 0
    assert sum(row["since_last_ns"] for row in facts["steps"]) == facts["steps"][-1]["since_first_ns"]


@pytest.mark.spec("TR-01")
def test_the_id_is_the_same_whenever_it_is_reckoned_and_no_two_orders_share_one(journal):
    first, second = [one.trace_id for one in traces_of(journal)], [one.trace_id for one in traces_of(journal)]
    assert second[: len(first)] == first
    assert len(set(first)) == len({(one.seq, one.epoch) for one in list(traces_of(journal))[: len(first)]})
    assert trace_id_of("mm", 1, 2) != trace_id_of("mm", 12, 2) != trace_id_of("m", 1, 2)
    with pytest.raises(Misuse, match="no order"):
        trace_of(journal, 10**9)


def test_a_refused_wish_has_a_trace_that_says_why(platform, journal):
    platform.until(lambda: any(one.is_error for one in traces_of(journal)))
    refused = next(one for one in traces_of(journal) if one.is_error)
    verdict = next(step for step in refused.steps if step.name == "verdict")
    assert (verdict.facts["verdict"], verdict.facts["reason"]) == ("refused", "order_value_limit")


def test_the_command_tells_it(platform, journal, capsys):
    found = filled(journal)
    assert main(["session", "trace", str(journal), "--json"]) == 0
    assert found.trace_id in capsys.readouterr().out
    assert (
        main(["session", "trace", "busy", str(found.order_id), "--folder", str(journal.parent), "--store", platform.store]) == 0
    )
    text = capsys.readouterr().out
    assert found.trace_id in text
    assert "ledger" in text
    assert main(["session", "trace", "none", "--folder", str(journal.parent)]) == 2
    assert main(["session", "trace", "busy", "x", "--folder", str(journal.parent), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "misuse"


@pytest.mark.spec("TR-02")
def test_spans_are_those_of_the_trace(journal):
    found, exporter = filled(journal), InMemorySpanExporter()
    count = export([found], exporter)
    spans = exporter.get_finished_spans()
    assert count == len(spans) == len(found.steps) + 1
    root, *parts = spans
    assert {format(span.context.trace_id, "032x") for span in spans} == {found.trace_id}
    assert len({span.context.span_id for span in spans}) == len(spans)
    assert {span.parent.span_id for span in parts} == {root.context.span_id}
    assert all(root.start_time <= span.start_time <= span.end_time <= root.end_time for span in parts)
    assert [span.name for span in parts] == [step.name for step in found.steps]


@pytest.mark.spec("TR-N1")
def test_no_secret_stands_in_a_span():
    canary = "canary-6f1d0b9e77aa"
    step = Step(
        name="signal", at_ns=1, facts={"api_key": canary, "text": f"signature={canary}&a=1", "many": [f"Bearer {canary}"]}
    )
    trace = Trace(
        trace_id=trace_id_of("mm", 1, 1), session="mm", epoch=1, seq=1, order_id=1, symbol="X", is_error=True, steps=(step,)
    )
    exporter = InMemorySpanExporter()
    export([trace], exporter)
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert canary not in told
    assert MASK in told


class Collector(BaseHTTPRequestHandler):
    """Takes what an OpenTelemetry collector takes."""

    def do_POST(self):
        self.server.told.append((self.path, len(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        """Nothing on the terminal."""


@pytest.mark.spec("TR-02")
def test_the_command_hands_orders_to_a_collector(journal, capsys):
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.told = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}/v1/traces"
        assert main(["session", "trace", str(journal), "--otlp", at, "--json"]) == 0
        server.shutdown()
    assert json.loads(capsys.readouterr().out)["spans"] > 0
    assert {path for path, size in server.told if size} == {"/v1/traces"}
