"""The state is fed by a real bus, from the store on both databases, and from the run folder; what is silent is marked."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from b25.api.state import feed as feeding
from b25.api.state.feed import Feed
from b25.api.state.hydrate import from_folder, from_store
from b25.api.state.state import State
from b25.bus import bodies
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.config.settings import Settings
from b25.model.errors import Retry
from b25.runner.seat import Seat
from tests.bus.conftest import server  # noqa: F401 - a fixture
from tests.bus.stand import quiet, sample, seen
from tests.store.conftest import store, url  # noqa: F401 - fixtures
from tests.store.test_store import LEGS, fill, intent, log_of

EVENT = {"src": "WS", "status": "NEW", "cum_qty": "0", "venue_oid": "7", "venue_ts_ms": 5}


@pytest.fixture
def settings(tmp_path):
    return Settings(database_url=f"sqlite:///{tmp_path}/other.db", run_folder=tmp_path / "run")


async def tell(link, publisher, pattern, body, **tokens):
    publisher.channel(pattern, **tokens).offer(body, 1_000)
    await publisher.send(link)


async def running(feed, act):
    await feed.start()
    try:
        await act()
    finally:
        await feed.stop()


def test_open_orders_and_last_fills_are_read_from_the_store(store):  # noqa: F811
    log = log_of(store)
    for number in range(3):
        log.intend(intent(log, number, coid=f"c{number}"))
    log.record([EVENT | {"coid": "c0"}, EVENT | {"coid": "c1"}, EVENT | {"coid": "c1", "status": "FILLED", "cum_qty": "1"}])
    log.book(fill(coid="c1"), LEGS, strategy="s")
    state = State()
    from_store(state, store, 100)
    assert {key: one["status"] for key, one in state.entries("orders").items()} == {"c0": "NEW", "c2": "INTENT"}
    (one,) = state.entries("fills").values()
    assert (one["client_id"], one["account"], one["is_synthetic"]) == ("c1", "main", False)
    log.record([EVENT | {"coid": "c0", "status": "PARTIAL", "cum_qty": "0.5"}])
    from_store(state, store, 100)
    assert (state.get("orders", "c0")["status"], state.get("orders", "c0")["filled"]) == ("PARTIAL", "0.5")


def session_at(folder, name, **more):
    path = folder / "sessions" / name
    path.mkdir(parents=True, exist_ok=True)
    told = {"session": name, "strategy": "S", "mode": "paper", "account": "", "time_ns": 1_000, "state": "active"} | more
    (path / "status.json").write_bytes(orjson.dumps(told))


def test_sessions_are_read_from_the_run_folder_and_one_that_is_gone_is_marked(tmp_path):
    state, told = State(lambda: 2_000), []
    session_at(tmp_path, "a")
    session_at(tmp_path, "b")
    seat = Seat.take(tmp_path, "a")
    from_folder(state, tmp_path, lambda: 2_000)
    state.watch(lambda channel, key: told.append((channel, key)))
    sessions = state.entries("sessions")
    assert {key: (one["is_running"], one["is_stale"]) for key, one in sessions.items()} == {
        "a": (True, False),
        "b": (False, True),
    }
    assert sessions["a"]["status"]["state"] == "active"
    from_folder(state, tmp_path, lambda: 2_000)
    assert told == []  # nothing changed
    seat.leave()
    from_folder(state, tmp_path, lambda: 2_000)
    assert state.get("sessions", "a")["is_stale"]
    from_folder(state, tmp_path, lambda: 2_000)
    assert state.get("sessions", "a")["is_stale"]


def test_a_status_that_is_no_status_is_passed_over(tmp_path):
    session_at(tmp_path, "a", session="b")
    (tmp_path / "sessions" / "c").mkdir()
    (tmp_path / "sessions" / "c" / "status.json").write_text("{")
    state = State()
    from_folder(state, tmp_path, lambda: 1)
    assert state.entries("sessions") == {}


@pytest.mark.spec("BUS-07", "DS-06")
def test_what_is_told_on_the_bus_is_shown_and_an_outage_is_said(server, gateway, monkeypatch):  # noqa: F811
    monkeypatch.setattr(feeding, "LOOK_S", 0.1)

    async def main():
        state = State()
        feed = Feed(state, gateway.store, gateway.settings, server.address)

        async def act():
            link = await open_link(server.address, "session/s", quiet)
            publisher = Publisher("session", "s", account="main")
            ticker = replace(sample(bodies.Ticker), symbol="BTC/USDT", bid="100")
            await tell(link, publisher, "market_data.{symbol}.ticker", ticker, symbol="BTC_USDT")
            await tell(link, publisher, "alerts.{severity}", bodies.Alert(session="s", text="look"), severity="warning")
            await seen(lambda: state.get("market_data", "BTC_USDT") and state.entries("alerts"))
            assert state.get("market_data", "BTC_USDT")["bid"] == "100"
            (alert,) = state.entries("alerts").values()
            assert (alert["text"], alert["severity"]) == ("look", "warning")
            assert state.get("system_health", "bus")["state"] == "healthy"
            await asyncio.to_thread(server.stop)
            await seen(lambda: state.get("system_health", "bus")["state"] == "unhealthy")
            assert state.get("system_health", "bus")["since_ns"]
            assert state.get("market_data", "BTC_USDT")["bid"] == "100"  # as it was last known, with its time
            await asyncio.to_thread(server.start)
            await seen(lambda: state.get("system_health", "bus")["state"] == "healthy" and link.is_up)
            before = feed._subscriber
            await seen(lambda: feed._known == feed.link.reconnects)
            assert before is not None
            await tell(link, publisher, "market_data.{symbol}.ticker", replace(ticker, bid="101"), symbol="BTC_USDT")
            await seen(lambda: state.get("market_data", "BTC_USDT")["bid"] == "101")
            await link.close()

        await running(feed, act)

    asyncio.run(main())


@pytest.mark.spec("BUS-07")
def test_a_session_that_is_silent_is_marked(server, gateway, monkeypatch):  # noqa: F811
    monkeypatch.setattr(feeding, "LOOK_S", 0.1)
    monkeypatch.setattr(feeding, "SILENT_S", 0.3)

    async def main():
        state = State()

        async def act():
            link = await open_link(server.address, "session/s", quiet)
            ticker = replace(sample(bodies.Ticker), symbol="BTC/USDT")
            await tell(link, Publisher("session", "s"), "market_data.{symbol}.ticker", ticker, symbol="BTC_USDT")
            await seen(lambda: (state.get("market_data", "BTC_USDT") or {}).get("is_stale"))
            assert state.get("market_data", "BTC_USDT")["bid"] == ticker.bid
            await link.close()

        await running(Feed(state, gateway.store, gateway.settings, server.address), act)

    asyncio.run(main())


@pytest.mark.spec("BUS-N4")
def test_a_bus_that_was_asked_for_and_is_not_there_stops_the_start(server, gateway):  # noqa: F811
    address = server.address
    server.stop()
    with pytest.raises(Retry):
        asyncio.run(Feed(State(), gateway.store, gateway.settings, address).start())


def test_without_a_bus_the_state_says_that_there_is_none(gateway):
    async def main():
        state = State()

        async def act():
            assert state.get("system_health", "bus")["state"] == "disabled"

        await running(Feed(state, gateway.store, gateway.settings, None), act)

    asyncio.run(main())


def test_a_store_that_is_away_is_said_and_read_when_it_is_back(gateway, monkeypatch):
    monkeypatch.setattr(feeding, "LOOK_S", 0.05)
    calls = []

    def failing(*parts):
        calls.append(parts)
        if len(calls) < 3:
            raise OSError("away")

    monkeypatch.setattr(feeding, "from_store", failing)

    async def main():
        state = State()

        async def act():
            assert state.get("system_health", "gateway")["faults"] == {"store": "OSError"}
            await seen(lambda: state.get("system_health", "gateway")["state"] == "healthy")

        await running(Feed(state, gateway.store, gateway.settings, None), act)

    asyncio.run(main())
