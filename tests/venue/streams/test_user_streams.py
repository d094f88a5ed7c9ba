"""User data: the fields of the samples, who hears them, in which order, and what the faults do to them."""

import asyncio
from decimal import Decimal

import orjson
import pytest

from b25.venue.exchange.accounts import Account
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.events import (
    AlgoEvent,
    AssetState,
    BalanceEvent,
    BalanceUpdate,
    ConfigEvent,
    MarginCall,
    OrderEvent,
    PositionState,
)
from b25.venue.exchange.orders import AlgoOrder, Fill, Order
from b25.venue.wire.render_user import payloads
from tests.venue.streams.stand import START_MS, Stand, heard

SPOT_REPORT = set("eEscSofqpPFgCxXrilzLnNTtIwmMOZYQWV")
FUTURES_ORDER = set("scSofqpxXilzLNnTtbamRV") | {
    "ap",
    "sp",
    "wt",
    "ot",
    "ps",
    "cp",
    "AP",
    "cr",
    "pP",
    "si",
    "ss",
    "rp",
    "pm",
    "gtd",
}
ALGO = set("osSfqXpVR") | {"caid", "aid", "at", "ps", "ai", "ap", "aq", "act", "tp", "wt", "pm", "cp", "pP", "tt", "gtd", "rm"}


def an_order(stand, market, **changes):
    terms = {
        "order_id": 7, "client_id": "mine", "account": 1, "listing": getattr(stand, market), "side": "BUY",
        "type": "LIMIT", "tif": "GTC", "price_ticks": 500_000, "qty_lots": 20, "created_ms": START_MS, "working_ms": START_MS,
        **changes,
    }  # fmt: skip
    return Order(**terms)


def a_fill(market, **changes):
    terms = {
        "trade_id": 99, "order_id": 7, "symbol": "BTCUSDT", "side": "BUY", "price_ticks": 500_000, "qty_lots": 5,
        "quote": 25_000_000, "commission": 1_000, "commission_asset": "USDT", "maker": True, "time_ms": START_MS + 1,
        "realised": 123 if market == "linear" else 0,
        **changes,
    }  # fmt: skip
    return Fill(**terms)


def fill_event(stand, market):
    order = an_order(stand, market, state="PARTIALLY_FILLED", filled_lots=5, filled_ticklots=2_500_000)
    return OrderEvent(order, "TRADE", START_MS + 1, 12, a_fill(market))


