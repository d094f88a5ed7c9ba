"""The sockets over a real network: paths, limits, clients that do not read, sessions, and who hears what."""

import asyncio
import base64
import ssl
import struct

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from b25.venue.wire.signing import ws_payload
from tests.venue.streams.live import handshake, run


def subscribe(*names, number=1):
    return {"method": "SUBSCRIBE", "params": list(names), "id": number}


@pytest.mark.parametrize(
    ("path", "name", "event"),
    [
        ("/ws/btcusdt@trade", None, "trade"),
        ("/ws", "btcusdt@trade", "trade"),
        ("/stream/ws/17", "btcusdt@depth@100ms", "depthUpdate"),
        ("/f/public/ws/0", "btcusdt@depth", "depthUpdate"),
        ("/f/public/ws/btcusdt@depth@100ms/btcusdt@bookTicker", None, "bookTicker"),
        ("/f/market/ws", "btcusdt@aggTrade", "aggTrade"),
        ("/f/market/ws/3", "btcusdt@kline_1m", "kline"),
    ],
)
def test_raw_paths(tmp_path, path, name, event):
    async def act(house):
        async with house.market():
            line = await house.socket(path)
            if name:
                await line.say(subscribe(name))
                assert await line.until(lambda message: "id" in message) == {"result": None, "id": 1}
            assert await line.until(lambda message: message.get("e") == event)

    run(tmp_path, act)


def test_combined_paths(tmp_path):
    async def act(house):
        async with house.market():
            spot = await house.socket("/stream?streams=btcusdt@trade/btcusdt@depth@100ms")
            futures = await house.socket("/f/market/stream?streams=btcusdt@aggTrade")
            for line, name in ((spot, "btcusdt@trade"), (spot, "btcusdt@depth@100ms"), (futures, "btcusdt@aggTrade")):
                told = await line.until(lambda message, name=name: message.get("stream") == name)
                assert told["data"]["s"] == "BTCUSDT"

    run(tmp_path, act)


def test_pings_are_answered_and_too_many_messages_end_the_socket(tmp_path):
    async def act(house):
        line = await house.socket("/ws")
        await line.socket.ping(b"hello")
        answer = await line.socket.receive(5)
        assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"hello")
        for number in range(8):
            await line.say(subscribe(number=number))
        with pytest.raises(ConnectionError, match="Too many requests"):
            await line.drain()

    run(tmp_path, act)


@pytest.mark.parametrize("data", [b"\x00" * 10, b"\xff\xfe"])
def test_binary_messages_end_the_socket(tmp_path, data):
    async def act(house):
        line = await house.socket("/ws")
        await line.socket.send_bytes(data)
        assert (await line.socket.receive(5)).type is aiohttp.WSMsgType.CLOSE

    run(tmp_path, act)


