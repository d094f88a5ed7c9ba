"""Messages through a real server: delivery, doubles, overtaking, full queues, slow and failing readers."""

import asyncio

import pytest

from b25.bus import bodies
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.bus.subscriber import Subscriber
from b25.model.errors import Halt, Misuse
from tests.bus.stand import quiet, sample, seen


def alert(text):
    return bodies.Alert(session="s", text=text)


def ticker(bid):
    return bodies.Ticker(symbol="BTC/USDT", bid=str(bid), ask=None, last=None)


class Heard:
    """A reader that keeps what it was handed."""

    def __init__(self):
        self.messages = []

    async def __call__(self, name, message):
        self.messages.append((name, message))

    @property
    def texts(self):
        return [message.body.text for _, message in self.messages]


def with_link(server, act):
    async def run():
        link = await open_link(server.address, "test", quiet)
        try:
            return await act(link)
        finally:
            await link.close()

    return asyncio.run(run())


@pytest.mark.spec("BUS-02")
def test_a_message_arrives_as_it_was_sent(server):
    async def act(link):
        reader, heard = Subscriber(link, "operator"), Heard()
        publisher = Publisher("session", "live-1", account="main")
        for pattern in ("account.pnl", "alerts.{severity}"):
            await reader.read(pattern, heard).started.wait()
        body = sample(bodies.ProfitAndLoss)
        publisher.channel("account.pnl").offer(body, 5, receive_ns=6, correlation_id="run-1")
        publisher.channel("alerts.{severity}", severity="warning").offer(alert("look"), 7)
        await publisher.send(link)
        await seen(lambda: len(heard.messages) == 2)
        await reader.close()
        return dict(heard.messages)

    got = with_link(server, act)
    message = got["account.pnl"]
    assert message.body == sample(bodies.ProfitAndLoss)
    assert (message.seq, message.event_ns, message.receive_ns) == (1, 5, 6)
    assert (message.source, message.correlation_id, message.account) == ("session/live-1", "run-1", "main")
    assert got["alerts.warning"].body.text == "look"


def test_a_reader_reads_only_what_is_its_own(server):
    async def act(link):
        reader = Subscriber(link, "session")
        for pattern in ("fills.{symbol}", "weather.{symbol}"):
            with pytest.raises(Misuse):
                reader.read(pattern, Heard())

    with_link(server, act)


@pytest.mark.spec("BUS-04")
def test_what_only_the_latest_counts_of_is_replaced_and_counted(server):
    async def act(link):
        publisher = Publisher("session", "s")
        channel = publisher.channel("market_data.{symbol}.ticker", symbol="BTC_USDT")
        reader, heard = Subscriber(link, "operator"), Heard()
        reading = reader.read("market_data.{symbol}.ticker", heard)
        await reading.started.wait()
        for lot in (range(5), range(5, 9)):
            for bid in lot:
                channel.offer(ticker(bid), bid)
            assert publisher.waiting == 1
            await publisher.send(link)
        await seen(lambda: heard.messages and heard.messages[-1][1].body.bid == "8")
        assert publisher.counts.overtaken == 7
        await reader.close()
        return reading.counts, heard

    counts, heard = with_link(server, act)
    assert counts.holes + (counts.handled - 1) == 9 - heard.messages[0][1].seq


def test_a_slow_reader_of_the_latest_gets_the_newest(server):
    async def act(link):
        gate, got = asyncio.Event(), []

        async def slow(_, message):
            got.append(message.body.bid)
            await gate.wait()

        reader, publisher = Subscriber(link, "operator"), Publisher("session", "s")
        channel = publisher.channel("market_data.{symbol}.ticker", symbol="BTC_USDT")
        reading = reader.read("market_data.{symbol}.ticker", slow)
        await reading.started.wait()
        for bid in range(20):
            channel.offer(ticker(bid), bid)
            await publisher.send(link)
        await seen(lambda: reading.counts.overtaken + len(got) >= 19)
        gate.set()
        await seen(lambda: got[-1] == "19")
        await reader.close()
        return got

    got = with_link(server, act)
    assert len(got) <= 2


def test_the_latest_of_one_source_does_not_replace_that_of_another(server):
    async def act(link):
        gate, got = asyncio.Event(), []

        async def slow(_, message):
            await gate.wait()
            got.append((message.source, message.body.bid))

        reader = Subscriber(link, "operator")
        reading = reader.read("market_data.{symbol}.ticker", slow)
        await reading.started.wait()
        for bid in range(4):
            for name in ("a", "b", "c"):
                publisher = Publisher("session", name)
                publisher.channel("market_data.{symbol}.ticker", symbol="BTC_USDT").offer(ticker(bid), bid)
                await publisher.send(link)
        await seen(lambda: reading.counts.overtaken >= 8)
        gate.set()
        await seen(lambda: {("session/a", "3"), ("session/b", "3"), ("session/c", "3")} <= set(got))
        await reader.close()

    with_link(server, act)


@pytest.mark.spec("BUS-05")
def test_a_message_told_twice_is_handled_once(server):
    async def act(link):
        publisher, heard = Publisher("session", "s"), Heard()
        channel = publisher.channel("alerts.{severity}", severity="info")
        for _ in range(3):
            channel.offer(alert("once"), 1, message_id="the-same")
        channel.offer(alert("last"), 1)
        await publisher.send(link)
        reader = Subscriber(link, "operator")
        reader.read("alerts.{severity}", heard)
        await seen(lambda: "last" in heard.texts)
        await reader.close()
        return publisher.counts.doubled, heard.texts

    assert with_link(server, act) == (2, ["once", "last"])


