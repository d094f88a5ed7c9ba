"""An unmodified ccxt.pro client does on the venue what it does on Binance."""

import asyncio

import ccxt
import pytest

from tests.venue.streams.live import LINEAR, SPOT, WAIT_S, run

BOTH = pytest.mark.parametrize("symbol", [SPOT, LINEAR])


async def told(awaitable):
    return await asyncio.wait_for(awaitable, WAIT_S)


def listing_of(house, symbol):
    exchange = house.venue.exchange
    return (exchange.spot if symbol == SPOT else exchange.linear)["BTCUSDT"]


@BOTH
def test_order_book_equals_the_venues(tmp_path, symbol):
    async def act(house):
        client = house.ccxt()
        async with house.market():
            for _ in range(20):
                book = await told(client.watch_order_book(symbol))
        listing = listing_of(house, symbol)
        while book["nonce"] < listing.update_id:
            book = await told(client.watch_order_book(symbol))
        assert book["nonce"] == listing.update_id
        for side, name in ((1, "bids"), (-1, "asks")):
            mine = [
                [float(listing.price_text(ticks)), float(listing.qty_text(lots))]
                for ticks, lots in listing.book.levels(side, 1000)
            ]
            assert [list(row) for row in book[name]] == mine

    run(tmp_path, act)


@BOTH
def test_public_streams(tmp_path, symbol):
    async def act(house):
        client = house.ccxt()
        async with house.market():
            trades = await told(client.watch_trades(symbol))
            assert trades[0]["symbol"] == symbol
            assert trades[0]["price"] > 0
            ticker = await told(client.watch_ticker(symbol))
            assert ticker["symbol"] == symbol
            assert ticker["last"] > 0
            assert ticker["high"] >= ticker["last"] >= ticker["low"]
            assert (await told(client.watch_tickers([symbol])))[symbol]["last"] > 0
            touch = (await told(client.watch_bids_asks([symbol])))[symbol]
            assert 48_000 <= touch["bid"] < touch["ask"] <= 52_000
            candles = await told(client.watch_ohlcv(symbol, "1m"))
            while not candles[-1][5]:  # a minute has just begun
                candles = await told(client.watch_ohlcv(symbol, "1m"))
            several = await told(client.watch_ohlcv_for_symbols([[symbol, "1m"], [symbol, "1h"]]))
            assert list(several) == [symbol]
            assert await told(client.watch_trades_for_symbols([symbol]))
            assert await told(client.watch_order_book_for_symbols([symbol]))
            assert await told(client.watch_trades(symbol, params={"name": "aggTrade"}))
            await told(client.un_watch_order_book_for_symbols([symbol]))

    run(tmp_path, act)


def test_mark_prices(tmp_path):
    async def act(house):
        client = house.ccxt()
        async with house.market():
            mark = await told(client.watch_mark_price(LINEAR))
            assert 48_000 < mark["markPrice"] < 52_000
            assert LINEAR in await told(client.watch_mark_prices())

    run(tmp_path, act)


@BOTH
def test_orders_trades_balance_and_positions(tmp_path, symbol):
    async def act(house):
        kind = "spot" if symbol == SPOT else "swap"
        client = house.ccxt()
        async with house.market(every_s=5):
            waiting = asyncio.ensure_future(client.watch_orders(symbol))
            await asyncio.sleep(0.3)
            order = await client.create_order(symbol, "limit", "buy", 0.01, 40_000)
            (new,) = await told(waiting)
            assert (new["id"], new["status"], new["amount"]) == (order["id"], "open", 0.01)
            waiting = asyncio.ensure_future(client.watch_orders(symbol))
            await client.cancel_order(order["id"], symbol)
            (gone,) = await told(waiting)
            assert (gone["id"], gone["status"], gone["clientOrderId"]) == (order["id"], "canceled", order["clientOrderId"])

            trades = asyncio.ensure_future(client.watch_my_trades(symbol))
            balance = asyncio.ensure_future(client.watch_balance({"type": kind}))
            if kind == "swap":
                positions = asyncio.ensure_future(client.watch_positions([symbol]))
            await asyncio.sleep(0.3)
            order = await client.create_order(symbol, "market", "buy", 0.02)
            fills = await told(trades)
            assert sum(fill["amount"] for fill in fills) == pytest.approx(0.02)
            assert fills[0]["order"] == order["id"]
            assert fills[0]["fee"]["cost"] > 0
            funds = await told(balance)
            if kind == "spot":
                assert funds["BTC"]["free"] == pytest.approx(100 + 0.02 * 0.999)
            else:
                assert 0 < funds["USDT"]["total"] < 1_000_000
                (position,) = await told(positions)
                assert (position["contracts"], position["side"]) == (0.02, "long")

    run(tmp_path, act)