class Listening(Stand):
    """A stand with two accounts, the first heard on both markets."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.alice, self.bob = Account(1, "alice", START_MS), Account(2, "bob", START_MS)
        self.exchange.accounts = {1: self.alice, 2: self.bob}
        self.api = self.listener(path="ws-api")
        self.hub.users.subscribe(self.api, self.alice)
        self.private = self.listener(market="linear", path="private")
        self.key = self.hub.listen_keys.create(self.alice)
        assert self.hub.users.attach(self.private, self.key)

    def tell(self, account, event):
        self.hub.on_user(account, event)


def test_a_spot_fill():
    stand = Listening()
    (report,) = payloads(fill_event(stand, "spot"), START_MS + 2)
    assert set(report) == SPOT_REPORT
    assert (report["x"], report["X"], report["l"], report["z"], report["L"]) == (
        "TRADE", "PARTIALLY_FILLED", "0.00005000", "0.00005000", "5000.00000000",
    )  # fmt: skip
    assert (report["n"], report["N"], report["t"], report["m"], report["w"]) == ("0.00001000", "USDT", 99, True, True)
    assert (report["Y"], report["Z"], report["C"], report["c"]) == ("0.25000000", "0.25000000", "", "mine")


def test_a_spot_cancel_carries_its_own_id_and_the_orders():
    stand = Listening()
    (report,) = payloads(
        OrderEvent(an_order(stand, "spot", state="CANCELED"), "CANCELED", START_MS, 3, cancel_client_id="c-1"), START_MS
    )
    assert (report["c"], report["C"], report["w"], report["t"], report["N"]) == ("c-1", "mine", False, -1, None)


def test_more_fields_of_some_reports():
    stand = Listening()
    order = an_order(
        stand, "spot", state="EXPIRED_IN_MATCH", prevented_lots=4, stp="EXPIRE_TAKER", trailing_delta_bips=30, strategy_id=5
    )
    event = OrderEvent(order, "TRADE_PREVENTION", START_MS, 3, counter_order_id=4, prevented_lots=4)
    (report,) = payloads(event, START_MS)
    assert set(report) - SPOT_REPORT == {"v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY", "d", "D", "j"}
    expired = OrderEvent(an_order(stand, "spot", state="EXPIRED", expiry_reason="X"), "EXPIRED", START_MS, 3)
    assert payloads(expired, START_MS)[0]["eR"] == "X"


def test_spot_balances():
    event = BalanceEvent("spot", "ORDER", [AssetState("ETH", free=1_000_000_000_000, locked=5)], START_MS)
    assert payloads(event, START_MS + 1) == [
        {
            "e": "outboundAccountPosition",
            "E": START_MS + 1,
            "u": START_MS,
            "B": [{"a": "ETH", "f": "10000.00000000", "l": "0.00000005"}],
        }
    ]
    assert payloads(BalanceUpdate("BTC", -100, START_MS), START_MS) == [
        {"e": "balanceUpdate", "E": START_MS, "a": "BTC", "d": "-0.00000100", "T": START_MS}
    ]


def test_a_futures_fill_is_told_in_short_and_in_full():
    stand = Listening()
    lite, full = payloads(fill_event(stand, "linear"), START_MS + 2)
    assert set(lite) == set("eETsqpmcSLlti")
    assert (lite["e"], lite["l"], lite["L"], lite["t"]) == ("TRADE_LITE", "0.005", "50000.0", 99)
    assert set(full) == set("eTEo")
    assert set(full["o"]) == FUTURES_ORDER
    row = full["o"]
    assert (row["ap"], row["rp"], row["n"], row["N"], row["b"], row["a"]) == (
        "50000", "0.00000123", "0.00001000", "USDT", "750.00000000", "0",
    )  # fmt: skip


def test_a_futures_order_without_a_fill_has_no_commission():
    stand = Listening()
    (full,) = payloads(OrderEvent(an_order(stand, "linear"), "NEW", START_MS, 1), START_MS)
    assert set(full["o"]) == FUTURES_ORDER - {"n", "N"}


def test_futures_balances_and_positions():
    stand = Listening()
    position = PositionState(stand.linear, "BOTH", -20, 10_000_000, 500, -300, "cross", 0, 40, 1_000, 499_000)
    event = BalanceEvent(
        "linear", "FUNDING_FEE", [AssetState("USDT", wallet=10**10, cross_wallet=9, change=-7)], START_MS, [position]
    )
    (told,) = payloads(event, START_MS)
    assert told["a"]["m"] == "FUNDING_FEE"
    assert told["a"]["B"] == [{"a": "USDT", "wb": "100.00000000", "cw": "0.00000009", "bc": "-0.00000007"}]
    (row,) = told["a"]["P"]
    assert set(row) == {"s", "pa", "ep", "bep", "cr", "up", "mt", "iw", "ps"}
    assert (row["pa"], row["ep"], row["up"], row["mt"]) == ("-0.020", "50000", "-0.00000300", "cross")
    (call,) = payloads(MarginCall(5, [position], START_MS), START_MS)
    assert set(call) == {"e", "E", "cw", "p"}
    assert set(call["p"][0]) == {"s", "ps", "pa", "mt", "iw", "mp", "up", "mm"}
    assert payloads(ConfigEvent("BTCUSDT", 25, START_MS), START_MS)[0]["ac"] == {"s": "BTCUSDT", "l": 25}


def test_algo_orders():
    stand = Listening()
    algo = AlgoOrder(
        algo_id=3, client_id="stop", account=1, listing=stand.linear, side="SELL", type="STOP_MARKET", tif="GTC",
        position_side="BOTH",
        qty_lots=10, price_ticks=0, trigger_ticks=490_000, created_ms=START_MS, callback_rate=Decimal(1),
    )  # fmt: skip
    (told,) = payloads(AlgoEvent(algo, START_MS), START_MS)
    assert set(told["o"]) == ALGO
    assert (told["o"]["tp"], told["o"]["X"], told["o"]["ai"], told["o"]["act"]) == ("49000.0", "NEW", "", "0")
    algo.actual_order_id = 88
    assert payloads(AlgoEvent(algo, START_MS), START_MS)[0]["o"]["ai"] == "88"
    assert payloads(AlgoEvent(algo, START_MS), START_MS)[0]["o"]["act"] == "MARKET"


def test_nobody_hears_another_account():
    stand = Listening()
    stand.tell(stand.bob, fill_event(stand, "spot"))
    stand.tell(stand.bob, fill_event(stand, "linear"))
    assert heard(stand.api) == heard(stand.private) == []
    stand.tell(stand.alice, fill_event(stand, "spot"))
    (told,) = heard(stand.api)
    assert (told["subscriptionId"], told["event"]["e"]) == (0, "executionReport")
    assert heard(stand.private) == []
    stand.tell(stand.alice, fill_event(stand, "linear"))
    assert [one["e"] for one in heard(stand.private)] == ["TRADE_LITE", "ORDER_TRADE_UPDATE"]


def test_events_leave_after_the_answer_of_their_request_and_in_their_order():
    async def run():
        stand = Listening()
        for number in range(3):
            stand.tell(stand.alice, BalanceUpdate("BTC", number, START_MS))
        before = bytes(stand.api.transport.data)
        await asyncio.sleep(0)
        return before, [one["event"]["d"] for one in heard(stand.api)]

    assert asyncio.run(run()) == (b"", ["0.00000000", "0.00000001", "0.00000002"])


def test_two_subscriptions_of_one_socket_and_their_end():
    stand = Listening()
    assert stand.hub.users.subscribe(stand.api, stand.bob) == 1
    stand.tell(stand.bob, fill_event(stand, "spot"))
    assert [one["subscriptionId"] for one in heard(stand.api)] == [1]
    assert stand.hub.users.unsubscribe(stand.api, 1)
    assert not stand.hub.users.unsubscribe(stand.api, 1)
    stand.tell(stand.bob, fill_event(stand, "spot"))
    assert heard(stand.api) == []
    stand.hub.remove(stand.api)
    assert stand.api.subscriptions == {}


def test_listen_keys_live_for_an_hour_and_longer_when_extended():
    stand = Listening(pong_within_ms={"spot": 10**9, "linear": 10**9})
    keys = stand.hub.listen_keys
    assert len(stand.key) == 64
    assert keys.create(stand.alice) == stand.key
    with pytest.raises(VenueError) as refused:
        keys.extend(stand.bob)
    assert refused.value.code == -1125
    for _ in range(3):
        stand.step(1_800_000)
        assert keys.extend(stand.alice) == stand.key
    heard(stand.private)
    stand.step(3_600_000)
    (told,) = heard(stand.private)
    assert told == {"e": "listenKeyExpired", "E": stand.exchange.now_ms, "listenKey": stand.key}
    stand.tell(stand.alice, fill_event(stand, "linear"))
    assert heard(stand.private) == []
    assert keys.create(stand.alice) != stand.key


def test_an_unknown_listen_key_hears_nothing():
    stand = Listening()
    assert not stand.hub.users.attach(stand.listener(market="linear", path="private"), "x" * 64)


def test_event_drop_and_event_dup_by_type_and_account():
    stand = Listening()
    stand.faults.set("event_drop", where="TRADE_LITE")
    stand.faults.set("event_dup", where="ORDER_TRADE_UPDATE", account="alice", times=2)
    stand.tell(stand.alice, fill_event(stand, "linear"))
    assert [one["e"] for one in heard(stand.private)] == ["ORDER_TRADE_UPDATE"] * 3


def test_event_delay_lets_others_overtake():
    async def run():
        stand = Listening()
        stand.faults.set("event_delay_ms", where="executionReport", min=500, max=500, for_ms=100_000)
        stand.tell(stand.alice, fill_event(stand, "spot"))
        stand.tell(stand.alice, BalanceEvent("spot", "ORDER", [], START_MS))
        await asyncio.sleep(0)
        names = [one["event"]["e"] for one in heard(stand.api)]
        stand.step(500)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return [*names, *(one["event"]["e"] for one in heard(stand.api))]

    assert asyncio.run(run()) == ["outboundAccountPosition", "executionReport"]


def test_the_knob_user_stream():
    stand = Listening()
    stand.faults.set("user_stream", what="listenKeyExpired", account="bob")
    assert heard(stand.private) == []
    stand.faults.set("user_stream", what="listenKeyExpired", account="ali*")
    assert [one["e"] for one in heard(stand.private)] == ["listenKeyExpired"]
    stand.faults.set("user_stream", what="eventStreamTerminated")
    assert heard(stand.api) == [{"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": START_MS}}]
    stand.tell(stand.alice, fill_event(stand, "spot"))
    assert heard(stand.api) == []


def test_silence_ends_user_data_without_a_word():
    stand = Listening()
    stand.faults.set("user_stream", what="silence")
    stand.tell(stand.alice, fill_event(stand, "spot"))
    stand.tell(stand.alice, fill_event(stand, "linear"))
    assert heard(stand.api) == heard(stand.private) == []
    assert stand.hub.listen_keys.extend(stand.alice) == stand.key
    assert stand.hub.users.subscribe(stand.api, stand.alice) == 1
    stand.tell(stand.alice, fill_event(stand, "spot"))
    assert len(heard(stand.api)) == 1


def test_connection_faults_of_one_account_strike_the_sockets_that_hear_it():
    stand = Listening()
    other = stand.listener(path="ws-api")
    stand.hub.users.subscribe(other, stand.bob)
    stand.faults.set("half_open", where="*", account="bob")
    assert [one.frozen for one in (stand.api, stand.private, other)] == [False, False, True]
    stand.faults.set("cut", where="*", account="alice")
    assert [one.is_open for one in (stand.api, stand.private, other)] == [False, False, True]


def test_payloads_are_json():
    stand = Listening()
    for market in ("spot", "linear"):
        for payload in payloads(fill_event(stand, market), START_MS):
            assert orjson.loads(orjson.dumps(payload)) == payload
