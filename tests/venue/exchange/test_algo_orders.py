"""Conditional futures orders: NEW, TRIGGERING, TRIGGERED, FINISHED, and every other way that they may end."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b25.venue.exchange.events import AlgoEvent, OrderEvent
from tests.venue.exchange.floor import COIN, refused, says


@pytest.fixture
def floor(floor):
    """Bitcoin trades at 20,000 between two others; Ann is long 1."""
    floor.carl = floor.customer("carl", usdt="1000000")
    floor.dora = floor.customer("dora", usdt="1000000")
    floor.mark("20000")
    trade_at(floor, "20000")
    floor.linear(floor.carl, "SELL", "1", "20000")
    floor.linear(floor.ann, "BUY", "1", "20000")
    floor.heard.forget()
    return floor


def trade_at(floor, price):
    floor.linear(floor.carl, "SELL", "0.01", price)
    floor.linear(floor.dora, "BUY", "0.01", price)


def found(floor, algo):
    return floor.exchange.linear_algos.order(floor.ann, algo_id=algo.algo_id)


def test_a_life(floor):
    algo = floor.algo(floor.ann, "SELL", "STOP_MARKET", "0.4", "19500", client_id="stop", reduce_only=True)
    assert (algo.state, algo.trigger_ticks, algo.actual_order_id) == ("NEW", 195_000, 0)
    floor.linear(floor.bob, "BUY", "1", "19400")
    trade_at(floor, "19500.1")
    assert found(floor, algo).state == "NEW"
    trade_at(floor, "19500")
    assert floor.heard.algos(floor.ann) == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    done = found(floor, algo)
    order = floor.exchange.linear_orders.order(floor.ann, "BTCUSDT", order_id=done.actual_order_id)
    assert (order.client_id, order.type, order.orig_type, order.state) == ("stop", "MARKET", "STOP_MARKET", "FILLED")
    assert (done.actual_filled_lots, done.actual_ticklots) == (400, 400 * 194_000)
    kinds = [type(event) for number, event in floor.heard.users if number == 1]
    assert kinds.index(OrderEvent) == kinds.index(AlgoEvent) + 3, "TRIGGERED is told before its order"
    assert floor.exchange.linear_algos.open_orders(floor.ann) == []


def test_a_limit_stays_triggered_while_its_order_rests(floor):
    algo = floor.algo(floor.ann, "SELL", "TAKE_PROFIT", "0.4", "20500", price=Decimal(20_600), tif="GTC")
    trade_at(floor, "20500")
    assert found(floor, algo).state == "TRIGGERED"
    order_id = found(floor, algo).actual_order_id
    assert [order.order_id for order in floor.exchange.linear_orders.open_orders(floor.ann)] == [order_id]
    floor.exchange.linear_orders.cancel(floor.ann, "BTCUSDT", order_id=order_id)
    assert found(floor, algo).state == "FINISHED"


def test_the_mark_price_may_be_the_trigger(floor):
    floor.linear(floor.bob, "BUY", "1", "19400")
    algo = floor.algo(floor.ann, "SELL", "STOP_MARKET", "0.4", "19500", working_type="MARK_PRICE")
    trade_at(floor, "19450")
    assert found(floor, algo).state == "NEW"
    floor.mark("19500")
    assert found(floor, algo).state == "FINISHED"


def test_a_position_can_be_closed_whatever_its_size(floor):
    floor.linear(floor.bob, "BUY", "2", "19400")
    algo = floor.algo(floor.ann, "SELL", "STOP_MARKET", trigger="19500", close_position=True)
    floor.linear(floor.carl, "SELL", "0.5", "20000")
    floor.linear(floor.ann, "BUY", "0.5", "20000")
    trade_at(floor, "19500")
    assert found(floor, algo).actual_filled_lots == 1500
    assert floor.position(floor.ann).lots == 0


def test_a_close_without_a_position_is_rejected(floor):
    algo = floor.algo(floor.ann, "BUY", "STOP_MARKET", trigger="20500", close_position=True)
    trade_at(floor, "20500")
    assert (found(floor, algo).state, found(floor, algo).reject_reason) == ("REJECTED", "Reduce Only reject")


def test_what_the_margin_does_not_carry_is_rejected_at_the_trigger(floor):
    algo = floor.algo(floor.ann, "BUY", "STOP", "110", "20500", price=Decimal(20_500), tif="GTC")
    trade_at(floor, "20500")
    assert (found(floor, algo).state, found(floor, algo).reject_reason) == ("REJECTED", "Margin is insufficient.")
    assert floor.heard.algos(floor.ann) == ["NEW", "TRIGGERING", "REJECTED"]


def test_trailing(floor):
    floor.linear(floor.bob, "BUY", "1", "19400")
    algo = floor.algo(
        floor.ann, "SELL", "TRAILING_STOP_MARKET", "0.4", callback_rate=Decimal("1.5"), activate_price=Decimal(20_400)
    )
    trade_at(floor, "20100")
    trade_at(floor, "19750")
    trade_at(floor, "20400")
    trade_at(floor, "20600")
    trade_at(floor, "20291.1")
    assert found(floor, algo).state == "NEW"
    trade_at(floor, "20291")  # 20,600 less 1.5 %
    assert found(floor, algo).state == "FINISHED"


def test_trailing_by_the_mark(floor):
    floor.linear(floor.bob, "SELL", "1", "20500")
    algo = floor.algo(floor.ann, "BUY", "TRAILING_STOP_MARKET", "0.4", callback_rate=Decimal(1), working_type="MARK_PRICE")
    floor.mark("19800")
    floor.mark("19997.9")
    assert found(floor, algo).state == "NEW"
    floor.mark("19998")
    assert found(floor, algo).state == "FINISHED"


@pytest.mark.parametrize(
    ("side", "kind", "trigger"),
    [("SELL", "STOP_MARKET", "20000"), ("BUY", "STOP_MARKET", "19999"), ("SELL", "TAKE_PROFIT_MARKET", "20000")],
)
def test_what_would_trigger_at_once_is_refused(floor, side, kind, trigger):
    assert says(refused(floor.algo, floor.ann, side, kind, "1", trigger)) == (-2021, "Order would immediately trigger.")
    assert floor.exchange.linear_algos.all_orders(floor.ann, "BTCUSDT") == []


@pytest.mark.parametrize(
    ("kind", "terms", "code"),
    [
        ("LIMIT", {}, -1116),
        ("STOP_MARKET", {"trigger_price": None}, -1102),
        ("STOP_MARKET", {"quantity": None}, -1102),
        ("STOP_MARKET", {"price": Decimal(1)}, -1106),
        ("STOP_MARKET", {"price_match": "QUEUE"}, -5038),
        ("STOP", {}, -1102),
        ("STOP", {"close_position": True}, -4136),
        ("STOP_MARKET", {"close_position": True}, -1106),
        ("STOP_MARKET", {"trigger_price": Decimal("19000.05")}, -4014),
        ("STOP_MARKET", {"quantity": Decimal("0.0001")}, -1111),
        ("TRAILING_STOP_MARKET", {}, -1102),
        ("TRAILING_STOP_MARKET", {"callback_rate": Decimal(11)}, -4137),
        ("TRAILING_STOP_MARKET", {"callback_rate": Decimal("NaN")}, -4137),
        ("TRAILING_STOP_MARKET", {"callback_rate": Decimal(1), "activate_price": Decimal(19_000)}, -2021),
        ("STOP_MARKET", {"position_side": "LONG"}, -4061),
    ],
)
def test_parameters(floor, kind, terms, code):
    given = {"quantity": Decimal("0.1"), "trigger_price": Decimal(19_000), **terms}
    assert refused(floor.algo, floor.ann, "SELL", kind, **given).code == code


def test_so_many_may_wait(floor):
    filters = replace(floor.exchange.linear["BTCUSDT"].linear_filters, max_algo_orders=1)
    floor.exchange.operations.set_filters("linear", "BTCUSDT", filters)
    floor.algo(floor.ann, "SELL", "STOP_MARKET", "1", "19000", client_id="one")
    assert says(refused(floor.algo, floor.ann, "SELL", "STOP_MARKET", "1", "19000")) == (-4045, "Reach max stop order limit.")
    assert refused(floor.algo, floor.ann, "SELL", "STOP_MARKET", "1", "19000", client_id="one").code == -4116
    floor.algo(floor.bob, "SELL", "STOP_MARKET", "1", "19000", client_id="one")


def test_one_close_in_a_direction(floor):
    floor.algo(floor.ann, "SELL", "STOP_MARKET", trigger="19000", close_position=True)
    assert refused(floor.algo, floor.ann, "SELL", "STOP_MARKET", trigger="18900", close_position=True).code == -4130
    floor.algo(floor.ann, "SELL", "TAKE_PROFIT_MARKET", trigger="21000", close_position=True)


def test_cancelling_and_looking(floor):
    desk = floor.exchange.linear_algos
    algo = floor.algo(floor.ann, "SELL", "STOP_MARKET", "1", "19000", client_id="stop")
    assert refused(desk.cancel, floor.bob, algo_id=algo.algo_id).code == -2011
    assert refused(desk.order, floor.bob, client_id="stop").code == -2013
    assert refused(desk.order, floor.ann).code == -1102
    assert refused(desk.order, floor.ann, algo_id=algo.algo_id, client_id="other").code == -2039
    assert desk.cancel(floor.ann, client_id="stop").state == "CANCELED"
    assert says(refused(desk.cancel, floor.ann, algo_id=algo.algo_id)) == (-2011, "Unknown order sent.")
    trade_at(floor, "19000")
    assert found(floor, algo).state == "CANCELED"
    trailing = floor.algo(floor.ann, "SELL", "TRAILING_STOP_MARKET", "1", callback_rate=Decimal(1))
    assert [one.algo_id for one in desk.cancel_all(floor.ann, "BTCUSDT")] == [trailing.algo_id]
    assert [one.algo_id for one in desk.all_orders(floor.ann, "BTCUSDT")] == [algo.algo_id, trailing.algo_id]
    assert desk.cancel_all(floor.ann, "BTCUSDT") == []
    assert floor.exchange.linear["BTCUSDT"].book.waiting == []


def test_a_frozen_account_keeps_its_stops(floor):
    algo = floor.algo(floor.ann, "SELL", "STOP_MARKET", "1", "19000")
    floor.exchange.operations.freeze(floor.ann)
    assert refused(floor.exchange.linear_algos.cancel, floor.ann, algo_id=algo.algo_id).code == -2011
    trade_at(floor, "19000")
    assert found(floor, algo).reject_reason == "This action is disabled on this account."


def test_the_fault_layer_may_reject_a_stop_now_or_at_its_trigger(floor):
    now = floor.algo(floor.ann, "SELL", "STOP_MARKET", "0.1", "19500")
    floor.exchange.operations.reject_algo(floor.ann, "Risk reject", now.algo_id)
    assert (found(floor, now).state, found(floor, now).reject_reason) == ("REJECTED", "Risk reject")
    later = floor.algo(floor.ann, "SELL", "STOP_MARKET", "0.1", "19500")
    floor.exchange.operations.reject_algo(floor.ann, "Reduce Only reject")
    trade_at(floor, "19500")
    assert found(floor, later).reject_reason == "Reduce Only reject"
    assert floor.position(floor.ann).lots == 1000


def test_a_good_till_date_ends_the_waiting(floor):
    till = floor.exchange.now_ms + 700_000
    algo = floor.algo(floor.ann, "SELL", "STOP", "0.1", "19500", price=Decimal(19_400), tif="GTD", good_till_ms=till)
    floor.exchange.advance(till + 1000)
    assert found(floor, algo).state == "EXPIRED"


def test_a_stop_takes_no_margin_while_it_waits(floor):
    before = floor.exchange.linear_ledger.available(floor.ann, "USDT")
    floor.algo(floor.ann, "BUY", "STOP_MARKET", "1", "20500")
    assert floor.exchange.linear_ledger.available(floor.ann, "USDT") == before
    assert before < 100_000 * COIN
