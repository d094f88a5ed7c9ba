"""Any client that applies what it is sent has what the server has: whatever is put, removed, subscribed, delayed or lost."""

import asyncio
import random

import msgpack
import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from b25.api.principal import Principal
from b25.api.roles import Role
from b25.api.state.differences import is_same
from b25.api.state.state import OF_ACCOUNTS, State
from b25.api.ws.figures import Figures
from b25.api.ws.lane import Lane
from b25.api.ws.viewer import Closed, Viewer
from b25.api.ws.wire import WIRES
from b25.client.mirror import Mirror

CHANNELS = ("orders", "trades", "presence")
KEYS = ("a", "b.c", "d~1", "e")
READ = {"json": orjson.loads, "msgpack": msgpack.unpackb}
FIELDS = st.dictionaries(
    st.sampled_from(["x", "y.z", "w"]),
    st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "1.50", "ü"]) | st.dictionaries(
        st.sampled_from(["p", "q"]), st.integers(0, 2) | st.lists(st.integers(0, 2), max_size=2), max_size=2
    ),
    max_size=3,
)  # fmt: skip


class One:
    """A viewer and its copy of the state."""

    def __init__(self, lane, wire, queue_max):
        self.lane, self.figures = lane, Figures()
        by = Principal(name="ann", roles=frozenset({Role.VIEWER}))
        self.viewer = Viewer("1", by, "web", WIRES[wire], self.figures, queue_max=queue_max)
        self.read, self.mirror = READ[wire], Mirror()
        self.is_closed = False
        lane.enter(self.viewer)

    def subscribe(self, channels):
        self.mirror.subscribed(channels)
        self.lane.subscribe(self.viewer, channels)

    def unsubscribe(self, channels):
        self.mirror.unsubscribed(channels)
        self.lane.unsubscribe(self.viewer, channels)

    def receive(self, *, lose=False):
        try:
            data = self.viewer.next()
        except Closed:
            self.is_closed = True
            self.lane.leave(self.viewer)
            return False
        if data is None:
            return False
        if not lose and (asked := self.mirror.take(self.read(data))):
            self.lane.refresh(self.viewer, asked)
        return True

    def drain(self):
        while self.receive():
            pass


def expected(state, channels, accounts=None):
    return {
        channel: {
            key: one for key, one in state.entries(channel).items()
            if accounts is None or channel not in OF_ACCOUNTS or one["account"] in accounts
        }
        for channel in channels
    }  # fmt: skip


class ServerAndClients(RuleBasedStateMachine):
    @initialize(queue_max=st.integers(1, 6))
    def begin(self, queue_max):
        self.clock = 0
        self.state = State(self.tick, done_max={"orders": 2})
        self.figures = Figures()
        lanes = [
            (Lane(self.state, WIRES[wire], accounts, self.figures, lambda: None), wire, accounts)
            for wire, accounts in (("json", None), ("msgpack", None), ("json", frozenset({"main"})))
        ]
        self.lanes = [lane for lane, _, _ in lanes]
        self.ones = [(One(lane, wire, queue), accounts) for lane, wire, accounts in lanes for queue in (queue_max, 256)]

    def tick(self):
        self.clock += 1
        return self.clock

    @rule(
        channel=st.sampled_from(CHANNELS), key=st.sampled_from(KEYS), fields=FIELDS, done=st.booleans(),
        account=st.sampled_from(["", "main", "other"]),
    )  # fmt: skip
    def put(self, channel, key, fields, done, account):
        self.state.put(channel, key, fields, account=account, is_done=done, source="s")

    @rule(channel=st.sampled_from(CHANNELS), key=st.sampled_from(KEYS))
    def remove(self, channel, key):
        self.state.remove(channel, key)

    @rule()
    def go_stale(self):
        self.state.mark_stale("s")

    @rule(at=st.integers(0, 2))
    def round(self, at):
        self.lanes[at].round()

    def of(self, at):
        one = self.ones[at][0]
        return None if one.is_closed else one

    @rule(at=st.integers(0, 5), channels=st.sets(st.sampled_from(CHANNELS)))
    def subscribe(self, at, channels):
        if one := self.of(at):
            one.subscribe(channels)

    @rule(at=st.integers(0, 5), channels=st.sets(st.sampled_from(CHANNELS)))
    def unsubscribe(self, at, channels):
        if one := self.of(at):
            one.unsubscribe(channels)

    @rule(at=st.integers(0, 5), lose=st.booleans(), count=st.integers(1, 4))
    def receive(self, at, lose, count):
        if one := self.of(at):
            for number in range(count):
                one.receive(lose=lose and number == 0)

    @invariant()
    def what_is_sent_is_what_is_held(self):
        """Bring everybody up to date: then nobody differs. A loss at the end is seen with the next message, so one is made."""
        if not hasattr(self, "lanes"):
            return
        for channel in CHANNELS:
            self.state.put(channel, "clock", {"t": self.tick()}, account="main")
        for lane in self.lanes:
            lane.round()
        for one, accounts in self.ones:
            if one.is_closed:
                continue
            one.drain()
            if one.is_closed:
                continue
            assert not one.mirror.suspect
            assert set(one.mirror.data) == one.viewer.channels == one.mirror.wanted
            assert is_same(one.mirror.data, expected(self.state, one.viewer.channels, accounts))