def test_oversized_messages_end_the_socket_and_malformed_json_does_not(tmp_path):
    async def act(house):
        line = await house.socket("/ws")
        await line.say("{nonsense")
        assert (await line.next())["code"] == 3
        await line.say("x" * 100_000)
        assert (await line.socket.receive(5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        api = await house.socket("/ws-api/v3")
        for text in ("{", "[]", "17", '{"id":1}', '{"id":{},"method":"ping"}', '{"id":1,"method":"ping","params":[]}'):
            await api.say(text)
            told = await api.next()
            assert (told["status"], told["error"]["code"]) == (400, -1135)
        assert (await api.ask("ping"))["result"] == {}

    run(tmp_path, act)


@pytest.mark.parametrize("tls", [False, True])
def test_a_client_that_never_reads_costs_no_more_than_its_buffer(tmp_path, tls):
    async def act(house):
        url = house.venue.rest_url if tls else house.venue.ws_url
        trust = ssl.create_default_context(cafile=house.venue.cafile) if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), ssl=trust)
        writer.write(handshake("/ws/btcusdt@depth20@100ms/btcusdt@bookTicker/btcusdt@depth@100ms"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        writer.transport.pause_reading()
        healthy = await house.socket("/ws/btcusdt@bookTicker")
        (stuck,) = [one for one in house.venue.hub.sockets if len(one.streams) == 3]
        most = 0
        async with house.market(every_s=0.0):
            for _ in range(3_000):
                await asyncio.sleep(0)
                house.venue.hub.audiences.get("spot", "btcusdt@bookTicker").send(b"x" * 2_000)
                most = max(most, stuck.buffered_bytes)
                if not stuck.is_open:
                    break
        assert stuck.cut_for == "slow reader"
        assert most <= 100_000 + 20_000
        await asyncio.sleep(0.1)
        assert stuck not in house.venue.hub.sockets
        await healthy.socket.receive(5)
        writer.close()

    run(tmp_path, act, streams={"buffer_bytes": 100_000})


def test_too_many_connections_are_refused(tmp_path):
    async def act(house):
        for _ in range(3):
            await house.socket("/ws")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await house.socket("/ws")
        assert refused.value.status == 429

    run(tmp_path, act, streams={"connections_per_5_min": 3})


def test_answers_carry_limits_unless_they_are_not_wanted(tmp_path):
    async def act(house):
        line = await house.socket("/ws-api/v3")
        told = await line.ask("time")
        assert told["status"] == 200
        assert told["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        assert "rateLimits" not in await line.ask("time", {"returnRateLimits": False})
        quiet = await house.socket("/ws-api/v3?returnRateLimits=false")
        assert "rateLimits" not in await quiet.ask("time")
        params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "40000"}
        placed = await line.ask("order.place", house.signed(**params))
        assert {row["rateLimitType"] for row in placed["rateLimits"]} == {"ORDERS", "REQUEST_WEIGHT"}

    run(tmp_path, act)


def test_errors_of_the_websocket_api(tmp_path):
    async def act(house):
        line = await house.socket("/ws-api/v3")
        cases = [
            ("order.place", {}, 401, -2014),
            ("order.place", {**house.signed(symbol="BTCUSDT"), "signature": "0" * 64}, 400, -1022),
            ("order.status", house.signed(symbol="BTCUSDT", orderId=1), 400, -2013),
            ("order.status", {**house.signed(symbol="BTCUSDT", orderId=1), "orderId": 2}, 400, -1022),
            ("depth", {"symbol": "NOPE"}, 400, -1121),
            ("depth", {"symbol": "BTCUSDT", "colour": "red"}, 400, -1104),
            ("no.such.method", {}, 400, -1130),
            ("userDataStream.subscribe", {}, 401, -1135),
        ]
        for method, params, status, code in cases:
            told = await line.ask(method, params)
            assert (told["status"], told["error"]["code"]) == (status, code), method

    run(tmp_path, act)


def test_cancel_replace_amend_and_the_rest_of_spot(tmp_path):
    async def act(house):
        line = await house.socket("/ws-api/v3")
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02", "price": "40000"}
        placed = (await line.ask("order.place", house.signed(**order)))["result"]
        amended = await line.ask(
            "order.amend.keepPriority", house.signed(symbol="BTCUSDT", orderId=placed["orderId"], newQty="0.01")
        )
        assert amended["status"] == 200
        replace = {**order, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
        replaced = await line.ask("order.cancelReplace", house.signed(**replace))
        assert replaced["result"]["cancelResult"] == replaced["result"]["newOrderResult"] == "SUCCESS"
        failed = await line.ask("order.cancelReplace", house.signed(**replace))
        assert (failed["status"], failed["error"]["code"]) == (400, -2022)
        assert failed["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
        for method, params in (
            ("exchangeInfo", {}), ("ticker.24hr", {"symbol": "BTCUSDT"}), ("ticker.price", {}), ("ticker.book", {}),
            ("trades.recent", {"symbol": "BTCUSDT"}), ("avgPrice", {"symbol": "BTCUSDT"}),
        ):  # fmt: skip
            assert (await line.ask(method, params))["status"] == 200, method
        for method in ("account.status", "account.rateLimits.orders", "openOrders.status"):
            assert (await line.ask(method, house.signed()))["status"] == 200, method
        assert len((await line.ask("openOrders.cancelAll", house.signed(symbol="BTCUSDT")))["result"]) == 1

    run(tmp_path, act)


def test_sessions(tmp_path):
    async def act(house):
        private = Ed25519PrivateKey.generate()
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        key = house.venue.exchange.make_key(house.accounts["alice"], kind="ED25519", public_key=pem)
        line = await house.socket("/ws-api/v3")
        refused = await line.ask("session.logon", house.signed())
        assert refused["error"]["code"] == -4056
        values = {"apiKey": key.key, "timestamp": house.venue.clock.server_ms()}
        values["signature"] = base64.b64encode(private.sign(ws_payload(values))).decode()
        logged = await line.ask("session.logon", values)
        assert logged["result"]["apiKey"] == key.key
        assert (await line.ask("session.status"))["result"]["authorizedSince"] > 0
        now = {"timestamp": house.venue.clock.server_ms()}
        assert (await line.ask("account.status", now))["result"]["uid"] == house.accounts["alice"].account_id
        # Another account's key without its signature is no way in.
        stolen = await line.ask("account.status", {**now, "apiKey": house.keys["bob"].key})
        assert stolen["status"] == 400
        assert (await line.ask("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        assert (await line.ask("userDataStream.subscribe"))["status"] == 400
        assert (await line.ask("session.subscriptions"))["result"] == [{"subscriptionId": 0}]
        house.venue.exchange.deposit(house.accounts["alice"], "spot", "BTC", "1")
        told = await line.until(lambda message: "event" in message)
        assert told["event"]["e"] in ("balanceUpdate", "outboundAccountPosition")
        assert (await line.ask("userDataStream.unsubscribe", {"subscriptionId": 0}))["result"] == {}
        assert (await line.ask("session.logout"))["result"]["apiKey"] is None
        assert (await line.ask("account.status", now))["status"] == 401

    run(tmp_path, act)


def test_futures_user_data_by_listen_key(tmp_path):
    async def act(house):
        client = house.ccxt()
        key = (await client.fapiPrivatePostListenKey())["listenKey"]
        line = await house.socket(f"/f/private/ws?listenKey={key}")
        stranger = await house.socket("/f/private/ws?listenKey=" + "x" * 64)
        await client.load_markets()
        async with house.market(every_s=5):
            await client.create_order("BTC/USDT:USDT", "market", "buy", 0.01)
            names = [(await line.next())["e"] for _ in range(4)]
        assert sorted(names) == ["ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE"]
        house.venue.faults.set("user_stream", what="listenKeyExpired")
        assert (await line.next())["listenKey"] == key
        with pytest.raises((asyncio.TimeoutError, TimeoutError)):
            await stranger.next(0.2)

    run(tmp_path, act)


def test_an_event_before_its_response_and_one_after(tmp_path):
    async def act(house):
        line = await house.socket("/ws-api/v3")
        await line.ask("userDataStream.subscribe.signature", house.signed())
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "40000"}

        async def first_two():
            await line.say({"id": "x", "method": "order.place", "params": house.signed(**order)})
            return ["event" if "event" in await line.next() else "answer" for _ in range(2)]

        assert await first_two() == ["answer", "event"]
        await asyncio.sleep(0.2)
        while line.socket._reader._buffer:
            await line.next()
        house.venue.faults.set("event_before_response", ms=100)
        assert (await first_two())[0] == "event"

    run(tmp_path, act)


def test_a_mute_market_and_a_half_open_socket(tmp_path):
    async def act(house):
        async with house.market():
            line = await house.socket("/ws/btcusdt@bookTicker")
            await line.next()
            fault = house.venue.faults.set("half_open", where="btcusdt@bookTicker")
            with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                await line.drain(0.3)
            await line.socket.ping()
            house.venue.faults.clear(fault_id=fault.fault_id)

    run(tmp_path, act)


def test_garbage_after_the_handshake_is_no_harm(tmp_path):
    async def act(house):
        port = int(house.venue.ws_url.rpartition(":")[2])
        for garbage in (b"\xff" * 64, struct.pack("!BBQ", 0x81, 0xFF, 2**62), b"\x81\x05hello", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(handshake("/ws"))
            await reader.readuntil(b"\r\n\r\n")
            writer.write(garbage)
            await writer.drain()
            writer.close()
        line = await house.socket("/ws")
        await line.say({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert await line.next() == {"result": [], "id": 1}

    run(tmp_path, act)
