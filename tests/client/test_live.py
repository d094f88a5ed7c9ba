"""The live copy, over a real socket: it comes back by itself, keeps what it knew, and never says done before it was."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.client import live as living
from b25.client.live import LiveState, LiveThread
from b25.client.mirror import Mirror
from b25.model.errors import Misuse, Resync, Retry
from tests.api.conftest import gateway  # noqa: F401 - a fixture
from tests.api.ws.conftest import served  # noqa: F401 - a fixture
from tests.bus.stand import seen


def live_of(served, *channels, role="viewer", **more):  # noqa: F811
    async def ticket():
        return served.ticket(role)

    return LiveState(f"http://127.0.0.1:{served.port}", ticket, channels, **more)


async def following(live, act):
    task = asyncio.create_task(live.run())
    try:
        await act()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.spec("WU-09", "WU-N2")
def test_a_lost_connection_keeps_the_values_marks_them_and_comes_back(served):  # noqa: F811
    waits, may_go = [], asyncio.Event()

    async def main():
        async def sleep(wait_s):
            waits.append(wait_s)
            await may_go.wait()

        served.state.put("positions", "a", {"quantity": "1"})
        live = live_of(served, "positions", sleep=sleep)

        async def act():
            await seen(lambda: live.mirror.get("positions.a.quantity") == "1")
            assert not live.mirror.is_stale("positions.a")
            await seen(lambda: live.round_trip_s is not None)
            (client_id,) = served.hub.connections
            served.server.servers[0].get_loop().call_soon_threadsafe(served.hub.disconnect, client_id, "test")
            await seen(lambda: waits)
            assert live.state == "connecting"
            assert live.mirror.get("positions.a.quantity") == "1"
            assert live.mirror.is_stale("positions.a")
            with pytest.raises(Retry, match="not sent"):
                await live.command("pause")
            served.state.remove("positions", "a")
            served.state.put("positions", "b", {"quantity": "2"})
            may_go.set()
            await seen(lambda: live.mirror.data["positions"].keys() == {"b"} and not live.mirror.suspect)
            assert live.state == "connected"

        await following(live, act)
        assert live.state == "closed"

    asyncio.run(main())
    assert waits == [3.0]


@pytest.mark.spec("WU-09", "TU-N3")
def test_ten_tries_with_growing_waits_then_it_asks():
    waits = []

    async def main():
        async def ticket():
            raise Retry("no gateway", remedy="start it")

        async def sleep(wait_s):
            waits.append(wait_s)

        live = LiveState("http://127.0.0.1:1", ticket, ["orders"], sleep=sleep)
        with pytest.raises(Retry, match="after 10 tries"):
            await live.run()
        assert live.state == "lost"

    asyncio.run(main())
    assert waits == [3, 6, 12, 24, 48, 96, 192, 300, 300, 300]


def test_who_is_not_let_in_does_not_try_again(served):  # noqa: F811
    async def main():
        async def ticket():
            return "none"

        with pytest.raises(Misuse, match="401"):
            await LiveState(f"http://127.0.0.1:{served.port}", ticket, ["orders"]).run()

    asyncio.run(main())


@pytest.mark.spec("DS-05", "WU-N1")
def test_a_command_gives_its_outcome_or_says_that_it_is_not_known(served, monkeypatch):  # noqa: F811
    monkeypatch.setattr(living, "ACK_S", 0.2)

    async def main():
        live = live_of(served, role="trader")

        async def act():
            await seen(lambda: live.state == "connected")
            assert await live.command("order", symbol="BTC/USDT") == {"order_id": 7, "verdict": "ok"}
            with pytest.raises(Misuse, match="off the grid"):
                await live.command("order", how="refuse")
            for how in ("silence", "hang"):
                with pytest.raises(Resync, match="not known"):
                    await live.command("order", how=how)
            with pytest.raises(Misuse, match="no such command"):
                await live.command("fly")

        await following(live, act)
        served.server.servers[0].get_loop().call_soon_threadsafe(served.session.go.set)

    asyncio.run(main())


def test_a_thread_follows_for_code_that_awaits_nothing(served):  # noqa: F811
    served.state.put("orders", "a.b", {"price": "1"})
    with LiveThread(live_of(served, "orders", role="trader")) as live:

        async def known():
            await seen(lambda: live.get("orders.a~1b.price") == "1" and not live.is_stale("orders.a~1b"))

        asyncio.run(known())
        assert live.command("cancel") == {"order_id": 7, "verdict": "ok"}
        assert live.age_s("orders.a~1b") >= 0


@pytest.mark.spec("DS-06")
def test_a_gap_is_asked_for_until_the_copy_is_whole(served):  # noqa: F811
    async def main():
        live = live_of(served, "orders")

        async def act():
            await seen(lambda: not live.mirror.suspect)
            live.mirror.seq -= 1  # as if one had not come
            served.state.put("orders", "a", {"price": "1"})
            await seen(lambda: live.mirror.gaps == 1 and not live.mirror.suspect)
            assert live.mirror.get("orders.a.price") == "1"

        await following(live, act)

    asyncio.run(main())


@pytest.mark.spec("WU-N2")
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=8))
def test_an_age_is_told_by_the_servers_clock_whatever_this_machine_calls_the_time(steps):
    here_s = [1e9]
    mirror = Mirror(lambda: here_s[0])
    mirror.subscribed({"orders"})
    server_s, made_s = 50, 40
    entry = {"time_ns": made_s * 10**9, "is_stale": False}
    mirror.take({"type": "snapshot", "seq": 1, "time_ns": server_s * 10**9, "data": {"orders": {"a": entry}}})
    for passed_s, unheard_s in steps:
        server_s += passed_s
        here_s[0] += passed_s
        mirror.take({"type": "heartbeat", "time_ns": server_s * 10**9})
        assert mirror.age_s("orders.a") == pytest.approx(server_s - made_s)
        here_s[0] += unheard_s
        server_s += unheard_s
        assert mirror.age_s("orders.a.price") == pytest.approx(server_s - made_s)
    assert mirror.age_s("orders.none") is None
    assert mirror.is_stale("orders.none")


def test_an_update_that_does_not_fit_makes_its_channel_suspect_and_nothing_else():
    mirror = Mirror()
    mirror.subscribed({"orders", "fills"})
    mirror.take({"type": "snapshot", "seq": 1, "data": {"orders": {}, "fills": {"a": {}}}})
    asked = mirror.take({"type": "update", "seq": 2, "changes": {"orders.a.price": 1, "fills.a.price": 2}, "removed": []})
    assert asked == {"orders"}
    assert mirror.data == {"orders": {}, "fills": {"a": {"price": 2}}}
    assert mirror.take({"type": "update", "seq": 3, "changes": {}, "removed": ["fills.b"]}) == {"orders", "fills"}
