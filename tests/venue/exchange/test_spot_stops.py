"""Spot stops, trailing stops, time in force and self-trade prevention."""

from decimal import Decimal

import pytest

from b25.venue.exchange.events import OrderEvent
from tests.venue.exchange.floor import COIN, refused, says


@pytest.fixture
def floor(floor):
    """Bitcoin has traded at 20,000, and Bob makes a market around it."""
    floor.carl = floor.customer("carl", usdt="1000000", btc="100")
    trade_at(floor, "20000")
    floor.heard.forget()
    return floor


def trade_at(floor, price):
    floor.spot(floor.carl, "SELL", "0.001", price)
    floor.spot(floor.carl, "BUY", "0.001", price)


def state(floor, order):
    return floor.exchange.spot_orders.order(floor.ann, "BTCUSDT", order_id=order.order_id).state


@pytest.mark.parametrize(
    ("kind", "side", "stop", "not_yet", "fires"),
    [
        ("STOP_LOSS", "SELL", "19000", "19000.01", "19000"),
        ("STOP_LOSS", "BUY", "21000", "20999.99", "21000"),
        ("TAKE_PROFIT", "SELL", "21000", "20999.99", "21000"),
        ("TAKE_PROFIT", "BUY", "19000", "19000.01", "19000"),
    ],
)
def test_a_stop_fires_from_its_side(floor, kind, side, stop, not_yet, fires):
    order = floor.spot(floor.ann, side, "0.1", kind=kind, stop_price=Decimal(stop))
    assert not order.is_working
    trade_at(floor, not_yet)
    assert state(floor, order) == "NEW"
    far = {"SELL": ("BUY", "15000"), "BUY": ("SELL", "25000")}[side]
    floor.spot(floor.bob, far[0], "1", far[1])
    trade_at(floor, fires)
    assert state(floor, order) == "FILLED"
    assert floor.has(floor.ann, "USDT")[1] == 0
    assert floor.has(floor.ann, "BTC")[1] == 0


def test_a_limit_stop_rests_at_its_price(floor):
    order = floor.spot(floor.ann, "SELL", "0.1", "18900", kind="STOP_LOSS_LIMIT", stop_price=Decimal(19_000))
    assert floor.has(floor.ann, "BTC")[1] == COIN // 10
    trade_at(floor, "18950")
    found = floor.exchange.spot_orders.order(floor.ann, "BTCUSDT", order_id=order.order_id)
    assert (found.state, found.is_working) == ("NEW", True)
    assert floor.exchange.spot["BTCUSDT"].best_ask_ticks == 1_890_000


def test_a_stop_that_would_fire_at_once_is_refused(floor):
    for kind, side, stop in (("STOP_LOSS", "SELL", 20_000), ("TAKE_PROFIT", "BUY", 20_001)):
        error = refused(floor.spot, floor.ann, side, "0.1", kind=kind, stop_price=Decimal(stop))
        assert says(error) == (-2010, "Order would trigger immediately.")
    assert floor.has(floor.ann, "BTC")[1] == 0


def test_a_stop_that_finds_nobody_expires(floor):
    order = floor.spot(floor.ann, "SELL", "0.1", kind="STOP_LOSS", stop_price=Decimal(19_000))
    trade_at(floor, "18000")
    assert state(floor, order) == "EXPIRED"
    assert floor.has(floor.ann, "BTC") == (10 * COIN, 0)


def test_a_buy_stop_that_became_too_dear_expires_without_overdrawing(floor):
    order = floor.spot(floor.ann, "BUY", "4.7", kind="STOP_LOSS", stop_price=Decimal(21_000))
    floor.spot(floor.bob, "SELL", "9", "25000")
    trade_at(floor, "21000")
    assert state(floor, order) == "EXPIRED"
    assert floor.has(floor.ann, "USDT") == (100_000 * COIN, 0)


def test_one_stop_may_set_off_another(floor):
    floor.spot(floor.bob, "BUY", "0.1", "18500")
    floor.spot(floor.bob, "BUY", "5", "17000")
    first = floor.spot(floor.ann, "SELL", "0.2", kind="STOP_LOSS", stop_price=Decimal(19_000))
    second = floor.spot(floor.ann, "SELL", "0.1", kind="STOP_LOSS", stop_price=Decimal(17_500))
    trade_at(floor, "18900")
    assert (state(floor, first), state(floor, second)) == ("FILLED", "FILLED")


