"""Simulated and live wiring never mix: no address of one kind passes for another."""

import asyncio

import ccxt.pro
import pytest

from b25.model.errors import Misuse
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where, hosts, own_hosts, point
from b25.venue.port.reports import Kind

LOCAL = {"where": Where.LOOPBACK, "rest_url": "https://127.0.0.1:18443", "ws_url": "ws://127.0.0.1:18080"}


def profile(exchange="binance", kind=Kind.SPOT, **more):
    return Profile(exchange=exchange, kind=kind, **more)


def opened(profile, look):
    async def run():
        venue = connect(profile)
        try:
            return look(venue.api)
        finally:
            venue.api.timeout_on_exit = 0
            await venue.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com",
        "https://demo-api@api.binance.com",
        "https://127.0.0.1.evil.com",
        "http://10.0.0.1:80",
        "https://0.0.0.0",
    ],
)
def test_a_loopback_profile_refuses_any_other_address(url):
    with pytest.raises(Misuse, match="refuses the address"):
        profile(where=Where.LOOPBACK, rest_url=url)
    with pytest.raises(Misuse, match="refuses the address"):
        profile(where=Where.LOOPBACK, rest_url="https://127.0.0.1:1", ws_url=url.replace("http", "ws"))


@pytest.mark.spec("S14")
@pytest.mark.parametrize("where", [Where.LIVE, Where.TESTNET])
@pytest.mark.parametrize("own", [{"rest_url": "https://127.0.0.1:1"}, {"ws_url": "ws://127.0.0.1:1"}, {"cafile": "venue.pem"}])
def test_a_live_profile_takes_no_address_of_its_own(where, own):
    with pytest.raises(Misuse, match="address of its own"):
        profile(where=where, **own)


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "kraken", "coinbase", "gate"])
def test_a_loopback_venue_can_reach_nothing_but_loopback(exchange):
    found = opened(profile(exchange, **LOCAL), lambda api: set(hosts(api.urls["api"], api.hostname)))
    assert found == {"127.0.0.1"}


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "kraken"])
def test_a_live_venue_can_reach_only_what_ccxt_knows_of_it(exchange):
    found = opened(profile(exchange, where=Where.LIVE), lambda api: set(hosts(api.urls["api"], api.hostname)))
    assert found == set(own_hosts(getattr(ccxt.pro, exchange)()))
    assert "127.0.0.1" not in found


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:18443/api/v3", "https://api.binance.com.evil.com/api/v3", "http://api.binance.com/api/v3"]
)
def test_a_live_venue_refuses_an_address_that_is_not_the_venues(url):
    def look(api):
        api.urls["api"]["private"] = url
        with pytest.raises(Misuse, match="a live profile refuses"):
            point(api, profile(where=Where.LIVE))

    opened(profile(where=Where.LIVE), look)


def test_a_test_network_shares_no_host_with_the_live_one():
    found = opened(
        profile(where=Where.TESTNET), lambda api: set(hosts({k: v for k, v in api.urls["api"].items() if k != "ws"}, None))
    )
    assert found
    assert not found & set(own_hosts(ccxt.pro.binance()))


@pytest.mark.spec("S1")
def test_a_secret_is_shown_nowhere():
    shown = profile(where=Where.LIVE, **{name: f"canary-{name}" for name in ("key", "secret", "password")})
    assert "canary" not in repr(shown)


def test_an_unknown_exchange_is_told_as_such():
    with pytest.raises(Misuse, match="no exchange 'binanse'"):
        connect(profile("binanse", where=Where.LIVE))


def test_ccxt_is_never_allowed_to_resend():
    async def run():
        venue = connect(profile(**LOCAL))
        venue.api.timeout_on_exit = 0
        venue.api.options["maxRetriesOnFailure"] = 3
        try:
            with pytest.raises(Misuse, match="resend"):
                await venue.server_time_ms()
        finally:
            await venue.close()

    asyncio.run(run())
