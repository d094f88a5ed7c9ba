"""What futures accounts hear of things that happen to them, from the exchange to the socket."""

import asyncio

import ccxt
import pytest

from tests.venue.streams.live import LINEAR, SPOT, WAIT_S, run

QUIET = 5.0


async def listening(house, name="alice"):
    client = house.ccxt(name)
    key = (await client.fapiPrivatePostListenKey())["listenKey"]
    await client.load_markets()
    return client, await house.socket(f"/f/private/ws?listenKey={key}")


def event(name, **fields):
    def wanted(message):
        return message.get("e") == name and all(message.get("o", {}).get(field) == value for field, value in fields.items())

    return wanted


def test_a_liquidation_is_heard_by_its_owner_and_by_everybody(tmp_path):
    async def act(house):
        client, line = await listening(house)
        public = await house.socket("/f/market/ws/btcusdt@forceOrder")
        async with house.market(every_s=QUIET):
            await client.create_order(LINEAR, "market", "buy", 0.5)
            watching = asyncio.ensure_future(house.ccxt("bob").watch_liquidations(LINEAR))
            await asyncio.sleep(0.3)
            house.venue.faults.set("liquidate", account="alice", symbol="BTCUSDT")
            told = await line.until(
                lambda message: message["e"] == "ORDER_TRADE_UPDATE" and message["o"]["c"].startswith("autoclose-")
            )
            assert told["o"]["S"] == "SELL"
            closing = await line.until(lambda message: message["e"] == "ORDER_TRADE_UPDATE" and message["o"]["X"] == "FILLED")
            assert closing["o"]["x"] in ("TRADE", "CALCULATED")
            forced = await public.until(event("forceOrder"))
            assert (forced["o"]["s"], forced["o"]["S"], forced["o"]["X"]) == ("BTCUSDT", "SELL", "FILLED")
            (liquidation,) = await asyncio.wait_for(watching, WAIT_S)
            assert liquidation["contracts"] > 0

    run(tmp_path, act)


def test_a_conditional_order_from_its_birth_to_the_order_it_becomes(tmp_path):
    async def act(house):
        client, line = await listening(house)
        async with house.market(every_s=QUIET):
            await client.create_order(LINEAR, "market", "buy", 0.01)
            stop = await client.create_order(LINEAR, "market", "sell", 0.01, None, {"stopLossPrice": 48_800})
            new = await line.until(event("ALGO_UPDATE", X="NEW"))
            assert (str(new["o"]["aid"]), new["o"]["tp"], new["o"]["ai"]) == (stop["id"], "48800.0", "")
            bob = house.ccxt("bob")
            await bob.create_order(LINEAR, "limit", "sell", 3.1, 48_700)  # sweeps the bid, and leaves some at its price
            await bob.create_order(LINEAR, "limit", "buy", 0.05, 48_700)
            finished = await line.until(event("ALGO_UPDATE", X="FINISHED"))
            assert finished["o"]["ai"]
            watched = []
            house.venue.faults.set("user_stream", what="listenKeyExpired", account="alice")
            await line.until(lambda message: watched.append(message) or message["e"] == "listenKeyExpired")

    run(tmp_path, act)


def test_configuration_and_transfers(tmp_path):
    async def act(house):
        client, line = await listening(house)
        await client.set_leverage(7, LINEAR)
        told = await line.until(event("ACCOUNT_CONFIG_UPDATE"))
        assert told["ac"] == {"s": "BTCUSDT", "l": 7}
        house.venue.exchange.deposit(house.accounts["alice"], "linear", "USDT", "5")
        told = await line.until(event("ACCOUNT_UPDATE"))
        assert told["a"]["m"] == "DEPOSIT"
        assert told["a"]["B"][0]["bc"] == "5.00000000"

    run(tmp_path, act)


def test_funding_is_told_when_the_clock_is_stepped_over_it(tmp_path):
    async def act(house):
        client, line = await listening(house)
        async with house.market(every_s=QUIET):
            client.options["timeDifference"] = client.milliseconds() - house.venue.clock.server_ms()
            await client.create_order(LINEAR, "market", "buy", 0.5)
            for _ in range(9):
                house.venue.clock.step(3_600_000)
                await asyncio.sleep(0.02)
                await line.socket.pong()
        told = await line.until(lambda message: message.get("e") == "ACCOUNT_UPDATE" and message["a"]["m"] == "FUNDING_FEE")
        assert told["a"]["B"][0]["bc"] != "0"
        with pytest.raises((ConnectionError, asyncio.TimeoutError, TimeoutError, ccxt.NetworkError)):
            await line.until(event("NOTHING"), 0.2)

    run(tmp_path, act, clock="stepped", streams={"listen_key_ms": 10**12, "pong_within_ms": {"spot": 10**12, "linear": 10**12}})


def test_a_self_trade_that_was_prevented_and_a_deposit_on_spot(tmp_path):
    async def act(house):
        client = house.ccxt()
        await client.load_markets()
        line = await house.socket("/ws-api/v3")
        await line.ask("userDataStream.subscribe.signature", house.signed())
        await client.create_order(SPOT, "limit", "buy", 0.01, 40_000)
        await client.create_order(SPOT, "limit", "sell", 0.01, 40_000, {"selfTradePreventionMode": "EXPIRE_TAKER"})
        told = await line.until(lambda message: message.get("event", {}).get("x") == "TRADE_PREVENTION")
        assert told["event"]["X"] == "EXPIRED_IN_MATCH"
        assert told["event"]["V"] == "EXPIRE_TAKER"
        house.venue.exchange.deposit(house.accounts["alice"], "spot", "BTC", "1")
        told = await line.until(lambda message: message.get("event", {}).get("e") == "balanceUpdate")
        assert (told["event"]["a"], told["event"]["d"]) == ("BTC", "1.00000000")

    run(tmp_path, act)
