"""The wire venue against the documents: unmodified ccxt does every listed call, and each answer has the documented shape."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from b25.venue.exchange.listings import default_listings
from b25.venue.wire.server import Venue, VenueSettings
from tests.venue.conformance.plain_ccxt import SYMBOLS, plain_binance
from tests.venue.conformance.samples.read import samples
from tests.venue.contract.worlds import fund

# What the documents show of one order may be absent of another, or be null there.
SOMETIMES = {"stopPrice", "icebergQty", "workingTime", "fills", "origQuoteOrderQty"}
# Fields that the live exchange has beside the documented ones.
MORE = {
    "GET /sapi/v1/account/apiRestrictions": {
        "enableFixApiTrade",
        "enableFixReadOnly",
        "enableMargin",
        "enablePortfolioMarginTrading",
        "enableVanillaOptions",
    },
    "GET /fapi/v1/exchangeInfo": {"maxMoveOrderLimit"},
    "GET /fapi/v3/account": {"marginAvailable"},
}


async def walk(market: str, api: Any, other: Any) -> None:
    """Every call of the specification's list, in an order in which each has something to do."""
    symbol, raw = SYMBOLS[market], "BTCUSDT"
    swap = {"type": "swap"} if market == "linear" else {}
    new = {"newClientOrderId": "b25-walk-1"}
    await other.create_order(symbol, "limit", "sell", "0.1", "40100")
    await other.create_order(symbol, "limit", "buy", "0.1", "39900")
    await api.fetch_time(swap)
    await api.create_order(symbol, "market", "buy", "0.05", None, {"newClientOrderId": "b25-walk-0"})
    await api.fetch_ticker(symbol)
    await api.fetch_bids_asks([symbol])
    await api.fetch_order_book(symbol, 100)
    await api.fetch_ohlcv(symbol, "1m", None, 5)
    await api.fetch_trades(symbol, None, 5)
    await api.create_order(symbol, "limit", "buy", "0.02", "39000", dict(new))
    await api.fetch_order(None, symbol, {"origClientOrderId": "b25-walk-1"})
    await api.fetch_open_orders(symbol)
    order = (await api.fetch_orders(symbol, None, 10))[-1]
    await api.edit_order(
        order["id"], symbol, "limit", "buy", "0.03", "38999", {"newClientOrderId": "b25-walk-2"} if market == "spot" else {}
    )
    (left,) = await api.fetch_open_orders(symbol)
    await api.cancel_order(left["id"], symbol)
    await api.create_order(symbol, "limit", "buy", "0.02", "39000", {"newClientOrderId": "b25-walk-3", "postOnly": True})
    await api.cancel_all_orders(symbol)
    await api.fetch_my_trades(symbol, None, 10)
    await api.fetch_trading_fee(symbol)
    await api.fetch_balance(swap)
    if market == "spot":
        await api.fetch_status()
        await api.sapi_get_account_apirestrictions()
        await api.create_order(symbol, "market", "sell", "0.01", None, {"stopLossPrice": "39000"})
        await api.cancel_all_orders(symbol)
        return
    await api.fetch_positions([symbol])
    await api.set_leverage(21, symbol)
    await api.fetch_funding_rate(symbol)
    await api.fetch_funding_rate_history(symbol, None, 10)
    await api.fetch_funding_history(symbol)
    await api.fapiPrivatePostCountdownCancelAll({"symbol": raw, "countdownTime": 100000})
    stop = await api.create_order(
        symbol, "market", "sell", "0.01", None, {"stopLossPrice": "39000", "clientAlgoId": "b25-walk-4"}
    )
    await api.fetch_order(stop["id"], symbol, {"trigger": True})
    await api.fetch_open_orders(symbol, None, None, {"trigger": True})
    await api.cancel_order(stop["id"], symbol, {"trigger": True})
    await api.cancel_all_orders(symbol, {"trigger": True})
    key = await api.fapiPrivatePostListenKey()
    await api.fapiPrivatePutListenKey(key)
    await api.fapiPrivateDeleteListenKey(key)
    await api.create_order(symbol, "limit", "sell", "0.05", "39900", {"reduceOnly": True, "timeInForce": "IOC"})
    await api.set_margin_mode("isolated", symbol)
    await api.set_position_mode(True, symbol)


def answers(market: str, folder: Any) -> dict[str, Any]:
    """The last raw answer of each method and path."""
    found: dict[str, Any] = {}

    def kept(api: Any) -> Any:
        plain = api.on_rest_response

        def keep(code: int, reason: str, url: str, method: str, *rest: Any) -> Any:
            body = plain(code, reason, url, method, *rest)
            if code == 200:
                value = api.parse_json(body)
                name = f"{method} {urlsplit(url).path}"
                if value or name not in found:
                    found[name] = value
            return body

        api.on_rest_response = keep
        return api

    async def run() -> None:
        settings = VenueSettings(folder=folder, tls_port=0, port=0)
        async with Venue(settings, listings=default_listings(["BTCUSDT"], ["BTCUSDT"])) as venue:
            keys = [venue.exchange.make_key(fund(venue.exchange, name)) for name in ("alice", "bob")]
            signed = [{"apiKey": key.key, "secret": key.secret} for key in keys]
            cafile = str(venue.cafile)
            async with (
                plain_binance(venue.rest_url, cafile, **signed[0]) as api,
                plain_binance(venue.rest_url, cafile, **signed[1]) as other,
            ):
                await kept(api).load_markets()
                await walk(market, api, other)

    asyncio.run(run())
    return found


def shape(value: Any) -> Any:
    """Keys and types; of a list, those of its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def differences(documented: Any, told: Any, path: str = "") -> list[str]:
    """Where two shapes differ, in words."""
    if isinstance(documented, dict) and isinstance(told, dict):
        missing = [f"{path}.{key} is missing" for key in documented.keys() - told.keys() - SOMETIMES]
        extra = [f"{path}.{key} is extra" for key in told.keys() - documented.keys() - SOMETIMES]
        common = [key for key in documented if key in told]
        return sorted(missing + extra) + [
            text for key in common for text in differences(documented[key], told[key], f"{path}.{key}")
        ]
    if isinstance(documented, list) and isinstance(told, list):
        return differences(documented[0], told[0], f"{path}[]") if documented and told else []
    if documented != told and "NoneType" not in (documented, told):
        return [f"{path}: {told} instead of {documented}"]
    return []


@pytest.mark.parametrize("market", ["spot", "linear"])
def test_unmodified_ccxt_does_everything_and_each_answer_has_the_documented_shape(market, tmp_path, warm):
    found = answers(market, tmp_path)
    mine = {"spot": ("/api/v3", "/sapi/"), "linear": ("/fapi/",)}[market]
    wanted = {name: body for name, body in samples().items() if name.split()[1].startswith(mine)}
    assert wanted.keys() - found.keys() == set()
    wrong = {}
    for name, body in wanted.items():
        allowed = tuple(f".{field} is extra" for field in MORE.get(name, ()))
        faults = [text for text in differences(shape(body), shape(found[name])) if not (allowed and text.endswith(allowed))]
        if faults:
            wrong[name] = faults
    assert wrong == {}