class Seldom(ServerAndClients):
    """The same, with long sequences between the moments at which everybody is brought up to date."""

    steps = 0

    @invariant()
    def what_is_sent_is_what_is_held(self):
        self.steps += 1
        if self.steps % 9 == 0:
            super().what_is_sent_is_what_is_held()


TestServerAndClients = pytest.mark.spec("DS-06", "DS-N2")(ServerAndClients.TestCase)
TestServerAndClients.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSeldom = pytest.mark.spec("DS-06", "DS-07")(Seldom.TestCase)
TestSeldom.settings = settings(max_examples=50, stateful_step_count=60, deadline=None)


def stand(wire="json", queue_max=256):
    state = State(lambda: 1)
    lane = Lane(state, WIRES[wire], None, Figures(), lambda: None)
    return state, lane, One(lane, wire, queue_max)


@pytest.mark.spec("DS-06", "DS-N3")
def test_who_unsubscribed_from_all_is_sent_nothing_and_so_is_who_never_subscribed():
    state, lane, one = stand()
    other = One(lane, "json", 256)
    one.subscribe(CHANNELS)
    one.drain()
    one.unsubscribe(CHANNELS)
    for number in range(5):
        state.put("orders", "a", {"x": number})
        lane.round()
        assert one.viewer.next() is None
        assert other.viewer.next() is None


@pytest.mark.spec("DS-06")
def test_a_new_subscription_gets_the_snapshot_of_that_channel_only():
    state, _, one = stand()
    state.put("orders", "a", {"x": 1})
    state.put("trades", "b", {"x": 1})
    one.subscribe({"orders"})
    one.drain()
    one.subscribe({"orders", "trades"})
    told = orjson.loads(one.viewer.next())
    assert told["type"] == "snapshot"
    assert set(told["data"]) == {"trades"}
    assert one.viewer.next() is None


@pytest.mark.spec("DS-N1")
def test_a_snapshot_is_told_and_counted_as_one():
    state, lane, one = stand()
    one.subscribe({"orders"})
    state.put("orders", "a", {"x": 1})
    lane.round()
    one.drain()
    assert one.figures.sent == {"snapshot": 1, "update": 1}


@pytest.mark.spec("DS-03")
@pytest.mark.parametrize("wire", ["json", "msgpack"])
def test_the_messages_have_the_declared_fields(wire):
    state, lane, one = stand(wire)
    state.put("positions", "BTC_USDT_USDT", {"unrealized_pnl": "1.5", "entry": "100"})
    state.put("positions", "gone", {})
    one.subscribe({"positions"})
    told = one.read(one.viewer.next())
    assert set(told) == {"type", "seq", "time_ns", "data"}
    assert (told["type"], told["seq"]) == ("snapshot", 1)
    state.put("positions", "BTC_USDT_USDT", {"unrealized_pnl": "2.5", "entry": "100"})
    state.remove("positions", "gone")
    lane.round()
    assert one.read(one.viewer.next()) == {
        "type": "update", "seq": 2, "time_ns": 1, "removed": ["positions.gone"],
        "changes": {"positions.BTC_USDT_USDT.unrealized_pnl": "2.5"},
    }  # fmt: skip


