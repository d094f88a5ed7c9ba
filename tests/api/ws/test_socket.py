"""The socket, over a real connection: who gets in, what is said, what is answered, and that one who is slow delays nobody."""

import asyncio
import socket

import httpx
import msgpack
import orjson
import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from b25.client.mirror import Mirror
from tests.bus.stand import seen

LONGEST_S = 30.0


def connect(url, **more):
    return websockets.connect(url, proxy=None, **more)


async def heard(line, kind=None):
    async with asyncio.timeout(LONGEST_S):
        while True:
            data = await line.recv()
            told = orjson.loads(data) if isinstance(data, str) else msgpack.unpackb(data)
            if kind is None or told["type"] == kind:
                return told


async def say(line, **message):
    await line.send(orjson.dumps(message).decode())


async def closed(line):
    async with asyncio.timeout(LONGEST_S):
        try:
            while True:
                await line.recv()
        except ConnectionClosed as gone:
            return gone.rcvd.code


@pytest.mark.spec("DS-01", "DS-03")
def test_a_ticket_is_worth_one_connection(served):
    async def main():
        url = served.url()
        async with connect(url) as line:
            await say(line, type="ping", id=5)
            assert (await heard(line)) | {"time_ns": 0} == {"type": "pong", "id": 5, "time_ns": 0}
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)
        assert refused.value.response.status_code == 401
        assert orjson.loads(refused.value.response.body)["code"] == "INVALID_TOKEN"

    asyncio.run(main())


@pytest.mark.spec("DS-12", "DS-N5")
@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("ticket=none", {}, 401),
        ("ticket=" + "x" * 600, {}, 401),
        ("ticket=viewer:1", {"Host": "evil.example"}, 403),
        ("ticket=viewer:1", {"Origin": "https://evil.example"}, 403),
        ("ticket=viewer:1", {"Origin": "null"}, 403),
        ("ticket=viewer:1&type=spy", {}, 403),
        ("ticket=viewer:1&format=xml", {}, 403),
    ],
)
def test_who_is_not_ours_does_not_get_in(served, query, headers, status):
    """By hand, for a client library does not send a Host of one's choice."""
    told = {"Host": f"127.0.0.1:{served.port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} | headers  # fmt: skip
    with socket.create_connection(("127.0.0.1", served.port), LONGEST_S) as line:
        lines = [f"GET /ws?{query} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        line.sendall("\r\n".join(lines).encode())
        assert line.recv(4096).split()[1] == str(status).encode()
    assert not served.hub.connections


def test_a_page_of_ours_gets_in(served):
    async def main():
        async with connect(served.url(), origin=f"http://127.0.0.1:{served.port}") as line:
            await say(line, type="ping")
            await heard(line, "pong")

    asyncio.run(main())


@pytest.mark.spec("DS-02", "DS-06")
@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_a_client_follows_what_happens(served, form):
    async def main():
        mirror = Mirror()
        async with connect(served.url(format=form, type="tui")) as line:
            mirror.subscribed({"orders"})
            data = {"type": "subscribe", "channels": ["orders"]}
            await line.send(orjson.dumps(data).decode() if form == "json" else msgpack.packb(data))
            mirror.take(await heard(line))
            for number in range(30):
                served.state.put("orders", f"{number % 7}", {"price": str(number)})
                served.state.remove("orders", f"{(number + 3) % 7}")
            while mirror.data["orders"] != served.state.entries("orders"):
                assert not mirror.take(await heard(line))

    asyncio.run(main())


@pytest.mark.spec("DS-07")
def test_a_client_that_reads_nothing_delays_no_other(served):
    async def main():
        async with connect(served.url(type="tui")) as slow, connect(served.url(type="tui")) as quick:
            slow_viewer = next(iter(served.hub.connections.values())).viewer
            slow_viewer.queue_max = 4
            for line in (slow, quick):
                await say(line, type="subscribe", channels=["alerts"])
            await heard(quick, "snapshot")
            slow.transport.pause_reading()
            mirror, number = Mirror(), 0
            mirror.subscribed({"alerts"})
            await say(quick, type="refresh", channels=["alerts"])
            mirror.take(await heard(quick, "snapshot"))
            while not slow_viewer.was_behind:  # until the system's own buffers of the slow one are full, too
                number += 1
                served.state.put("alerts", "a", {"text": str(number) + "x" * 200_000})
                mirror.take(await heard(quick, "update"))
                assert mirror.data["alerts"]["a"]["text"].startswith(str(number))
            slow.transport.resume_reading()
            slow_mirror = Mirror()
            slow_mirror.subscribed({"alerts"})
            while slow_mirror.data.get("alerts") != mirror.data["alerts"]:
                slow_mirror.take(await heard(slow))

    asyncio.run(main())


@pytest.mark.spec("DS-05", "WU-N1")
def test_a_command_is_answered_when_it_was_acknowledged_with_its_outcome(served):
    async def main():
        async with connect(served.url("trader")) as line:
            await say(line, type="command", id="a", name="order", args={"how": "hang", "symbol": "BTC/USDT"})
            await say(line, type="command", id="a", name="order", args={"how": "hang", "symbol": "BTC/USDT"})
            await say(line, type="ping")
            assert (await heard(line))["type"] == "pong"  # nothing was said of the command
            served.server.servers[0].get_loop().call_soon_threadsafe(served.session.go.set)
            result = {"order_id": 7, "verdict": "ok"}
            assert await heard(line) == {"type": "ack", "id": "a", "status": "done", "result": result}
            assert len(served.session.asked) == 1
            by, asked = served.session.asked[0]
            assert (by.name, asked.name, asked.command_id, asked.ip) == ("trader", "order", "a", "127.0.0.1")
            assert not by.is_stepped_up
            for how, status in (("refuse", "refused"), ("silence", "unknown"), ("fail", "unknown")):
                await say(line, type="command", id=how, name="pause", args={"how": how})
                told = await heard(line)
                assert (told["id"], told["status"]) == (how, status)
                assert "secret" not in str(told)

    asyncio.run(main())


@pytest.mark.spec("GW-18")
@pytest.mark.parametrize(
    ("role", "name", "may"),
    [
        ("viewer", "order", False), ("viewer", "check", True), ("viewer", "kill", False), ("trader", "order", True),
        ("trader", "kill", True), ("risk", "order", False), ("risk", "kill", True), ("admin", "stop", False),
        ("admin", "kill", True),
    ],
)  # fmt: skip
def test_a_role_gives_only_its_own_commands(served, role, name, may):
    async def main():
        async with connect(served.url(role)) as line:
            await say(line, type="command", id="1", name=name, args={})
            told = await heard(line)
            assert (told["type"], told.get("code")) == (("ack", None) if may else ("error", "FORBIDDEN"))

    asyncio.run(main())
    assert bool(served.session.asked) is may


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "1", '{"type": 1}', '{"type": "fly"}', '{"type": "subscribe"}', '{"type": "subscribe", "channels": 1}',
        '{"type": "subscribe", "channels": ["audit"]}', '{"type": "refresh", "channels": [1]}', '{"type": "look", "at": "../x"}',
        '{"type": "command"}', '{"type": "command", "id": "1", "name": "re-arm"}', '{"type": "command", "id": 1, "name": "stop"}',
        '{"type": "command", "id": "1", "name": ["stop"]}', '{"type": "command", "id": "1", "name": "stop", "args": []}',
        "[" * 60_000,
    ],
)  # fmt: skip
def test_a_message_that_is_wrong_is_answered_and_harms_nothing(served, text):
    async def main():
        async with connect(served.url("trader")) as line:
            await line.send(text)
            assert (await heard(line))["type"] == "error"
            await say(line, type="ping")
            await heard(line, "pong")

    asyncio.run(main())
    assert served.session.asked == []


