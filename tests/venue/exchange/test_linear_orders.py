"""Futures orders: refusals in Binance's futures codes, cancels, modifications, batches, the countdown."""

from dataclasses import replace

import pytest

from b25.venue.exchange.errors import VenueError
from tests.venue.exchange.floor import Floor, linear_order, number, refused, says

POST_ONLY = (
    "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history."
)


@pytest.fixture
def floor(floor):
    floor.mark("20000")
    return floor


@pytest.fixture
def desk(floor):
    return floor.exchange.linear_orders


def place(floor, *args, **terms):
    return refused(floor.linear, floor.ann, *args, **terms)


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        (("BUY", "1", "20000.05"), (-4014, "Price not increased by tick size.")),
        (("BUY", "1", "20000.005"), (-1111, "Precision is over the maximum defined for this asset.")),
        (("BUY", "0.0001", "20000"), (-1111, "Precision is over the maximum defined for this asset.")),
        (("BUY", "0", "20000"), (-4003, "Quantity less than or equal to zero.")),
        (("BUY", "-1", "20000"), (-4003, "Quantity less than or equal to zero.")),
        (("BUY", "1001", "20000"), (-4005, "Quantity greater than max quantity.")),
        (("BUY", "121"), (-4005, "Quantity greater than max quantity.")),
        (("BUY", "1", "0"), (-4001, "Price less than 0.")),
        (("BUY", "1", "4529765"), (-4002, "Price greater than max price.")),
        (("BUY", "1", "21000.1"), (-4016, "Limit price can't be higher than 21000.0.")),
        (("SELL", "1", "18999.9"), (-4024, "Limit price can't be lower than 19000.0.")),
        (("BUY", "0.002", "20000"), (-4164, "Order's notional must be no smaller than 50 (unless you choose reduce only).")),
        (("LONG", "1", "20000"), (-1117, "Invalid side.")),
    ],
)
def test_refusals(floor, order, answer):
    floor.exchange.linear["BTCUSDT"]
    error = place(floor, *order)
    assert (error.http, *says(error)) == (400, *answer)


