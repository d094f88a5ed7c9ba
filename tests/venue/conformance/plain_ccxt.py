"""Unmodified ccxt, pointed at loopback as section 2 of the specification says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt

from tests.venue.ccxt.recorder import Recorder

KEY, SECRET = "canary-key-6f1d", "canary-secret-0b9e"
SYMBOLS = {"spot": "BTC/USDT", "linear": "BTC/USDT:USDT"}


def binance_urls(url: str) -> dict[str, str]:
    host = url.removeprefix("https://")
    spot, linear = f"https://demo-api@{host}", f"https://demo-fapi@{host}"
    return {
        "public": spot + "/api/v3",
        "private": spot + "/api/v3",
        "v1": spot + "/api/v1",
        "sapi": spot + "/sapi/v1",
        "sapiV2": spot + "/sapi/v2",
        "sapiV3": spot + "/sapi/v3",
        "sapiV4": spot + "/sapi/v4",
        "fapiPublic": linear + "/fapi/v1",
        "fapiPublicV2": linear + "/fapi/v2",
        "fapiPublicV3": linear + "/fapi/v3",
        "fapiPrivate": linear + "/fapi/v1",
        "fapiPrivateV2": linear + "/fapi/v2",
        "fapiPrivateV3": linear + "/fapi/v3",
        "fapiData": linear + "/futures/data",
    }


@asynccontextmanager
async def plain_binance(url: str, cafile: str, **more: Any) -> AsyncIterator[ccxt.binance]:
    api = ccxt.binance(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "cafile": cafile,
            "timeout": 5000,
            "enableRateLimit": False,
            "urls": {"api": binance_urls(url)},
            "options": {
                "fetchCurrencies": False,
                "fetchMargins": False,
                "fetchMarkets": {"types": ["spot", "linear"]},
                "fetchOpenOrders": {"warnWithoutSymbol": False},
                "recvWindow": 2000,
                "maxRetriesOnFailure": 0,
                "adjustForTimeDifference": False,
            },
            **more,
        }
    )
    api.timeout_on_exit = 0
    try:
        yield api
    finally:
        await api.close()


def recorder_of(recorder: Recorder, **more: Any) -> Any:
    return plain_binance(recorder.url, recorder.cafile, **more)