@pytest.mark.spec("DS-12")
def test_a_message_that_is_too_large_ends_the_connection(served):
    async def main():
        async with connect(served.url()) as line:
            await line.send("x" * 70_000)
            assert await closed(line) == 1009

    asyncio.run(main())


@pytest.mark.spec("DS-12")
def test_who_asks_too_often_is_refused_then_let_go_and_may_still_kill(served):
    async def main():
        async with connect(served.url("trader")) as line:
            for _ in range(12):
                await say(line, type="subscribe", channels=["orders"])
            assert (await heard(line, "error"))["code"] == "RATE_LIMIT_EXCEEDED"
            for _ in range(15):
                await say(line, type="ping")
            await say(line, type="command", id="k", name="kill", args={})
            assert (await heard(line, "ack"))["status"] == "done"
            for _ in range(100):
                await say(line, type="ping")
            assert await closed(line) == 1008

    asyncio.run(main())


@pytest.mark.spec("CO-05")
def test_all_see_who_looks_at_a_session(served):
    async def main():
        async with connect(served.url("viewer")) as one, connect(served.url("risk")) as other:
            mirror = Mirror()
            mirror.subscribed({"presence"})
            await say(one, type="subscribe", channels=["presence"])
            mirror.take(await heard(one))
            await say(one, type="look", at="sessions/live-1")
            await say(other, type="look", at="sessions/live-1")
            while (mirror.data["presence"].get("sessions/live-1") or {}).get("names") != ["risk", "viewer"]:
                mirror.take(await heard(one))
            await other.close()
            while mirror.data["presence"]["sessions/live-1"]["names"] != ["viewer"]:
                mirror.take(await heard(one))
            await say(one, type="look", at="")
            while mirror.data["presence"]:
                mirror.take(await heard(one))

    asyncio.run(main())


