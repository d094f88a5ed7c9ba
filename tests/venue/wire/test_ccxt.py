"""Plain ccxt trades here as it trades there: the blocking client and the asynchronous one, neither changed."""

import asyncio

import ccxt
import ccxt.async_support

from tests.venue.wire.script import everything
from tests.venue.wire.venues import account, in_thread


def test_blocking(tmp_path):
    with in_thread(tmp_path) as thread:
        key = thread.call(lambda venue: account(venue.exchange)[1])
        client = ccxt.binance(thread.venue.ccxt_config(key.key, key.secret))
        asyncio.run(everything(client))
        client.session.close()
        assert not thread.call(lambda venue: list(venue.core.surprises))


def test_asynchronous(tmp_path):
    async def run(config):
        client = ccxt.async_support.binance(config)
        try:
            await everything(client)
        finally:
            await client.close()

    with in_thread(tmp_path) as thread:
        key = thread.call(lambda venue: account(venue.exchange)[1])
        asyncio.run(run(thread.venue.ccxt_config(key.key, key.secret)))
        assert not thread.call(lambda venue: list(venue.core.surprises))
