"""Everything in the list of endpoints, as one script for plain ccxt: both clients run it, both markets, nothing patched."""

import inspect

import ccxt
import pytest

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"


class Both:
    """Calls a method of the blocking or of the asynchronous client, and waits for the latter."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)

        async def call(*args, **kwargs):
            got = method(*args, **kwargs)
            return await got if inspect.isawaitable(got) else got

        return call


async def everything(client):
    """Run it all."""
    ex = Both(client)
    markets = await ex.load_markets()
    assert {SPOT, LINEAR} <= set(markets)
    assert markets[SPOT]["precision"] == {**markets[SPOT]["precision"], "amount": 0.00001, "price": 0.01}
    assert markets[LINEAR]["limits"]["cost"]["min"] == 50
    assert (await ex.fetch_status())["status"] == "ok"
    assert await ex.fetch_time() > 0
    assert (await ex.sapi_get_account_apirestrictions())["enableFutures"] is True
    for symbol in (SPOT, LINEAR):
        await market_data(ex, symbol)
        await orders(ex, symbol)
        await many_orders(ex, symbol)
    await spot_only(ex)
    await linear_only(ex)
    await algo(ex)


async def market_data(ex, symbol):
    book = await ex.fetch_order_book(symbol, 10)
    assert len(book["bids"]) == len(book["asks"]) == 10
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["nonce"] > 0
    await ex.create_order(symbol, "market", "buy", 0.01)
    ticker = await ex.fetch_ticker(symbol)
    assert ticker["last"] == pytest.approx(50_010)
    assert symbol in await ex.fetch_tickers([symbol])
    assert (await ex.fetch_bids_asks([symbol]))[symbol]["bid"] == pytest.approx(49_990)
    assert (await ex.fetch_last_prices([symbol]))[symbol]["price"] == pytest.approx(50_010)
    candles = await ex.fetch_ohlcv(symbol, "1m", limit=5)
    assert candles[-1][4] == pytest.approx(50_010)
    assert candles[-1][5] >= 0.01
    trades = await ex.fetch_trades(symbol, limit=5)
    assert trades[-1]["amount"] == pytest.approx(0.01)
    assert trades[-1]["side"] == "buy"
    assert (await ex.fetch_trading_fee(symbol))["taker"] > 0


async def orders(ex, symbol):
    """Place, look up in every way, change, cancel."""
    base = await ex.fetch_balance({"type": "future" if symbol == LINEAR else "spot"})
    assert base["USDT"]["total"] > 0
    made = await ex.create_order(symbol, "limit", "buy", 0.02, 49_000, {"newClientOrderId": "b25:one"})
    assert (made["status"], made["clientOrderId"], made["amount"]) == ("open", "b25:one", 0.02)
    for found in (
        await ex.fetch_order(made["id"], symbol),
        await ex.fetch_order(None, symbol, {"origClientOrderId": "b25:one"}),
        (await ex.fetch_open_orders(symbol))[0],
        (await ex.fetch_open_orders())[0] if symbol == SPOT else made,
        (await ex.fetch_orders(symbol))[-1],
    ):
        assert (found["id"], found["price"], found["remaining"]) == (made["id"], 49_000, 0.02)
    with pytest.raises(ccxt.InvalidOrder):
        await ex.create_order(symbol, "limit", "buy", 0.02, 49_000, {"newClientOrderId": "b25:one"})
    changed = await ex.edit_order(made["id"], symbol, "limit", "buy", 0.03, 48_900)
    changed = await ex.fetch_order(changed["id"], symbol)
    assert (changed["status"], changed["price"], changed["amount"]) == ("open", 48_900, 0.03)
    assert (await ex.cancel_order(changed["id"], symbol))["status"] == "canceled"
    assert (await ex.fetch_order(changed["id"], symbol))["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        await ex.cancel_order(changed["id"], symbol)
    with pytest.raises(ccxt.OrderNotFound):
        await ex.fetch_order("99999999", symbol)
    await kinds(ex, symbol)


async def kinds(ex, symbol):
    """Post-only, IOC, FOK, market; fills with fees."""
    maker = await ex.create_order(symbol, "limit", "sell", 0.01, 50_005, {"postOnly": True})
    assert maker["status"] == "open"
    with pytest.raises((ccxt.OrderImmediatelyFillable, ccxt.OrderNotFillable)):
        await ex.create_order(symbol, "limit", "buy", 0.01, 50_010, {"postOnly": True})
    await ex.cancel_order(maker["id"], symbol)
    ioc = await ex.create_order(symbol, "limit", "buy", 5, 50_010, {"timeInForce": "IOC"})
    assert ioc["status"] == "expired"
    assert 0 < ioc["filled"] < 5
    if symbol == SPOT:
        fok = await ex.create_order(symbol, "limit", "buy", 5, 50_020, {"timeInForce": "FOK"})
        assert (fok["status"], fok["filled"]) == ("expired", 0)
    else:
        with pytest.raises(ccxt.OrderNotFillable):
            await ex.create_order(symbol, "limit", "buy", 5, 50_020, {"timeInForce": "FOK"})
    sold = await ex.create_order(symbol, "market", "sell", 0.5)
    assert (sold["status"], sold["filled"]) == ("closed", 0.5)
    assert (await ex.fetch_order(sold["id"], symbol))["average"] == pytest.approx(49_990)
    mine = await ex.fetch_my_trades(symbol)
    assert mine[-1]["order"] == sold["id"]
    assert mine[-1]["fee"]["cost"] > 0
    assert mine[-1]["takerOrMaker"] == "taker"
    assert sum(trade["amount"] for trade in mine if trade["order"] == sold["id"]) == pytest.approx(0.5)
    with pytest.raises(ccxt.InsufficientFunds):
        await ex.create_order(symbol, "limit", "buy", 100 if symbol == SPOT else 900, 49_000)


async def many_orders(ex, symbol):
    for price in (48_000, 48_100, 48_200):
        await ex.create_order(symbol, "limit", "buy", 0.01, price)
    assert len(await ex.fetch_open_orders(symbol)) == 3
    await ex.cancel_all_orders(symbol)
    assert await ex.fetch_open_orders(symbol) == []
    if symbol == SPOT:
        with pytest.raises(ccxt.OrderNotFound):
            await ex.cancel_all_orders(symbol)
    assert len(await ex.fetch_canceled_orders(symbol)) >= 3


async def spot_only(ex):
    """Stops, quote quantities, cancel-replace, amend, and what only the raw calls reach."""
    for params, kind in (
        ({"triggerPrice": 49_500}, "market"),
        ({"stopLossPrice": 49_500}, "limit"),
        ({"takeProfitPrice": 52_000}, "market"),
    ):
        stop = await ex.create_order(SPOT, kind, "sell", 0.01, 49_400 if kind == "limit" else None, params)
        found = await ex.fetch_order(stop["id"], SPOT)
        assert (found["status"], found["triggerPrice"]) == ("open", next(iter(params.values())))
        await ex.cancel_order(stop["id"], SPOT)
    trailing = await ex.create_order(
        SPOT, "market", "sell", 0.01, None, {"trailingPercent": 1, "stopLossOrTakeProfit": "stopLoss"}
    )
    await ex.cancel_order(trailing["id"], SPOT)
    spent = await ex.create_market_buy_order_with_cost(SPOT, 1_000)
    assert 990 < spent["cost"] <= 1_000
    assert (await ex.create_order(SPOT, "limit", "buy", 0.01, 49_000, {"test": True}))["info"] == {}
    order = await ex.create_order(SPOT, "limit", "buy", 0.02, 49_000)
    raw = {"symbol": "BTCUSDT", "orderId": order["id"], "newQty": "0.01"}
    assert (await ex.request("order/amend/keepPriority", ["private"], "PUT", raw))["amendedOrder"]["qty"] == "0.01000000"
    swap = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "48000"}
    swap |= {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": order["id"]}
    swapped = await ex.private_post_order_cancelreplace(swap)
    assert (swapped["cancelResult"], swapped["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    with pytest.raises(ccxt.BadResponse):  # the order is gone: -2022 with both halves
        await ex.private_post_order_cancelreplace(swap)
    await ex.cancel_all_orders(SPOT)
    for name in ("get_ping", "get_avgprice", "get_ticker_price", "get_trades", "get_historicaltrades", "get_aggtrades"):
        await getattr(ex, f"public_{name}")({} if name == "get_ping" else {"symbol": "BTCUSDT"})
    assert await ex.public_get_uiklines({"symbol": "BTCUSDT", "interval": "1h"})
    assert (await ex.private_get_account_commission({"symbol": "BTCUSDT"}))["standardCommission"]["taker"] == "0.00100000"
    assert [row["interval"] for row in await ex.private_get_ratelimit_order()] == ["SECOND", "DAY"]
    assert await ex.private_get_mypreventedmatches({"symbol": "BTCUSDT", "orderId": order["id"]}) == []
    assert (await ex.fetch_trading_fees())[SPOT]["maker"] > 0
    assert (await ex.sapi_get_capital_config_getall())[0]["coin"]


async def linear_only(ex):
    """Leverage, modes, positions, batches, funding, income, the countdown."""
    assert (await ex.set_leverage(10, LINEAR))["leverage"] in (10, "10")
    with pytest.raises(ccxt.OperationRejected):
        await ex.set_margin_mode("isolated", LINEAR)  # there is a position
    with pytest.raises(ccxt.OperationRejected):
        await ex.set_position_mode(True, LINEAR)
    held = (await ex.fetch_positions([LINEAR]))[0]
    assert (held["side"], held["marginMode"]) == ("long", "cross")
    assert held["contracts"] > 0
    closed = await ex.create_order(LINEAR, "market", "sell", held["contracts"], None, {"reduceOnly": True})
    assert closed["status"] == "closed"
    with pytest.raises(ccxt.InvalidOrder):
        await ex.create_order(LINEAR, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert await ex.fetch_positions([LINEAR]) == []
    assert (await ex.set_margin_mode("isolated", LINEAR))["code"] in (200, "200")
    with pytest.raises(ccxt.MarginModeAlreadySet):
        await ex.fapiprivate_post_margintype({"symbol": "BTCUSDT", "marginType": "ISOLATED"})
    await ex.create_order(LINEAR, "market", "buy", 0.1)
    await ex.add_margin(LINEAR, 100)
    assert (await ex.fetch_positions([LINEAR]))[0]["marginMode"] == "isolated"
    await ex.create_order(LINEAR, "market", "sell", 0.1, None, {"reduceOnly": True})
    await ex.set_margin_mode("cross", LINEAR)
    await ex.set_position_mode(True, LINEAR)
    assert (await ex.fetch_position_mode(LINEAR))["hedged"] is True
    await ex.create_order(LINEAR, "market", "sell", 0.01, None, {"positionSide": "SHORT"})
    assert (await ex.fetch_positions([LINEAR]))[0]["side"] == "short"
    await ex.create_order(LINEAR, "market", "buy", 0.01, None, {"positionSide": "SHORT"})
    await ex.set_position_mode(False, LINEAR)
    await batches(ex)
    assert (await ex.fetch_funding_rate(LINEAR))["fundingTimestamp"] > 0
    assert isinstance(await ex.fetch_funding_rate_history(LINEAR), list)
    assert LINEAR in await ex.fetch_funding_rates([LINEAR])
    assert LINEAR in await ex.fetch_leverage_tiers([LINEAR])
    assert (await ex.fetch_leverages([LINEAR]))[LINEAR]["longLeverage"] == 10
    assert (await ex.fetch_open_interest(LINEAR))["openInterestAmount"] == 0
    assert {row["incomeType"] for row in await ex.fapiprivate_get_income()} >= {"COMMISSION", "REALIZED_PNL"}
    assert isinstance(await ex.fetch_funding_history(LINEAR), list)
    assert await ex.fetch_mark_ohlcv(LINEAR, "1m")
    assert await ex.fetch_index_ohlcv(LINEAR, "1m")
    assert await ex.fetch_mark_price(LINEAR)
    alive = {"symbol": "BTCUSDT", "countdownTime": 10_000}
    assert (await ex.fapiprivate_post_countdowncancelall(alive))["countdownTime"] == "10000"
    await ex.fapiprivate_post_countdowncancelall({**alive, "countdownTime": 0})
    for version in ("v2", "v3"):
        assert (await getattr(ex, f"fapiprivate{version}_get_account")())["assets"]
        assert await getattr(ex, f"fapiprivate{version}_get_balance")()
    for name in (
        "adlquantile",
        "forceorders",
        "apitradingstatus",
        "multiassetsmargin",
        "ratelimit_order",
        "accountconfig",
        "symbolconfig",
    ):
        await getattr(ex, f"fapiprivate_get_{name}")()
    for name in ("ping", "fundinginfo", "ticker_price", "ticker_bookticker", "premiumindex"):
        await getattr(ex, f"fapipublic_get_{name}")()
    await ex.fapipublic_get_historicaltrades({"symbol": "BTCUSDT"})


async def batches(ex):
    bids = [{"symbol": LINEAR, "type": "limit", "side": "buy", "amount": 0.01, "price": 48_000 + n} for n in range(3)]
    made = await ex.create_orders([*bids, {**bids[0], "amount": 100_000}])
    assert sorted(order["status"] for order in made) == ["open", "open", "open", "rejected"]
    made = [order for order in made if order["status"] == "open"]  # ccxt puts the one without a time first
    gone = await ex.cancel_orders([order["id"] for order in made[:2]], LINEAR)
    assert [order["status"] for order in gone] == ["canceled"] * 2
    by_name = await ex.cancel_orders([], LINEAR, {"clientOrderIds": [made[2]["clientOrderId"]]})
    assert by_name[0]["status"] == "canceled"


async def algo(ex):
    """Conditional orders of futures, which live in a service of their own."""
    stop = await ex.create_order(LINEAR, "market", "sell", 0.01, None, {"stopLossPrice": 45_000, "clientAlgoId": "stop-1"})
    assert stop["info"]["algoStatus"] == "NEW"
    limit = await ex.create_order(LINEAR, "limit", "sell", 0.01, 52_000, {"takeProfitPrice": 52_500})
    trailing = await ex.create_order(LINEAR, "market", "sell", 0.01, None, {"trailingPercent": 1.5})
    found = await ex.fetch_order(stop["id"], LINEAR, {"trigger": True})
    assert (found["id"], found["triggerPrice"]) == (stop["id"], 45_000)
    assert {order["id"] for order in await ex.fetch_open_orders(LINEAR, params={"trigger": True})} >= {
        stop["id"],
        limit["id"],
        trailing["id"],
    }
    await ex.cancel_order(stop["id"], LINEAR, {"trigger": True})
    await ex.cancel_all_orders(LINEAR, {"trigger": True})
    assert await ex.fetch_open_orders(LINEAR, params={"trigger": True}) == []
    assert await ex.fapiprivate_get_allalgoorders({"symbol": "BTCUSDT"})
