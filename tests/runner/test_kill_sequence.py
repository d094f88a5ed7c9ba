"""A kill against the venue on the wire, through ccxt, with faults on: what is asked, in what order, and what is left."""

import asyncio

import pytest

from tests.runner.stand import QUICK, place, stand, sweep, with_session

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture(params=["spot", "linear"])
def here(request, tmp_path):
    with stand(tmp_path, request.param) as made:
        yield made


@pytest.fixture
def linear(tmp_path):
    with stand(tmp_path, "linear") as made:
        yield made


def test_fifty_orders_are_gone_after_one_volley_and_two_reads_verify_it(here):
    with_session(here, lambda port: place(port, here.kind, 50))
    here.fault("latency_ms", min=100.0, max=100.0)
    assert here.open_count() == 50
    report, calls = sweep(here)
    assert report.is_complete
    assert here.open_count() == 0
    assert calls.count("cancel_all") <= 2  # not one for each order
    assert "cancel" not in calls
    assert calls.index("cancel_all") <= 1  # at once, not after a list
    reads = [step["at_ms"] for step in report.steps if step["what"].startswith("no order listed")]
    assert len(reads) == 2
    assert reads[1] - reads[0] >= QUICK.quiet_s * 1000


def test_orders_of_symbols_that_nobody_named_are_found(here):
    with_session(here, lambda port: place(port, here.kind, 3))
    report, _ = sweep(here, symbols=())
    assert report.is_complete
    assert report.orders_seen == 3
    assert here.open_count() == 0


def test_waiting_stops_are_cancelled_as_well(linear):
    with_session(linear, lambda port: place(port, "linear", 2, side=-1, price="40000", stop_ticks=350_000))
    assert linear.open_count() == 2
    report, _ = sweep(linear)
    assert report.is_complete
    assert linear.open_count() == 0


def test_only_a_session_s_orders_when_asked(here):
    with_session(here, lambda port: place(port, here.kind, 3, prefix="b25-aabbb-"))
    with_session(here, lambda port: place(port, here.kind, 2, prefix="b25-aaccc-"))
    report, calls = sweep(here, prefix="b25-aabbb-")
    assert report.is_complete
    assert report.orders_seen == 3
    assert "cancel_all" not in calls
    assert here.open_count() == 2


FAULTS = {
    "answers lost": ("ack_lost", {"how": "close", "left": 3}),
    "requests lost": ("request_lost", {"how": "close", "left": 3}),
    "answers cut in the middle": ("conn_reset_mid_response", {"left": 3}),
    "outcome unknown": ("backend_unknown", {"left": 3}),
    "maintenance": ("maintenance", {"for_ms": 700}),
    "errors of the gateway": ("force_error", {"http": 502, "html": True, "left": 4}),
    "reads from the past": ("read_lag_ms", {"max": 250.0, "mode": "stale"}),
    "slow": ("latency_ms", {"min": 400.0, "max": 600.0}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_venue_that_is_unwell_is_cleared_in_the_end(here, name):
    with_session(here, lambda port: place(port, here.kind, 5))
    report, _ = sweep(here, fault=FAULTS[name])
    assert report.is_complete
    assert here.open_count() == 0


def test_a_429_leaves_five_cancels_and_they_are_used(here):
    """The venue asks for silence; cancels may still go, five of them, and the list waits until it is over."""
    with_session(here, lambda port: place(port, here.kind, 5))

    silence = {
        "http": 429,
        "code": -1003,
        "msg": "Too many requests.",
        "headers": {"Retry-After": "2"},
        "where": "GET *",
        "left": 1,
    }
    report, _ = sweep(here, fault=("force_error", silence))
    assert report.is_complete
    assert here.open_count() == 0
    told = [step for step in report.steps if step["what"] == "cancel all" and step["answer"] == "ACCEPTED"]
    assert told[0]["at_ms"] < 1_500  # not held back by it
    assert report.verified_ms >= 1_500


def test_a_network_that_is_away_at_first(here):
    with_session(here, lambda port: place(port, here.kind, 4))
    report, _ = sweep(here, fault=("request_lost", {"how": "close", "for_ms": 1_000}))
    assert report.is_complete
    assert here.open_count() == 0
    assert any(step.get("answer") in ("UNKNOWN", "NOT_SENT") for step in report.steps)


def test_an_order_that_arrives_after_the_first_read_is_cancelled_too(here):
    with_session(here, lambda port: place(port, here.kind, 2))

    async def late(reach):
        await asyncio.sleep(0.15)
        await place(reach.port, here.kind, 1, prefix="late-")

    report, _ = sweep(here, during=late)
    assert report.is_complete
    assert here.open_count() == 0


def test_positions_are_closed_by_reduce_only_orders_and_twice_does_no_harm(linear):
    with_session(linear, lambda port: place(port, "linear", 1, price="0", qty="0.5"))
    with_session(linear, lambda port: place(port, "linear", 5, prefix="rest-"))
    report, calls = sweep(linear, flatten=True)
    assert report.is_complete
    assert report.closes_sent == 1
    assert calls.index("positions") > calls.index("cancel_all")  # first nothing may open, then close
    again, calls = sweep(linear, flatten=True)
    assert again.is_complete
    assert again.closes_sent == 0
    assert "submit" not in calls
    assert with_session(linear, lambda port: port.positions()).must() == {}


def test_a_close_without_an_answer_never_turns_the_position(linear):
    with_session(linear, lambda port: place(port, "linear", 1, price="0", qty="0.5"))
    linear.fault("ack_lost", how="close", where="POST /fapi/v1/order", left=1)
    linear.fault("read_lag_ms", max=200.0, mode="stale", where="*positionRisk*")
    report, _ = sweep(linear, flatten=True)
    assert report.is_complete
    assert with_session(linear, lambda port: port.positions()).value in ({}, None)


def test_out_of_time_names_what_is_left(here):
    with_session(here, lambda port: place(port, here.kind, 2))
    here.fault("force_error", http=503, where="DELETE *")
    pace = type(QUICK)(quiet_s=0.1, retry_s=0.02, retry_s_max=0.1, give_up_s=0.5)
    report, _ = sweep(here, pace=pace)
    assert not report.is_complete
    assert len(report.orders_left) == 2
    here.clear_faults()
    assert sweep(here)[0].is_complete


def test_out_of_time_tells_why_the_venue_gave_no_answer(here):
    with_session(here, lambda port: place(port, here.kind, 1))
    pace = type(QUICK)(quiet_s=0.1, retry_s=0.02, retry_s_max=0.1, give_up_s=0.5)
    report, _ = sweep(here, pace=pace, fault=("force_error", {"http": 503, "where": "GET *"}))
    assert not report.is_complete
    assert "503" in report.trouble or "UNKNOWN" in report.trouble


def test_what_is_held_on_spot_is_named_and_not_sold(tmp_path):
    with stand(tmp_path, "spot") as spot:
        report, calls = sweep(spot, flatten=True)
        assert report.not_closed == ["BTC 100"]
        assert not report.is_complete
        assert "submit" not in calls
