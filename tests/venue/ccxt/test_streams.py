"""The user's raw events: what ccxt ignores comes through, and a stream that is lost is told as such."""

import asyncio

import pytest

from b25.venue.ccxt.streams import HintQueue, event_of
from tests.venue.contract.worlds import play


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"e": "ORDER_TRADE_UPDATE", "o": {}}, "ORDER_TRADE_UPDATE"),
        ({"subscriptionId": 0, "event": {"e": "executionReport", "c": "x"}}, "executionReport"),
        ({"stream": "s", "data": {"e": "ACCOUNT_UPDATE"}}, "ACCOUNT_UPDATE"),
        ({"e": "listenKeyExpired", "listenKey": "k"}, "listenKeyExpired"),
        ({"e": "serverShutdown"}, "serverShutdown"),
        ({"topic": "order", "data": [{}]}, "order"),
        ({"arg": {"channel": "orders"}, "data": [{}]}, "orders"),
        ({"channel": "executions", "data": [{}]}, "executions"),
        ({"e": "depthUpdate"}, None),
        ({"e": "aggTrade"}, None),
        ({"id": "1", "status": 200, "result": {"subscriptionId": 0}}, None),
        ({"result": None, "id": 1}, None),
        ("pong", None),
        ([1, 2], None),
        ({"arg": "text"}, None),
        ({}, None),
    ],
)
def test_only_events_of_the_user_are_hints(message, event):
    found = event_of(message)
    assert (found and found.event) == event


def test_more_than_the_queue_holds_is_a_lost_stream_and_not_a_silent_gap():
    async def run():
        queue = HintQueue(2)
        for _ in range(3):
            queue.put({"e": "executionReport"})
        return queue.overflown, queue.queue.qsize()

    assert asyncio.run(run()) == (True, 2)


@pytest.mark.parametrize(("kind", "what"), [("linear", "listenKeyExpired"), ("spot", "eventStreamTerminated")])
def test_the_end_of_a_stream_that_ccxt_ignores_comes_through(kind, what, tmp_path, warm):
    async def case(stand):
        async def wait():
            async for hint in stand.port.hints():
                if hint.event == what:
                    return hint
            return None

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0.5)
        stand.venue.faults.set("user_stream", account="alice", what=what)
        hint = await asyncio.wait_for(waiting, 5)
        assert hint is not None
        assert hint.event == what

    play("wire", kind, tmp_path, case)


@pytest.mark.parametrize("kind", ["spot", "linear"])
def test_a_cut_ends_the_hints(kind, tmp_path, warm):
    async def case(stand):
        seen = []

        async def listen():
            async for hint in stand.port.hints():
                seen.append(hint)

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(0.5)
        (await stand.port.submit(stand.new())).must()
        await asyncio.sleep(0.2)
        assert seen
        stand.venue.faults.set("cut")
        with pytest.raises(Exception, match=r"(?i)clos|reset|network|connection|1006"):
            await asyncio.wait_for(listening, 5)

    play("wire", kind, tmp_path, case)