def test_a_double_that_the_server_did_not_see_is_known_by_its_id(server):
    async def act(link):
        heard = Heard()
        reader = Subscriber(link, "operator")
        reading = reader.read("alerts.{severity}", heard)
        publisher = Publisher("session", "s")
        for severity in ("info", "warning"):  # the server knows doubles by their id too, so take its memory away between them
            channel = publisher.channel("alerts.{severity}", severity=severity)
            channel.offer(alert("once"), 1, message_id="the-same")
            await publisher.send(link)
            await seen(lambda: heard.texts == ["once"])
            config = (await link.stream.stream_info("B25_NOTICES")).config
            config.duplicate_window = 0.1
            await link.stream.update_stream(config)
            await asyncio.sleep(0.3)
        channel.offer(alert("last"), 1)
        await publisher.send(link)
        await seen(lambda: "last" in heard.texts)
        await reader.close()
        return reading.counts.doubled, heard.texts

    doubled, texts = with_link(server, act)
    assert texts == ["once", "last"]
    assert doubled <= 1


def test_a_reader_goes_on_where_it_was(server):
    async def act(link):
        publisher = Publisher("session", "s")
        channel = publisher.channel("alerts.{severity}", severity="info")
        lives = []
        for life in range(2):
            for k in range(3):
                channel.offer(alert(f"{life}-{k}"), 1)
            await publisher.send(link)
            reader, heard = Subscriber(link, "operator"), Heard()
            reading = reader.read("alerts.{severity}", heard, durable="screen")
            await seen(lambda reading=reading: reading.counts.handled == 3)
            await link.client.flush()
            await reader.close()
            lives.append(heard.texts)
        return lives

    assert with_link(server, act) == [["0-0", "0-1", "0-2"], ["1-0", "1-1", "1-2"]]


def test_a_reader_that_fails_at_times_gets_the_message_again(server):
    async def act(link):
        tries, got = [], []

        async def shaky(_, message):
            tries.append(message.body.text)
            if len(tries) < 3:
                raise ValueError("not yet")
            got.append(message.body.text)

        publisher, reader = Publisher("session", "s"), Subscriber(link, "operator")
        channel = publisher.channel("alerts.{severity}", severity="info")
        channel.offer(alert("a"), 1)
        channel.offer(alert("b"), 1)
        await publisher.send(link)
        reader.read("alerts.{severity}", shaky)
        await seen(lambda: len(got) == 2)
        await reader.close()
        return tries, got

    assert with_link(server, act) == (["a", "a", "a", "b"], ["a", "b"])


def test_a_reader_that_always_fails_ends_and_loses_nothing(server):
    async def act(link):
        async def broken(_, message):
            raise ValueError("never")

        publisher, heard = Publisher("session", "s"), Heard()
        publisher.channel("alerts.{severity}", severity="info").offer(alert("a"), 1)
        await publisher.send(link)
        reader = Subscriber(link, "operator")
        reader.read("alerts.{severity}", broken, durable="screen")
        with pytest.raises(Halt, match="5 times"):
            await reader.run()
        info = await link.stream.consumer_info("B25_NOTICES", "screen")
        again = Subscriber(link, "operator")
        again.read("alerts.{severity}", heard)
        await seen(lambda: heard.texts == ["a"])
        await again.close()
        return info.num_ack_pending

    assert with_link(server, act) == 1


@pytest.mark.spec("BUS-04")
def test_a_queue_that_stays_full_ends_its_reader_and_loses_nothing(server):
    async def act(link):
        gate = asyncio.Event()

        async def stuck(_, message):
            await gate.wait()

        publisher = Publisher("session", "s")
        channel = publisher.channel("alerts.{severity}", severity="info")
        for k in range(20):
            channel.offer(alert(str(k)), 1)
        await publisher.send(link)
        reader = Subscriber(link, "operator")
        reading = reader.read("alerts.{severity}", stuck, durable="screen", queue_max=4, full_s=0.2)
        with pytest.raises(Halt, match="has not kept up: 4 messages wait"):
            await reader.run()
        assert isinstance(reading.fault, Halt)
        held = await link.stream.consumer_info("B25_NOTICES", "screen")
        await reader.close()
        return held

    held = with_link(server, act)
    assert held.num_ack_pending <= 6  # the server waits as well
    assert held.num_pending + held.num_ack_pending == 20


def test_what_cannot_be_read_is_said_and_does_not_stop_the_rest(server):
    async def act(link):
        said, heard = [], Heard()
        link.say = said.append
        reader, publisher = Subscriber(link, "operator"), Publisher("session", "s")
        await link.stream.publish("alerts.info", b"not ours")
        publisher.channel("alerts.{severity}", severity="info").offer(alert("after"), 1)
        await publisher.send(link)
        reading = reader.read("alerts.{severity}", heard)
        await seen(lambda: heard.texts == ["after"])
        await reader.close()
        return reading.counts.unreadable, said

    unreadable, said = with_link(server, act)
    assert unreadable == 1
    assert any("no JSON" in text for text in said)


@pytest.mark.spec("BUS-07")
def test_a_publisher_without_a_bus_keeps_what_must_arrive_up_to_its_bound():
    publisher = Publisher("session", "s", kept_max=3)
    channel = publisher.channel("alerts.{severity}", severity="info")
    assert [channel.offer(alert(str(k)), 1) for k in range(5)] == [True, True, True, False, False]
    assert publisher.counts.refused == 2
    assert publisher.waiting == 3
