"""Orders and fills reach the bus after they are committed, once each, also over an outage; and commands are done once."""

import asyncio
import time

import pytest

from b25.bus import bodies
from b25.bus.command_desk import CommandDesk, send_command
from b25.bus.delivery import Delivery, became
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.bus.subjects import subject_of
from b25.bus.subscriber import Subscriber
from b25.bus.thread import BusThread
from b25.model.errors import Misuse, Retry
from b25.store.outbox import Outbox
from b25.store.store import open_store
from tests.bus.stand import quiet, seen
from tests.bus.test_messages import Heard, with_link
from tests.store.test_store import LEGS, fill, intent, log_of

EVENT = {"src": "WS", "status": "NEW", "cum_qty": "0", "venue_oid": "7", "venue_ts_ms": 5}


class Books:
    """An account's store, and orders in it."""

    def __init__(self, folder):
        self.url = f"sqlite:///{folder / 'store.db'}"
        self.store = open_store(self.url)
        self.log = log_of(self.store)
        self.count = 0

    def order(self, *states):
        name = f"b25-00000-{self.log.lease.epoch}-{self.count}"
        self.log.intend(intent(self.log, self.count, coid=name))
        self.log.record([EVENT | {"coid": name, "status": state} for state in states])
        self.count += 1
        return name

    def fill(self, trade_id, name):
        self.log.book(fill(trade_id, coid=name), LEGS, strategy="s")


@pytest.fixture
def books(tmp_path):
    made = Books(tmp_path)
    yield made
    made.store.close()


def delivery_of(books, say=quiet):
    return Delivery(Outbox(books.url, "main"), "session/s", say)


def heard_of(server, pattern, count):
    async def act(link):
        reader, heard = Subscriber(link, "operator"), Heard()
        reader.read(pattern, heard)
        try:
            await seen(lambda: len(heard.messages) >= count)
        finally:
            await reader.close()
        return heard.messages

    return with_link(server, act)


def test_each_state_has_its_subject(server, books):
    name = books.order("SENDING", "NEW", "CANCELING", "NEW", "PARTIAL", "FILLED")
    books.order("REJECTED")
    books.order("NEW", "EXPIRED")
    books.fill("1", name)
    delivery = delivery_of(books)
    with_link(server, delivery.once)
    delivery.outbox.close()
    told = {pattern: heard_of(server, f"orders.{pattern}.{{symbol}}", count) for pattern, count in
            {"created": 2, "updated": 4, "filled": 1, "rejected": 1, "canceled": 1}.items()}  # fmt: skip
    assert [message.body.status for _, message in told["updated"]] == ["SENDING", "CANCELING", "NEW", "PARTIAL"]
    assert {at for at, _ in told["created"]} == {"orders.created.BTC_USDT"}
    ((_, message),) = heard_of(server, "fills.{symbol}", 1)
    assert (message.body.symbol, message.body.trade_id, message.body.quantity) == ("BTC/USDT", "1", "0.25")
    assert (message.account, message.correlation_id, message.event_ns) == ("main", name, 5_000_000)


def test_a_delivery_that_was_not_noted_is_repeated_and_arrives_once(server, books):
    name = books.order("NEW")
    books.fill("1", name)
    for _ in range(2):
        delivery = delivery_of(books)
        delivery.outbox.delivered = lambda ids: None  # it died before it noted them
        with_link(server, delivery.once)
        delivery.outbox.close()
    books.fill("2", name)
    last = delivery_of(books)
    with_link(server, last.once)
    assert last.counts.doubled == 2
    assert last.outbox.waiting() == 0
    last.outbox.close()
    fills = heard_of(server, "fills.{symbol}", 2)
    assert [message.body.trade_id for _, message in fills] == ["1", "2"]


@pytest.mark.spec("BUS-07", "BUS-N3")
def test_the_bus_is_down_and_the_session_goes_on_and_everything_arrives_later(server, books):
    delivery = delivery_of(books)
    bus = BusThread(server.address, Publisher("session", "s"), quiet, delivery=delivery)
    bus.start()
    try:
        name = books.order("NEW")
        asyncio.run(seen(lambda: delivery.outbox.waiting() == 0))
        server.stop()
        asyncio.run(seen(lambda: not bus.link.is_up))
        for k in range(30):
            books.fill(str(k), name)
        assert delivery.outbox.waiting() == 30
        server.start()
        asyncio.run(seen(lambda: delivery.outbox.waiting() == 0))
    finally:
        bus.close()
        delivery.outbox.close()
    fills = heard_of(server, "fills.{symbol}", 30)
    assert [message.body.trade_id for _, message in fills] == [str(k) for k in range(30)]