@pytest.mark.spec("DS-07")
def test_a_viewer_that_does_not_keep_up_gets_one_snapshot_and_the_next_time_it_is_let_go():
    state, lane, one = stand(queue_max=4)
    one.subscribe({"orders"})
    for number in range(20):
        state.put("orders", "a", {"x": number})
        lane.round()
    one.viewer.say({"type": "ack", "id": "1"})
    assert one.viewer.waiting == 1  # the answer; what else waited is gone
    first, second = orjson.loads(one.viewer.next()), orjson.loads(one.viewer.next())
    assert first["type"] == "ack"
    assert (second["type"], second["data"]["orders"]["a"]["x"]) == ("snapshot", 19)
    assert one.viewer.next() is None
    for number in range(20):
        state.put("orders", "a", {"x": number})
        lane.round()
    with pytest.raises(Closed):
        one.viewer.next()


@pytest.mark.spec("DS-06")
def test_a_round_between_which_a_value_came_back_sends_nothing():
    state, lane, one = stand()
    state.put("orders", "a", {"x": 1})
    one.subscribe({"orders"})
    one.drain()
    state.put("orders", "a", {"x": 2})
    state.put("orders", "a", {"x": 1})
    state.put("orders", "b", {"x": 1})
    state.remove("orders", "b")
    lane.round()
    assert one.viewer.next() is None


@pytest.mark.spec("DS-12", "DS-07")
def test_a_write_that_takes_too_long_ends_the_connection_and_a_cancelled_one_is_cancelled():
    state, _, one = stand()
    state.put("orders", "a", {})
    one.subscribe({"orders"})

    async def never(data):
        await asyncio.Event().wait()

    async def main():
        with pytest.raises(Closed) as closed:
            await one.viewer.run(never, write_s=0.01)
        assert closed.value.code == 1013
        running = asyncio.create_task(One(one.lane, "json", 4).viewer.run(never))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())


@pytest.mark.spec("DS-06", "DS-13", "DS-N2", "DS-N3")
@pytest.mark.parametrize("wire", ["json", "msgpack"])
def test_ten_thousand_changes_in_less_than_a_third_of_the_bytes(wire):
    """Changes that keep the count, removals, a frame that is lost, and an end of all subscriptions."""
    dice = random.Random(7)
    state, lane, one = stand(wire)
    one.subscribe({"orders", "positions"})
    one.drain()
    snapshots = differences = frames = 0
    for number in range(10_000):
        keys = list(state.entries("orders"))
        match dice.randrange(4):
            case 0 if len(keys) > 20:
                state.remove("orders", dice.choice(keys))
            case 1 if keys:  # the count stays
                state.remove("orders", dice.choice(keys))
                state.put("orders", f"o{number}", {"price": str(number), "status": "NEW", "filled": "0"})
            case 2 if keys:
                key = dice.choice(keys)
                state.put("orders", key, state.get("orders", key) | {"filled": str(number)})
            case _:
                state.put("orders", f"o{number}", {"price": str(number), "status": "NEW", "filled": "0"})
                state.put("positions", f"p{number % 10}", {"quantity": str(number)})
        lane.round()
        if number % 50 == 0:
            snapshots += len(lane.snapshot(one.viewer.channels)) * 50
        while (data := one.viewer.next()) is not None:
            frames += 1
            differences += len(data)
            if frames % 997 == 0:
                continue  # lost
            told = one.read(data)
            if asked := one.mirror.take(told):
                lane.refresh(one.viewer, asked)
            elif not one.mirror.suspect and number % 100 == 0:
                assert one.mirror.data == expected(state, ["orders", "positions"])
    assert one.mirror.gaps == frames // 997
    assert one.mirror.data == expected(state, ["orders", "positions"])
    assert differences < 0.3 * snapshots
    one.unsubscribe({"orders", "positions"})
    for number in range(5):
        state.put("orders", "a", {"price": str(number)})
        lane.round()
        assert one.viewer.next() is None
