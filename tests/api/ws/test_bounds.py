"""Sockets that are silent, sockets beyond the last one there is room for, and what is put into the state by other parts."""

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from b25.api.routes import ws as route
from b25.api.ws import hub
from b25.client.mirror import Mirror
from tests.api.ws.test_socket import closed, connect, heard, say
from tests.bus.stand import seen


@pytest.mark.spec("DS-12")
def test_who_says_nothing_for_a_minute_is_let_go(served, monkeypatch):
    monkeypatch.setattr(route, "READ_S", 0.2)

    async def main():
        async with connect(served.url()) as line:
            assert await closed(line) == 1001

    asyncio.run(main())


@pytest.mark.spec("DS-12", "GW-15")
def test_no_more_sockets_are_opened_than_there_is_room_for(served, monkeypatch):
    monkeypatch.setattr(hub, "VIEWERS_MAX", 1)

    async def main():
        async with connect(served.url()):
            with pytest.raises(InvalidStatus) as refused:
                await connect(served.url())
            assert refused.value.response.status_code == 503
        await seen(lambda: not served.hub.connections)
        async with connect(served.url()) as line:
            await say(line, type="ping")
            await heard(line, "pong")

    asyncio.run(main())


@pytest.mark.spec("CO-05")
def test_an_annotation_reaches_who_looks(served):
    async def main():
        async with connect(served.url()) as line:
            mirror = Mirror()
            mirror.subscribed({"annotations"})
            await say(line, type="subscribe", channels=["annotations"])
            mirror.take(await heard(line))
            served.state.put("annotations", "7", {"text": "<b>look</b> \ud83d", "by": "ann"})
            mirror.take(await heard(line, "update"))
            assert mirror.get("annotations.7.text") == "<b>look</b> ?"

    asyncio.run(main())
