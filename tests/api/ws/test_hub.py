"""What the hub does without a connection: sign-ins that end, rounds that keep their distance, doors of sockets."""

import asyncio

import pytest
import websockets
from fastapi import FastAPI, WebSocket
from hypothesis import given
from hypothesis import strategies as st

from b25.api.app import make_app
from b25.api.doors import check_doors, every_socket, permission_of
from b25.api.roles import Permission
from b25.api.ws.door import host_of
from b25.api.ws.hub import Pace
from b25.api.ws.rates import Bucket
from b25.model.errors import Misuse
from tests.api.ws.conftest import Served
from tests.api.ws.test_socket import closed, heard, say


@pytest.mark.spec("DS-12")
def test_a_sign_in_that_is_over_ends_its_connections(gateway):
    served = Served(gateway, check_s=0.1)
    served.start()

    async def main():
        url = served.url()
        login = url.rpartition(":")[2]
        async with websockets.connect(url, proxy=None) as line, websockets.connect(served.url(), proxy=None) as other:
            assert (await heard(line))["type"] == "heartbeat"
            served.tickets.revoked.add(login)
            assert await closed(line) == 1008
            await say(other, type="ping")
            await heard(other, "pong")

    try:
        asyncio.run(main())
    finally:
        served.stop()


def test_every_socket_has_a_door(gateway):
    app = make_app(gateway)
    assert {path: permission_of(route) for path, route in every_socket(app)} == {"/ws": Permission.READ}


def test_a_socket_without_a_door_is_refused():
    app = FastAPI()

    @app.websocket("/open")
    async def opened(websocket: WebSocket):
        await websocket.accept()

    with pytest.raises(Misuse, match="/open has 0 doors"):
        check_doors(app)


@pytest.mark.parametrize(
    ("told", "name"),
    [("127.0.0.1:80", "127.0.0.1"), ("LOCALHOST", "localhost"), ("[::1]:8080", "[::1]"), ("a.b:1", "a.b"), ("", "")],
)
def test_the_name_in_a_host_header(told, name):
    assert host_of(told) == name


class Loop:
    """A loop whose clock is ours."""

    def __init__(self):
        self.now_s, self.planned = 0.0, []

    def time(self):
        return self.now_s

    def is_closed(self):
        return False

    def call_soon_threadsafe(self, act):
        act()

    def call_later(self, wait_s, act):
        self.planned.append((self.now_s + wait_s, act))

    def run_until(self, until_s):
        while self.planned and min(self.planned)[0] <= until_s:
            due = min(self.planned, key=lambda one: one[0])
            self.planned.remove(due)
            self.now_s = due[0]
            due[1]()
        self.now_s = until_s


class Dirty:
    """A lane that counts its rounds and wakes its pace once for each, as a real one does."""

    def __init__(self, loop, interval_s):
        self.loop, self.pace, self.rounds, self.is_dirty = loop, Pace(loop, interval_s), [], False
        self.pace.lane = self

    def change(self):
        if not self.is_dirty:
            self.is_dirty = True
            self.pace.wake()

    def round(self):
        self.is_dirty = False
        self.rounds.append(self.loop.now_s)


@pytest.mark.spec("DS-06", "DS-01")
@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_rounds_keep_their_distance_and_no_change_waits_longer_than_the_interval(gaps_ms):
    loop = Loop()
    lane = Dirty(loop, 0.25)
    changes = []
    for gap_ms in gaps_ms:
        loop.run_until(loop.now_s + gap_ms / 1e3)
        changes.append(loop.now_s)
        lane.change()
    loop.run_until(loop.now_s + 1.0)
    assert all(b - a >= 0.25 - 1e-9 for a, b in zip(lane.rounds, lane.rounds[1:], strict=False))
    for at_s in changes:
        assert any(at_s <= round_s <= at_s + 0.25 + 1e-9 for round_s in lane.rounds)


@pytest.mark.spec("DS-12")
@given(st.lists(st.floats(0, 2), max_size=60))
def test_a_bucket_never_lets_more_pass_than_its_rate_and_burst(gaps_s):
    bucket, now_s, passed = Bucket(10.0, 20.0), 100.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        if bucket.take(now_s):
            passed.append(now_s)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= 20 + 10 * (passed[last] - passed[first]) + 1e-6