def test_what_is_committed_at_the_very_end_is_delivered_before_the_end(server, books):
    delivery = delivery_of(books)
    bus = BusThread(server.address, Publisher("session", "s"), quiet, delivery=delivery)
    bus.start()
    books.fill("1", books.order("NEW"))
    bus.close()
    assert delivery.outbox.waiting() == 0
    delivery.outbox.close()


def test_a_store_that_is_gone_is_said_once(server, tmp_path):
    said = []
    delivery = Delivery(Outbox(f"sqlite:///{tmp_path}/missing/store.db", "main"), "session/s", said.append)
    assert [with_link(server, delivery.once) for _ in range(3)] == [0, 0, 0]
    assert len(said) == 1
    delivery.outbox.close()


@pytest.mark.parametrize(("status", "word"), [("NEW", "created"), ("UNKNOWN", "updated"), ("DENIED", "rejected")])
def test_a_state_becomes_a_word(status, word):
    assert became({"status": status, "seq": 1, "first_new_seq": 1}) == word
    assert subject_of(f"orders.{word}.BTC_USDT")


# Commands.


def desk_with(server, handle, act, clock_ns=time.time_ns):
    """Have a session with a desk in its own thread, and do something as its operator."""
    publisher = Publisher("session", "live-1")
    desk = CommandDesk("live-1", handle, publisher, clock_ns=clock_ns)
    bus = BusThread(server.address, publisher, quiet, begin=desk.read)
    bus.start()
    try:
        return with_link(server, act)
    finally:
        bus.close()


def test_a_command_is_done_and_answered(server):
    asked = []

    async def handle(request):
        asked.append(request)
        return {"state": "paused"}

    async def act(link):
        return await send_command(link, "live-1", {"command": "pause"}, by="ann", reason="looks wrong", within_s=20)

    result = desk_with(server, handle, act)
    assert (result.is_done, result.answer, result.session) == (True, {"state": "paused"}, "live-1")
    assert len(asked[0].pop("id")) == 32
    assert asked == [{"command": "pause", "by": "ann", "reason": "looks wrong"}]


def test_a_command_that_cannot_be_done_is_answered_with_the_remedy(server):
    async def handle(request):
        raise Misuse("there is no parameter 'x'", remedy="use one of a, b")

    async def act(link):
        return await send_command(link, "live-1", {"command": "set"}, by="ann", reason="test", within_s=20)

    result = desk_with(server, handle, act)
    assert not result.is_done
    assert result.answer == {"what": "there is no parameter 'x'", "remedy": "use one of a, b"}


@pytest.mark.spec("BUS-05", "SYS-16")
def test_a_command_told_twice_is_done_once_and_answered_again(server):
    done = []

    async def handle(request):
        done.append(request)
        return {}

    async def act(link):
        publisher, heard = Publisher("operator", "ann"), Heard()
        reader = Subscriber(link, "operator")
        reader.read("command_results.{session}", heard)
        channel = publisher.channel("commands.{session}", session="live-1")
        now_ns = time.time_ns()
        body = bodies.CommandRequest(
            command_id="c1", by="ann", reason="r", valid_until_ns=now_ns + 60_000_000_000, request={"command": "flatten"}
        )
        for again in range(3):  # as other messages, so that the desk and not the server must know it
            channel.offer(body, now_ns, message_id=f"m{again}")
        channel.offer(
            bodies.CommandRequest(command_id="c2", by="a", reason="r", valid_until_ns=body.valid_until_ns, request={}), now_ns
        )
        await publisher.send(link)
        await seen(lambda: any(message.body.command_id == "c2" for _, message in heard.messages))
        await reader.close()
        return [message.body.command_id for _, message in heard.messages]

    assert desk_with(server, handle, act) == ["c1", "c2"]
    assert [request.get("command") for request in done] == ["flatten", None]


def test_a_command_that_comes_too_late_is_refused(server):
    async def handle(request):
        raise AssertionError("done all the same")

    async def act(link):
        return await send_command(link, "live-1", {"command": "resume"}, by="ann", reason="test", within_s=20)

    result = desk_with(server, handle, act, clock_ns=lambda: time.time_ns() + 60_000_000_000)
    assert not result.is_done
    assert "too late" in result.answer["what"]


def test_a_session_that_does_not_answer_is_told_as_that(server):
    async def act(link):
        await send_command(link, "nobody", {"command": "pause"}, by="ann", reason="test", within_s=0.5)

    with pytest.raises(Retry, match="has not answered"):
        with_link(server, act)


def test_a_command_needs_a_name_and_a_reason(server):
    async def act(link):
        await send_command(link, "live-1", {}, by="", reason="x")

    with pytest.raises(Misuse, match="a name and a reason"):
        with_link(server, act)


def test_a_link_can_be_opened_twice(server):
    async def both():
        links = [await open_link(server.address, name, quiet) for name in ("a", "b")]
        for link in links:
            await link.close()

    asyncio.run(both())