def test_a_trailing_stop_follows_the_highest_price(floor):
    floor.spot(floor.bob, "BUY", "1", "15000")
    order = floor.spot(floor.ann, "SELL", "0.1", kind="STOP_LOSS", trailing_delta_bips=100)
    trade_at(floor, "22000")
    trade_at(floor, "21780.01")
    assert state(floor, order) == "NEW"
    trade_at(floor, "21780")
    assert state(floor, order) == "FILLED"


def test_a_trailing_stop_may_wait_for_a_price_to_begin(floor):
    floor.spot(floor.bob, "SELL", "1", "25000")
    order = floor.spot(floor.ann, "BUY", "0.1", kind="TAKE_PROFIT", trailing_delta_bips=200, stop_price=Decimal(19_500))
    trade_at(floor, "19600")
    trade_at(floor, "19400")
    assert state(floor, order) == "NEW"
    trade_at(floor, "19011")
    assert state(floor, order) == "FILLED"


# -- time in force --------------------------------------------------------------------------------


def test_what_an_ioc_leaves_expires(floor):
    floor.spot(floor.bob, "SELL", "0.3", "20000")
    order = floor.spot(floor.ann, "BUY", "1", "20000", tif="IOC")
    assert (order.state, order.filled_lots, order.expiry_reason) == ("EXPIRED", 30_000, "UNFILLED_IOC_QUANTITY_EXPIRED")
    assert floor.has(floor.ann, "USDT") == (94_000 * COIN, 0)
    assert floor.heard.orders(floor.ann) == [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")]


def test_a_fok_trades_whole_or_not_at_all(floor):
    floor.spot(floor.bob, "SELL", "0.3", "20000")
    order = floor.spot(floor.ann, "BUY", "0.4", "20000", tif="FOK")
    assert (order.state, order.filled_lots) == ("EXPIRED", 0)
    assert floor.spot(floor.ann, "BUY", "0.3", "20000", tif="FOK").state == "FILLED"


def test_a_market_order_that_exhausts_the_book_expires(floor):
    floor.spot(floor.bob, "SELL", "0.3", "20000")
    order = floor.spot(floor.ann, "BUY", "0.4")
    assert (order.state, order.filled_lots, order.expiry_reason) == ("EXPIRED", 30_000, "INSUFFICIENT_LIQUIDITY")


# -- self-trade prevention ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [
        ("NONE", ("FILLED", 40_000), ("PARTIALLY_FILLED", 40_000)),
        ("EXPIRE_TAKER", ("EXPIRED_IN_MATCH", 0), ("NEW", 0)),
        ("EXPIRE_MAKER", ("NEW", 0), ("EXPIRED_IN_MATCH", 0)),
        ("EXPIRE_BOTH", ("EXPIRED_IN_MATCH", 0), ("EXPIRED_IN_MATCH", 0)),
        ("DECREMENT", ("EXPIRED_IN_MATCH", 0), ("NEW", 0)),
    ],
)
def test_self_trade_prevention(floor, mode, taker, maker):
    resting = floor.spot(floor.ann, "SELL", "1", "20000")
    taking = floor.spot(floor.ann, "BUY", "0.4", "20000", stp=mode)
    rested = floor.exchange.spot_orders.order(floor.ann, "BTCUSDT", order_id=resting.order_id)
    assert (taking.state, taking.filled_lots) == taker
    assert (rested.state, rested.filled_lots) == maker
    if mode == "DECREMENT":
        assert (rested.prevented_lots, rested.leaves_lots) == (40_000, 60_000)
        assert floor.has(floor.ann, "BTC")[1] == 60_000_000
    prevented = [event for event in floor.heard.of(floor.ann, OrderEvent) if event.execution == "TRADE_PREVENTION"]
    assert len(prevented) == {"NONE": 0, "EXPIRE_TAKER": 1, "EXPIRE_MAKER": 1}.get(mode, 2)


def test_a_market_buy_with_prevention_reserves_for_what_lies_behind_its_own_orders(floor):
    floor.spot(floor.ann, "SELL", "1", "20000")
    floor.spot(floor.bob, "SELL", "1", "90000")
    order = floor.spot(floor.ann, "BUY", "1", stp="EXPIRE_MAKER")
    assert (order.state, order.filled_quote) == ("FILLED", 90_000 * COIN)
    assert floor.has(floor.ann, "USDT") == (10_000 * COIN, 0)