@pytest.mark.parametrize(
    ("terms", "answer"),
    [
        ({"tif": "DAY"}, (-1115, "Invalid timeInForce.")),
        ({"tif": None}, (-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.")),
        ({"kind": "ICE"}, (-1116, "Invalid orderType.")),
        (
            {"kind": "STOP_MARKET"},
            (-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."),
        ),
        ({"position_side": "LONG"}, (-4061, "Order's position side does not match user's setting.")),
        ({"stp": "DECREMENT"}, (-5039, "Invalid self trade prevention mode.")),
        ({"client_id": "x" * 37}, (-4015, "Client order id length should not be more than 36 chars")),
        ({"price_match": "QUEUE"}, (-1106, "Parameter 'price' sent when not required.")),
        ({"price_match": "BEST"}, (-5037, "Invalid price match.")),
        ({"tif": "GTD"}, (-1102, "Mandatory parameter 'goodTillDate' was not sent, was empty/null, or malformed.")),
        ({"good_till_ms": 5}, (-1106, "Parameter 'goodTillDate' sent when not required.")),
        ({"close_position": True}, (-4136, "Target strategy invalid for orderType 'LIMIT', closePosition 'true'")),
        ({"symbol": "NONE"}, (-1121, "Invalid symbol.")),
    ],
)
def test_parameters(floor, terms, answer):
    assert says(place(floor, "BUY", "1", "20000", **terms)) == answer


def test_a_good_till_date_lies_ahead_and_ends_the_order(floor, desk):
    soon = floor.exchange.now_ms + 600_000
    assert place(floor, "BUY", "1", "20000", tif="GTD", good_till_ms=soon).code == -5040
    order = floor.linear(floor.ann, "BUY", "1", "20000", tif="GTD", good_till_ms=soon + 1)
    floor.wait(600_000)
    assert desk.order(floor.ann, "BTCUSDT", order_id=order.order_id).state == "NEW"
    floor.wait(1000)
    assert desk.order(floor.ann, "BTCUSDT", order_id=order.order_id).state == "EXPIRED"
    assert floor.heard.orders(floor.ann)[-1] == ("EXPIRED", "EXPIRED")
    early = floor.linear(floor.ann, "BUY", "1", "20000", tif="GTD", good_till_ms=soon * 2)
    desk.cancel(floor.ann, "BTCUSDT", order_id=early.order_id)
    assert floor.exchange.linear["BTCUSDT"].good_till == {}


def test_post_only_is_refused_and_leaves_no_order(floor, desk):
    floor.linear(floor.bob, "SELL", "1", "20000")
    assert says(place(floor, "BUY", "1", "20000", tif="GTX")) == (-5022, POST_ONLY)
    assert desk.all_orders(floor.ann, "BTCUSDT") == []
    assert floor.linear(floor.ann, "BUY", "1", "19999.9", tif="GTX").state == "NEW"


def test_post_only_may_be_accepted_and_expire():
    floor = Floor(gtx_mode="accept_then_expire")
    floor.linear(floor.bob, "SELL", "1", "20000")
    assert floor.linear(floor.ann, "BUY", "1", "20000", tif="GTX").state == "EXPIRED"
    assert floor.heard.orders(floor.ann) == [("NEW", "NEW"), ("EXPIRED", "EXPIRED")]


def test_a_fok_that_cannot_be_filled_leaves_no_order(floor, desk):
    floor.linear(floor.bob, "SELL", "1", "20000")
    assert place(floor, "BUY", "1.1", "20000", tif="FOK").code == -5021
    assert desk.all_orders(floor.ann, "BTCUSDT") == []
    assert floor.linear(floor.ann, "BUY", "1", "20000", tif="FOK").state == "FILLED"


def test_client_ids(floor, desk):
    floor.linear(floor.ann, "BUY", "1", "20000", client_id="mine")
    assert says(place(floor, "BUY", "1", "20000", client_id="mine")) == (-4116, "ClientOrderId is duplicated.")
    desk.cancel(floor.ann, "BTCUSDT", client_id="mine")
    floor.linear(floor.ann, "BUY", "1", "20000", client_id="mine")


def test_so_many_orders_may_be_open(floor):
    filters = replace(floor.exchange.linear["BTCUSDT"].linear_filters, max_orders=2)
    floor.exchange.operations.set_filters("linear", "BTCUSDT", filters)
    for _ in range(2):
        floor.linear(floor.ann, "BUY", "1", "20000")
    assert says(place(floor, "BUY", "1", "20000")) == (-2025, "Reach max open order limit.")


def test_reduce_only(floor):
    assert says(place(floor, "SELL", "1", "20000", reduce_only=True)) == (-2022, "ReduceOnly Order is rejected.")
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.ann, "BUY", "1")
    # A reduce-only order may be small, and ends when there is nothing left to reduce.
    small = floor.linear(floor.ann, "SELL", "0.001", "20100", reduce_only=True)
    floor.linear(floor.bob, "BUY", "1", "20000")
    floor.linear(floor.ann, "SELL", "1", "20000")
    found = floor.exchange.linear_orders.order(floor.ann, "BTCUSDT", order_id=small.order_id)
    assert (found.state, found.expiry_reason) == ("EXPIRED", "REDUCE_ONLY")


def test_a_market_order_needs_somebody_within_reach(floor):
    assert says(place(floor, "BUY", "1")) == (-1112, "No orders on book for symbol.")
    floor.mark("18000")
    floor.linear(floor.bob, "SELL", "1", "19000")
    code, text = says(place(floor, "BUY", "1"))
    assert (code, text) == (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")


def test_a_market_order_stops_at_its_bound(floor):
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.bob, "SELL", "1", "21000.1")
    order = floor.linear(floor.ann, "BUY", "2")
    assert (order.state, order.filled_lots) == ("EXPIRED", 1000)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"frozen": True}, (-2010, "This action is disabled on this account.")),
        ({"can_trade": False}, (-2010, "This account may not place or cancel orders.")),
        ({"cooling_off": True}, (-4192, "Trade forbidden due to Cooling-off Period.")),
    ],
)
def test_an_account_may_be_kept_from_trading(floor, change, answer):
    for name, value in change.items():
        setattr(floor.ann, name, value)
    assert says(place(floor, "BUY", "1", "20000")) == answer


