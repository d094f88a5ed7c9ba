"""The status page: one page of its own, live, without keys, and deaf to names that are markup."""

import re
from pathlib import Path

import aiohttp
import pytest

from b25.venue.wire.status import HEADERS, PAGE
from tests.venue.streams.live import run

HOSTILE = '<img src=x onerror="alert(1)">'


def test_the_page_needs_nothing_from_outside_and_writes_no_markup():
    page = PAGE.decode()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", page)
    assert "sha256-" in HEADERS["Content-Security-Policy"]
    assert "unsafe-inline'; img" in HEADERS["Content-Security-Policy"]  # for styles alone


def test_the_page_and_its_socket(tmp_path: Path):
    async def act(house):
        house.venue.exchange.open_account(HOSTILE)
        house.venue.faults.set("diff_drop", where="ethusdt@depth*")
        async with house.market(), house.session.get(house.venue.plain_url + "/") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            assert await answer.read() == PAGE
            client = house.ccxt()
            await client.create_order("BTC/USDT", "limit", "buy", 0.01, 40_000)
            await client.create_order("BTC/USDT:USDT", "market", "buy", 0.01)
            line = await house.socket("/status/ws")
            state = await line.next()
            assert state["detail"]["key"] == "spot:BTCUSDT"
            assert state["detail"]["bids"][0] == ["49000.00", "3.00000"]
            assert state["detail"]["asks"][0][0] == "51000.00"
            await line.say({"show": "linear:BTCUSDT"})
            state = await line.until(lambda message: message["detail"]["key"] == "linear:BTCUSDT" and message["detail"]["trades"])
            assert [one["name"] for one in state["accounts"]] == ["alice", "bob", HOSTILE]
            rows = state["accounts"][0]["rows"]
            assert ["spot", "BUY 0.01000 BTCUSDT", "@ 40000.00", "buy"] in rows
            assert any(row[0] == "position" and row[1].startswith("0.010 BTCUSDT @ ") for row in rows)
            assert state["faults"] == ["diff_drop on ethusdt@depth* (struck 0)"]
            assert {"time", "mode", "requests", "messages", "sockets", "streams", "symbols", "limits"} < set(state)
            for key in house.keys.values():
                assert key.key not in str(state)
                assert key.secret not in str(state)
            await line.say("nonsense")
            await line.say({"show": ["x"]})
            state = await line.until(lambda message: message["detail"]["key"] == "spot:BTCUSDT")

    run(tmp_path, act)


def test_another_sites_page_gets_nothing(tmp_path: Path):
    async def act(house):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await house.socket("/status/ws", headers={"Origin": "http://evil.example"})
        assert refused.value.status == 403
        own = house.venue.plain_url
        assert (await (await house.socket("/status/ws", headers={"Origin": own})).next())["symbols"]

    run(tmp_path, act)


def test_nothing_is_rendered_while_nobody_looks(tmp_path: Path, monkeypatch):
    calls = []
    monkeypatch.setattr("b25.venue.wire.status.StatusPage.common", lambda self: calls.append(1) or {})

    async def act(house):
        async with house.market():
            line = await house.socket("/ws/btcusdt@trade")
            await line.next()
        assert calls == []

    run(tmp_path, act)
