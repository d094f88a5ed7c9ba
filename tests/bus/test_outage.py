"""The server goes away: killed, restarted, or come back empty. Nothing that must arrive is lost, and nobody waits for it."""

import asyncio
import shutil

import pytest

from b25.bus.address import bus_folder
from b25.bus.publisher import Publisher
from b25.bus.subscriber import Subscriber
from b25.bus.thread import BusThread
from tests.bus.stand import quiet, seen
from tests.bus.test_messages import Heard, alert, ticker, with_link


@pytest.mark.spec("BUS-07")
def test_the_server_goes_away_and_comes_back_and_everything_that_must_arrive_does(server):
    said, heard = [], []
    publisher = Publisher("session", "s")
    channel = publisher.channel("alerts.{severity}", severity="info")
    latest = publisher.channel("market_data.{symbol}.ticker", symbol="BTC_USDT")
    bus = BusThread(server.address, publisher, said.append)
    bus.start()

    def reads(count):
        async def act(link):
            reader, found = Subscriber(link, "operator"), Heard()
            reader.read("alerts.{severity}", found)
            await seen(lambda: len(found.texts) >= count)
            await reader.close()
            return found.texts

        return with_link(server, act)

    def wait(holds):
        asyncio.run(seen(holds))

    try:
        channel.offer(alert("before"), 1)
        wait(lambda: publisher.waiting == 0)
        server.stop()
        wait(lambda: not bus.link.is_up)
        for k in range(50):
            assert channel.offer(alert(f"down-{k}"), 1)
            assert latest.offer(ticker(k), k)
        assert publisher.waiting == 51
        server.start()
        wait(lambda: publisher.waiting == 0)
        heard = reads(51)
    finally:
        bus.close()
    assert heard == ["before", *(f"down-{k}" for k in range(50))]
    assert any("lost" in text for text in said)
    assert any("back" in text for text in said)


@pytest.mark.spec("BUS-N4")
def test_a_bus_that_is_asked_for_and_not_there_stops_the_start(server):
    address = server.address
    server.stop()
    with pytest.raises(Exception, match="does not answer"):
        BusThread(address, Publisher("session", "s"), quiet).start()


def test_a_server_that_comes_back_empty_is_used_again(server):
    publisher, heard = Publisher("session", "s"), Heard()
    channel = publisher.channel("alerts.{severity}", severity="info")

    async def act(link):
        reader = Subscriber(link, "operator")
        reader.read("alerts.{severity}", heard, durable="screen")
        channel.offer(alert("before"), 1)
        await publisher.send(link)
        await seen(lambda: heard.texts == ["before"])
        await asyncio.to_thread(server.stop)
        shutil.rmtree(bus_folder(server.folder) / "streams")
        channel.offer(alert("after"), 1)
        await asyncio.to_thread(server.start)
        await seen(lambda: link.reconnects > 0)
        while publisher.waiting:
            await publisher.send(link)
        await seen(lambda: heard.texts == ["before", "after"])
        await reader.close()

    with_link(server, act)


def test_a_server_that_is_killed_has_what_it_confirmed(server):
    publisher = Publisher("session", "s")
    channel = publisher.channel("alerts.{severity}", severity="info")

    async def fill(link):
        for k in range(100):
            channel.offer(alert(str(k)), 1)
        await publisher.send(link)

    async def read(link):
        reader, heard = Subscriber(link, "operator"), Heard()
        reader.read("alerts.{severity}", heard)
        await seen(lambda: len(heard.texts) >= 100)
        await reader.close()
        return heard.texts

    with_link(server, fill)
    assert publisher.waiting == 0
    server.process.kill()
    server.stop()
    server.start()
    assert with_link(server, read) == [str(k) for k in range(100)]