def test_a_symbol_that_settles_takes_no_orders(floor):
    floor.exchange.operations.set_status("linear", "BTCUSDT", "SETTLING")
    assert says(place(floor, "BUY", "1", "20000")) == (-4140, "Invalid symbol status for opening position.")


def test_prices_can_be_matched_to_the_book(floor):
    floor.linear(floor.bob, "SELL", "1", "20010")
    floor.linear(floor.bob, "BUY", "1", "19990")
    queued = floor.linear(floor.ann, "BUY", "1", price_match="QUEUE")
    assert (queued.price_ticks, queued.state) == (199_900, "NEW")
    assert floor.linear(floor.ann, "BUY", "1", price_match="OPPONENT").state == "FILLED"
    assert says(place(floor, "BUY", "1", price_match="OPPONENT_5")) == (-5041, "No depth matches this BBO order.")


# -- cancelling -----------------------------------------------------------------------------------


def test_cancels(floor, desk):
    order = floor.linear(floor.ann, "BUY", "1", "20000")
    for who, wanted in ((floor.bob, order.order_id), (floor.ann, 99)):
        assert says(refused(desk.cancel, who, "BTCUSDT", order_id=wanted)) == (-2011, "Unknown order sent.")
    assert desk.open_order(floor.ann, "BTCUSDT", order_id=order.order_id).state == "NEW"
    assert desk.cancel(floor.ann, "BTCUSDT", order_id=order.order_id).state == "CANCELED"
    assert refused(desk.cancel, floor.ann, "BTCUSDT", order_id=order.order_id).code == -2011
    assert says(refused(desk.open_order, floor.ann, "BTCUSDT", order_id=order.order_id)) == (-2013, "Order does not exist.")
    assert desk.cancel_all(floor.ann, "BTCUSDT") == []


def test_batches_have_an_outcome_for_each(floor, desk):
    requests = [linear_order("BUY", "1", "20000"), linear_order("BUY", "1", "20000.05"), VenueError(-1102, "bad")]
    first, second, third = desk.place_batch(floor.ann, requests)
    assert (first.state, second.code, third.code) == ("NEW", -4014, -1102)
    assert refused(desk.place_batch, floor.ann, requests * 2).code == -1130
    done, unknown = desk.cancel_batch(floor.ann, "BTCUSDT", order_ids=[first.order_id, 99])
    assert (done.state, unknown.code) == ("CANCELED", -2011)
    assert refused(desk.cancel_batch, floor.ann, "BTCUSDT").code == -1102
    assert refused(desk.cancel_batch, floor.ann, "BTCUSDT", order_ids=range(1, 12)).code == -1130


def test_the_countdown_cancels_all_unless_it_is_wound_again(floor, desk):
    floor.linear(floor.ann, "BUY", "1", "20000")
    floor.algo(floor.ann, "BUY", "STOP_MARKET", "1", "21000")
    floor.linear(floor.bob, "BUY", "1", "20000")
    desk.countdown(floor.ann, "BTCUSDT", 10_000)
    floor.wait(9_000)
    desk.countdown(floor.ann, "BTCUSDT", 10_000)
    floor.wait(9_999)
    assert len(desk.open_orders(floor.ann)) == 1
    floor.wait(1)
    assert desk.open_orders(floor.ann) == []
    assert floor.exchange.linear_algos.open_orders(floor.ann) == []
    assert len(desk.open_orders(floor.bob)) == 1
    assert floor.ann.linear.deadlines == {}


