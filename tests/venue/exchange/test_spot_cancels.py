"""Cancelling, replacing, amending and looking up spot orders."""

from decimal import Decimal

import pytest

from b25.venue.exchange.desk import ARCHIVE_MS
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.orders import Order
from tests.venue.exchange.floor import COIN, refused, says, spot_order

UNKNOWN = (-2011, "Unknown order sent.")


@pytest.fixture
def desk(floor):
    return floor.exchange.spot_orders


def test_a_cancel_has_an_id_of_its_own(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", "20000", client_id="mine")
    cancelled = desk.cancel(floor.ann, "BTCUSDT", client_id="mine", new_client_id="the-cancel")
    assert (cancelled.client_id, cancelled.cancel_client_id, cancelled.state) == ("mine", "the-cancel", "CANCELED")
    event = floor.heard.users[-2][1]
    assert (event.execution, event.cancel_client_id, event.order.order_id) == ("CANCELED", "the-cancel", order.order_id)


@pytest.mark.parametrize("how", ["unknown", "filled", "cancelled", "another's"])
def test_what_is_not_open_cannot_be_cancelled(floor, desk, how):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    if how == "filled":
        floor.spot(floor.bob, "SELL", "1", "20000")
    elif how == "cancelled":
        desk.cancel(floor.ann, "BTCUSDT", order_id=order.order_id)
    who = floor.bob if how == "another's" else floor.ann
    wanted = 99 if how == "unknown" else order.order_id
    assert says(refused(desk.cancel, who, "BTCUSDT", order_id=wanted)) == UNKNOWN


def test_a_cancel_may_be_restricted(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    error = refused(desk.cancel, floor.ann, "BTCUSDT", order_id=order.order_id, restrictions="ONLY_PARTIALLY_FILLED")
    assert says(error) == (-2011, "Order was not canceled due to cancel restrictions.")
    assert desk.cancel(floor.ann, "BTCUSDT", order_id=order.order_id, restrictions="ONLY_NEW").state == "CANCELED"


def test_a_frozen_account_keeps_its_orders(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    floor.exchange.operations.freeze(floor.ann)
    error = refused(desk.cancel, floor.ann, "BTCUSDT", order_id=order.order_id)
    assert says(error) == (-2011, "This action is disabled on this account.")
    assert refused(desk.cancel_all, floor.ann, "BTCUSDT").code == -2011
    assert desk.order(floor.ann, "BTCUSDT", order_id=order.order_id).state == "NEW"


def test_cancel_all_takes_stops_as_well_and_nothing_is_an_error(floor, desk):
    floor.spot(floor.ann, "BUY", "1", "20000")
    floor.spot(floor.ann, "BUY", "1", kind="STOP_LOSS", stop_price=Decimal(30_000))
    floor.spot(floor.ann, "SELL", "1", kind="STOP_LOSS", trailing_delta_bips=100)
    floor.spot(floor.bob, "BUY", "1", "20000")
    assert [order.state for order in desk.cancel_all(floor.ann, "BTCUSDT")] == ["CANCELED"] * 3
    assert floor.has(floor.ann, "USDT") == (100_000 * COIN, 0)
    assert floor.has(floor.ann, "BTC") == (10 * COIN, 0)
    assert len(desk.open_orders(floor.bob)) == 1
    assert says(refused(desk.cancel_all, floor.ann, "BTCUSDT")) == UNKNOWN


def test_lookups(floor, desk):
    first = floor.spot(floor.ann, "BUY", "1", "20000", client_id="mine")
    assert desk.order(floor.ann, "BTCUSDT", order_id=first.order_id, client_id="mine").order_id == first.order_id
    error = refused(desk.order, floor.ann, "BTCUSDT", order_id=first.order_id, client_id="other")
    assert says(error) == (-2039, "Client order ID is not correct for this order ID.")
    assert refused(desk.order, floor.ann, "BTCUSDT").code == -1102
    for who, wanted in ((floor.ann, 99), (floor.bob, first.order_id)):
        assert says(refused(desk.order, who, "BTCUSDT", order_id=wanted)) == (-2013, "Order does not exist.")
    assert refused(desk.order, floor.bob, "BTCUSDT", client_id="mine").code == -2013
    assert says(refused(desk.order, floor.ann, "XXX", order_id=1)) == (-1121, "Invalid symbol.")


def test_an_order_that_never_traded_is_archived_after_ninety_days(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    desk.cancel(floor.ann, "BTCUSDT", order_id=order.order_id)
    floor.wait(ARCHIVE_MS + 1)
    assert refused(desk.order, floor.ann, "BTCUSDT", order_id=order.order_id).code == -2026
    assert desk.all_orders(floor.ann, "BTCUSDT") == []


def test_pages_of_orders_and_trades(floor, desk):
    for _ in range(5):
        floor.spot(floor.ann, "SELL", "0.01", "20000")
        floor.spot(floor.bob, "BUY", "0.01", "20000")
        floor.wait(1000)
    start_ms = floor.exchange.now_ms - 5000
    ids = [order.order_id for order in desk.all_orders(floor.bob, "BTCUSDT")]
    assert ids == [2, 4, 6, 8, 10]
    assert [order.order_id for order in desk.all_orders(floor.bob, "BTCUSDT", order_id=6)] == [6, 8, 10]
    assert [order.order_id for order in desk.all_orders(floor.bob, "BTCUSDT", limit=2)] == [8, 10]
    assert [order.order_id for order in desk.all_orders(floor.bob, "BTCUSDT", start_ms=start_ms, limit=2)] == [2, 4]
    assert [fill.trade_id for fill in desk.my_trades(floor.bob, "BTCUSDT", from_id=2, limit=2)] == [2, 3]
    assert [fill.trade_id for fill in desk.my_trades(floor.bob, "BTCUSDT", order_id=6)] == [3]
    assert [fill.trade_id for fill in desk.my_trades(floor.bob, "BTCUSDT", start_ms=start_ms + 1000, end_ms=start_ms + 2000)] == [
        2,
        3,
    ]
    error = refused(desk.my_trades, floor.bob, "BTCUSDT", start_ms=0, end_ms=86_400_001)
    assert says(error) == (-1127, "More than 24 hours between startTime and endTime.")


def test_snapshots_do_not_change_afterwards(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    floor.spot(floor.bob, "SELL", "1", "20000")
    assert (order.state, order.filled_lots) == ("NEW", 0)
    assert desk.order(floor.ann, "BTCUSDT", order_id=order.order_id).state == "FILLED"


# -- cancel-replace -----------------------------------------------------------------------------------


def replace_order(floor, order_id, mode="STOP_ON_FAILURE", price="20001", **terms):
    request = spot_order("BUY", "1", price)
    return floor.exchange.spot_orders.cancel_replace(floor.ann, request, mode=mode, order_id=order_id, **terms)


def test_replace_frees_the_money_of_the_old_order_for_the_new_one(floor):
    old = floor.spot(floor.ann, "BUY", "4.9", "20000")
    done = replace_order(floor, old.order_id)
    assert (done.cancelled.state, done.placed.state) == ("CANCELED", "NEW")
    assert floor.has(floor.ann, "USDT")[1] == 20_001 * COIN


@pytest.mark.parametrize(
    ("mode", "known", "price", "outcome"),
    [
        ("STOP_ON_FAILURE", False, "20001", (400, -2022, "FAILURE", "NOT_ATTEMPTED", VenueError, type(None))),
        ("ALLOW_FAILURE", False, "20001", (409, -2021, "FAILURE", "SUCCESS", VenueError, Order)),
        ("ALLOW_FAILURE", False, "100001", (400, -2022, "FAILURE", "FAILURE", VenueError, VenueError)),
        ("STOP_ON_FAILURE", True, "100001", (409, -2021, "SUCCESS", "FAILURE", Order, VenueError)),
    ],
)
def test_replace_tells_which_half_failed(floor, mode, known, price, outcome):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    error = refused(replace_order, floor, order.order_id if known else 99, mode, price)
    data = error.data
    told = (data["cancelResult"], data["newOrderResult"], type(data["cancelResponse"]), type(data["newOrderResponse"]))
    assert (error.http, error.code, *told) == outcome
    texts = {-2021: "Order cancel-replace partially failed.", -2022: "Order cancel-replace failed."}
    assert error.msg == texts[error.code]


def test_replace_checks_filters_before_it_cancels(floor):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    assert refused(replace_order, floor, order.order_id, price="20000.001").msg == "Filter failure: PRICE_FILTER"
    assert len(floor.exchange.spot_orders.open_orders(floor.ann)) == 1


def test_replace_over_the_order_count_may_still_cancel(floor):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    limit = VenueError(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", 429)
    error = refused(replace_order, floor, order.order_id, placing_refused=limit)
    assert (error.http, error.data["cancelResult"], error.data["newOrderResponse"]) == (429, "SUCCESS", limit)
    assert floor.exchange.spot_orders.open_orders(floor.ann) == []


# -- amend keep priority ------------------------------------------------------------------------------


def test_amending_down_keeps_the_place_in_the_queue(floor, desk):
    first = floor.spot(floor.ann, "BUY", "1", "20000")
    floor.spot(floor.bob, "BUY", "1", "20000")
    amended = desk.amend(floor.ann, "BTCUSDT", Decimal("0.4"), order_id=first.order_id, new_client_id="less")
    assert (amended.qty_lots, amended.client_id, floor.has(floor.ann, "USDT")[1]) == (40_000, "less", 8_000 * COIN)
    carl = floor.customer("carl")
    floor.spot(carl, "SELL", "0.5", "20000")
    assert desk.order(floor.ann, "BTCUSDT", client_id="less").state == "FILLED"
    assert ("REPLACED", "NEW") in floor.heard.orders(floor.ann)


def test_amending_cannot_raise_or_leave_alone(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    error = refused(desk.amend, floor.ann, "BTCUSDT", Decimal("1.1"), order_id=order.order_id)
    assert says(error) == (-2038, "Order amend (quantity increase) is not supported.")
    error = refused(desk.amend, floor.ann, "BTCUSDT", Decimal(1), order_id=order.order_id)
    assert says(error) == (-2038, "The requested action would change no state; rejecting.")
    assert refused(desk.amend, floor.ann, "BTCUSDT", Decimal("0.000001"), order_id=order.order_id).code == -1013
    assert refused(desk.amend, floor.ann, "BTCUSDT", Decimal("0.5"), order_id=99).code == -2013


def test_a_waiting_stop_can_be_amended(floor, desk):
    order = floor.spot(floor.ann, "BUY", "1", kind="STOP_LOSS", stop_price=Decimal(30_000))
    desk.amend(floor.ann, "BTCUSDT", Decimal("0.5"), order_id=order.order_id)
    assert floor.has(floor.ann, "USDT")[1] == 15_000 * COIN