@BOTH
def test_the_websocket_api(tmp_path, symbol):
    async def act(house):
        client = house.ccxt()
        async with house.market(every_s=5):
            order = await told(client.create_order_ws(symbol, "limit", "buy", 0.01, 40_000))
            assert order["status"] == "open"
            assert (await told(client.fetch_order_ws(order["id"], symbol)))["price"] == 40_000
            edited = await told(client.edit_order_ws(order["id"], symbol, "limit", "buy", 0.02, 41_000))
            assert (edited["amount"], edited["price"]) == (0.02, 41_000)
            assert (await told(client.cancel_order_ws(edited["id"], symbol)))["status"] == "canceled"
            with pytest.raises(ccxt.OrderNotFound):
                await told(client.cancel_order_ws(edited["id"], symbol))

    run(tmp_path, act)


def test_the_websocket_api_of_spot(tmp_path):
    async def act(house):
        client = house.ccxt()
        async with house.market(every_s=0.1):
            for price in (40_000, 41_000):
                await told(client.create_order_ws(SPOT, "limit", "buy", 0.01, price))
            bought = await told(client.create_order_ws(SPOT, "market", "buy", 0.01))
            assert bought["filled"] == 0.01
            assert len(await told(client.fetch_open_orders_ws(SPOT))) == 2
            assert len(await told(client.fetch_orders_ws(SPOT))) == 3
            assert len(await told(client.fetch_closed_orders_ws(SPOT))) == 1
            assert (await told(client.fetch_my_trades_ws(SPOT)))[0]["order"] == bought["id"]
            assert await told(client.fetch_trades_ws(SPOT))
            assert await told(client.fetch_ohlcv_ws(SPOT, "1m"))
            assert len(await told(client.cancel_all_orders_ws(SPOT))) == 2
            assert (await told(client.fetch_balance_ws()))["info"]["balances"]
            assert await told(client.create_order_ws(SPOT, "limit", "buy", 0.01, 40_000, {"test": True}))

    run(tmp_path, act)


def test_the_websocket_api_of_futures(tmp_path):
    async def act(house):
        client = house.ccxt()
        async with house.market(every_s=0.1):
            await told(client.create_order_ws(LINEAR, "market", "buy", 0.01))
            (position,) = await told(client.fetch_positions_ws([LINEAR]))
            assert position["contracts"] == 0.01
            assert (await told(client.fetch_position_ws(LINEAR)))[0]["contracts"] == 0.01
            assert (await told(client.fetch_balance_ws({"type": "swap"})))["USDT"]["total"] > 0
            assert await told(client.fetch_ohlcv_ws(LINEAR, "1m"))
            assert (await told(client.fetch_order_book_ws(LINEAR)))["bids"]
            assert (await told(client.fetch_ticker_ws(LINEAR)))["bid"] > 0
            stop = await told(client.create_order_ws(LINEAR, "market", "sell", 0.01, None, {"stopLossPrice": 40_000}))
            gone = await told(client.cancel_order_ws(stop["id"], LINEAR, {"trigger": True}))
            assert gone["id"] == stop["id"]

    run(tmp_path, act)


@BOTH
def test_a_gap_is_noticed_and_healed(tmp_path, symbol):
    async def act(house):
        client = house.ccxt()
        async with house.market():
            await told(client.watch_order_book(symbol))
            await told(client.watch_order_book(symbol))
            house.venue.faults.set("diff_drop", where="btcusdt@depth*", left=1)

            async def until_noticed():
                for _ in range(50):
                    await told(client.watch_order_book(symbol))

            with pytest.raises(ccxt.ChecksumError):
                await until_noticed()
            assert (await told(client.watch_order_book(symbol)))["bids"]

    run(tmp_path, act)


@pytest.mark.parametrize("kind", ["future", "swap"])
def test_a_futures_account_is_watched_without_a_symbol(tmp_path, kind):
    async def act(house):
        client = house.ccxt()
        await told(client.load_markets())
        watched = [
            asyncio.create_task(client.watch_orders(None, None, None, {"type": kind})),
            asyncio.create_task(client.watch_balance({"type": kind})),
        ]
        await asyncio.sleep(0.5)
        async with house.market():
            await told(client.create_order(LINEAR, "market", "buy", 0.01))
            orders, balance = [await told(one) for one in watched]
        assert orders[-1]["symbol"] == LINEAR
        assert balance["USDT"]["total"] > 0

    run(tmp_path, act)