def test_winding_the_countdown_costs_no_memory(floor, desk):
    floor.linear(floor.ann, "BUY", "1", "20000")
    for _ in range(1000):
        desk.countdown(floor.ann, "BTCUSDT", 10**12)
    assert len(floor.exchange.timers._queue) < 10
    desk.countdown(floor.ann, "BTCUSDT", 5000)
    desk.countdown(floor.ann, "BTCUSDT", 7000)
    floor.wait(6999)
    assert len(desk.open_orders(floor.ann)) == 1
    floor.wait(1)
    assert desk.open_orders(floor.ann) == []


def test_the_countdown_can_be_stopped(floor, desk):
    floor.linear(floor.ann, "BUY", "1", "20000")
    desk.countdown(floor.ann, "BTCUSDT", 1000)
    desk.countdown(floor.ann, "BTCUSDT", 0)
    floor.wait(5000)
    assert len(desk.open_orders(floor.ann)) == 1


# -- modifying ------------------------------------------------------------------------------------


def amend(floor, order, quantity="1", price="20000", side="BUY", **terms):
    desk = floor.exchange.linear_orders
    return desk.amend(
        floor.ann, "BTCUSDT", side, order_id=order.order_id, quantity=number(quantity), price=number(price), **terms
    )


def test_modifying_moves_price_and_quantity(floor):
    order = floor.linear(floor.ann, "BUY", "1", "20000")
    changed = amend(floor, order, "0.5", "19999")
    assert (changed.qty_lots, changed.price_ticks, changed.state) == (500, 199_990, "NEW")
    assert floor.heard.orders(floor.ann)[-1] == ("AMENDMENT", "NEW")
    assert says(refused(amend, floor, order, "0.5", "19999")) == (-5027, "No need to modify the order.")


def test_less_at_the_same_price_keeps_its_place(floor, desk):
    first = floor.linear(floor.ann, "BUY", "1", "20000")
    second = floor.linear(floor.bob, "BUY", "1", "20000")
    amend(floor, first, "0.5")
    carl = floor.customer("carl")
    floor.linear(carl, "SELL", "0.5", "20000")
    assert desk.order(floor.ann, "BTCUSDT", order_id=first.order_id).state == "FILLED"
    assert desk.order(floor.bob, "BTCUSDT", order_id=second.order_id).state == "NEW"


def test_a_modified_price_may_trade(floor):
    floor.linear(floor.bob, "SELL", "0.4", "20000")
    order = floor.linear(floor.ann, "BUY", "1", "19000")
    changed = amend(floor, order)
    assert (changed.state, changed.filled_lots) == ("PARTIALLY_FILLED", 400)
    assert len(changed.fills) == 1


def test_a_quantity_not_above_the_executed_one_cancels(floor):
    order = floor.linear(floor.ann, "BUY", "1", "20000")
    floor.linear(floor.bob, "SELL", "0.4", "20000")
    assert amend(floor, order, "0.4").state == "CANCELED"


def test_a_post_only_order_modified_into_the_book_is_cancelled(floor):
    floor.linear(floor.bob, "SELL", "0.4", "20000")
    order = floor.linear(floor.ann, "BUY", "1", "19000", tif="GTX")
    assert amend(floor, order).state == "CANCELED"


def test_modifying_is_refused_like_placing(floor):
    order = floor.linear(floor.ann, "BUY", "1", "20000")
    assert refused(amend, floor, order, price="20000.05").code == -4014
    assert refused(amend, floor, order, price="22000").code == -4016
    assert refused(amend, floor, order, price=None).code == -1102
    assert refused(amend, floor, order, quantity=None).code == -1102
    assert refused(amend, floor, order, side="SELL").code == -1130
    assert refused(amend, floor, order, quantity="0.001").code == -4164
    assert refused(amend, floor, order, quantity="101").code == -2019
    order.order_id = 99
    assert refused(amend, floor, order).code == -2013