@pytest.mark.spec("DS-06")
def test_who_is_limited_to_accounts_sees_no_others(served):
    async def main():
        served.state.put("orders", "theirs", {"price": "1"}, account="other")
        served.state.put("orders", "nobodys", {"price": "1"})
        served.state.put("market_data", "BTC", {"bid": "1"})
        async with connect(served.url("viewer", "main")) as line:
            await say(line, type="subscribe", channels=["orders", "market_data"])
            told = (await heard(line))["data"]
            assert told["orders"] == {}
            assert set(told["market_data"]) == {"BTC"}
            served.state.put("orders", "theirs", {"price": "2"}, account="other")
            served.state.put("orders", "ours", {"price": "2"}, account="main")
            assert set((await heard(line, "update"))["changes"]) == {"orders.ours"}

    asyncio.run(main())


@pytest.mark.spec("DS-09")
def test_an_administrator_lists_tells_and_ends_connections(served):
    async def main():
        admin = httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}/api/v1", headers={"x-test-roles": "admin"})
        async with admin, connect(served.url("viewer", type="notebook")) as line:
            await say(line, type="subscribe", channels=["orders"])
            await heard(line, "snapshot")
            told = (await admin.get("/clients")).json()
            (one,) = told["clients"]
            assert (one["name"], one["type"], one["channels"]) == ("viewer", "notebook", ["orders"])
            assert told["figures"]["sent"] == {"snapshot": 1}
            assert (await admin.post("/clients/broadcast", json={"text": "soon"})).json() == {"clients": 1}
            assert (await heard(line, "notice"))["text"] == "soon"
            assert (await admin.post("/clients/none/disconnect", json={"reason": "test"})).status_code == 404
            assert (await admin.post(f"/clients/{one['client_id']}/disconnect", json={"reason": "test"})).status_code == 200
            assert await closed(line) == 1008
            await seen(lambda: not served.hub.connections)
            actions = [row.action for row in served.gateway.store.rows(select(audit.c.action))]
            assert actions == ["clients.broadcast", "clients.disconnect"]

    from sqlalchemy import select

    from b25.store.tables import audit

    asyncio.run(main())


@pytest.mark.parametrize("role", ["viewer", "trader", "risk", "researcher"])
def test_nobody_else_does(client_as, role):
    async def main():
        async with client_as(role) as one:
            assert (await one.get("/api/v1/clients")).status_code == 403
            assert (await one.post("/api/v1/clients/broadcast", json={"text": "x"})).status_code == 403

    asyncio.run(main())


@pytest.mark.spec("DS-13")
def test_a_hundred_clients_all_have_what_the_server_has(served):
    async def follow(number, done):
        mirror = Mirror()
        channels = ["orders", "positions"] if number % 2 else ["positions"]
        form = "json" if number % 3 else "msgpack"
        async with connect(served.url(type="tui", format=form)) as line:
            mirror.subscribed(channels)
            data = {"type": "subscribe", "channels": channels}
            await line.send(orjson.dumps(data).decode() if form == "json" else msgpack.packb(data))
            while (mirror.data.get("positions") or {}).get("end") is None:
                assert not mirror.take(await heard(line))
            for channel in channels:
                assert mirror.data[channel] == served.state.entries(channel)
            await done.wait()

    async def main():
        done = asyncio.Event()
        clients = [asyncio.create_task(follow(number, done)) for number in range(100)]
        await seen(lambda: sum(len(one.viewer.channels) for one in served.hub.connections.values()) == 150)
        for number in range(40):
            served.state.put("orders", f"{number % 9}", {"price": str(number)})
            served.state.put("positions", f"{number % 5}", {"quantity": str(number)})
            await asyncio.sleep(0.01)
        with served.state.lock:
            served.state.put("positions", "end", {})
        await seen(lambda: all(one.viewer.seq for one in served.hub.connections.values()))
        done.set()
        await asyncio.gather(*clients)

    asyncio.run(main())


@pytest.mark.spec("DS-13")
def test_what_was_connected_leaves_nothing_behind(served):
    async def main():
        for _ in range(30):
            async with connect(served.url(format="msgpack")) as line:
                await line.send(msgpack.packb({"type": "subscribe", "channels": ["orders"]}))
                await heard(line)
        await seen(lambda: not served.hub.connections)
        assert served.hub._lanes == {}
        assert served.state._watches == []

    asyncio.run(main())


def test_a_gateway_that_ends_tells_its_clients_to_come_again(served):
    async def main():
        async with connect(served.url()) as line:
            await say(line, type="ping")
            await heard(line)
            served.server.should_exit = True
            assert await closed(line) == 1012

    asyncio.run(main())
