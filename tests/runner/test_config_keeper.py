"""From a commit over the real bus to a session that runs, and its answer back; and who is told of what."""

import asyncio

import pytest

from b25.bus.address import TOKEN_FILE, URL
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.bus.subscriber import watch as read_along
from b25.bus.thread import BusThread
from b25.runner.config_keeper import ConfigKeeper, nudge, tried
from b25.runner.session_telemetry import telling
from tests.bus.conftest import server
from tests.bus.stand import quiet
from tests.runner.test_config_feed import KEY, Stand
from tests.runner.test_live_session import seen, venue

__all__ = ["server", "venue"]


@pytest.mark.spec("CF-14")
@pytest.mark.spec("CF-15")
def test_a_change_is_told_on_the_bus_and_the_session_s_answer_too(venue, server, tmp_path, monkeypatch):
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.delenv(TOKEN_FILE, raising=False)
    stand = Stand(venue, tmp_path)
    publisher = Publisher("gateway", "test")
    keeper = ConfigKeeper(stand.configurations, stand.said.append, publisher=publisher, look_s=0.02)
    line = BusThread(server.address, publisher, quiet)
    heard = []

    async def act(stand, loop):
        link = await open_link(server.address, "operator/test", quiet)
        await read_along(link, "config.>", lambda name, message, _: heard.append((name, message)))
        version = stand.hold(KEY, "risk_limit", {"account": {"collar": 0.02}})
        assert (await stand.answered(KEY, version)).outcome == "applied"
        await seen(lambda: any(name == "config.acks.paper-1" for name, _ in heard))
        await seen(
            lambda: [one.body.action for name, one in heard if name == "config.updates.risk_limit"] == ["created", "activated"]
        )
        assert "paper-1" in await asyncio.to_thread(nudge, stand.folder / "run")
        said = await asyncio.to_thread(tried, stand.folder / "run", "risk_limit", KEY, 2, {"account": {"order_value_max": 0.01}})
        assert [(one["session"], one["outcome"]) for one in said] == [("paper-1", "rejected")]
        await link.close()

    line.start()
    keeper.start()
    try:
        with telling(server.address.url, server.folder, stand.plan, quiet) as telemetry:
            stand.run(act, also=telemetry.watch)
    finally:
        keeper.stop()
        line.close()
        stand.store.close()
    ack = next(one.body for name, one in heard if name == "config.acks.paper-1")
    assert (ack.session, ack.key, ack.version, ack.outcome) == ("paper-1", KEY, 1, "applied")
