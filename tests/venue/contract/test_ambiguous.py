"""What only a network does: lost answers, late requests, half answers. Nothing is sent twice, and nothing is called a failure."""

from decimal import Decimal

import pytest

from b25.model.event import BUY
from b25.model.order import State
from b25.venue.port.outcome import Answer, Reaction, Scope
from b25.venue.port.requests import Amendment, OrderRef

PLACE = {"spot": "POST /api/v3/order", "linear": "POST /fapi/v1/order"}
CANCEL = {"spot": "DELETE /api/v3/order", "linear": "DELETE /fapi/v1/order"}
QUERY = {"spot": "GET /api/v3/order", "linear": "GET /fapi/v1/order"}
NOBODY_KNOWS = (-1000, -1001, -1006, -1007, 503)


def ref(stand, order):
    return OrderRef(symbol=stand.symbol, client_id=order.client_id)


async def truth(stand, order):
    """What the exchange itself holds: how many orders of this id, and their states."""
    exchange = stand.venue.exchange
    desk = exchange.spot_orders if stand.kind == "spot" else exchange.linear_orders
    orders = desk.all_orders(exchange.account_named("alice"), stand.listing.venue_symbol)
    return [one.state for one in orders if one.client_id == order.client_id]


@pytest.mark.parametrize(
    ("knob", "values", "arrives"),
    [
        ("ack_lost", {"how": "hang"}, True),
        ("ack_lost", {"how": "close"}, True),
        ("request_lost", {"how": "hang"}, False),
        ("request_lost", {"how": "close"}, False),
        ("conn_reset_mid_response", {}, True),
        *[("backend_unknown", {"code": code, "accepted": done}, done) for code in NOBODY_KNOWS for done in (True, False)],
        ("force_error", {"http": 502, "html": True, "accepted": True}, True),
        ("force_error", {"http": 502, "html": True, "accepted": False}, False),
    ],
)  # fmt: skip
def test_a_submit_without_a_clear_answer_is_unknown_and_the_id_resolves_it(wire, knob, values, arrives):
    async def case(stand):
        stand.port.api.timeout = 500
        order = stand.new()
        stand.venue.faults.set(knob, where=PLACE[stand.kind], **values)
        outcome = await stand.port.submit(order)
        stand.venue.faults.clear()
        assert outcome.answer is Answer.UNKNOWN
        assert await truth(stand, order) == (["NEW"] if arrives else [])
        found = await stand.port.order(ref(stand, order))
        assert found.answer is (Answer.ACCEPTED if arrives else Answer.QUERY)
        assert not arrives or found.must().state is State.OPEN

    wire(case)


@pytest.mark.parametrize("knob", ["ack_lost", "conn_reset_mid_response"])
def test_a_cancel_without_an_answer_is_unknown(wire, knob):
    async def case(stand):
        stand.port.api.timeout = 500
        order = stand.new()
        (await stand.port.submit(order)).must()
        stand.venue.faults.set(knob, where=CANCEL[stand.kind])
        assert (await stand.port.cancel(ref(stand, order))).answer is Answer.UNKNOWN
        stand.venue.faults.clear()
        assert (await stand.port.order(ref(stand, order))).must().state is State.CANCELLED

    wire(case)


def test_an_amendment_without_an_answer_is_unknown_and_made_once(wire):
    async def case(stand):
        order = stand.new()
        (await stand.port.submit(order)).must()
        route = {"spot": "POST /api/v3/order/cancelReplace", "linear": "PUT /fapi/v1/order"}[stand.kind]
        stand.venue.faults.set("conn_reset_mid_response", where=route)
        wanted = Amendment(
            symbol=stand.symbol,
            client_id=order.client_id,
            new_client_id="b25-contract-new",
            side=BUY,
            qty_lots=stand.lots,
            price_ticks=stand.ticks - 5,
        )
        assert (await stand.port.amend(wanted)).answer is Answer.UNKNOWN
        stand.venue.faults.clear()
        (left,) = (await stand.port.open_orders(stand.symbol)).must()
        assert left.price == stand.listing.instrument.price(stand.ticks - 5)
        if stand.kind == "linear":
            (order_,) = stand.venue.exchange.linear_orders.open_orders(stand.venue.exchange.account_named("alice"))
            assert order_.modifications == 1

    wire(case)


def test_a_request_that_arrives_too_late_is_not_accepted(wire):
    async def case(stand):
        (await stand.port.server_time_ms()).must()
        order = stand.new(recv_window_ms=200)
        stand.venue.faults.set("request_delay_ms", where=PLACE[stand.kind], min=400, max=400)
        outcome = await stand.port.submit(order)
        assert (outcome.answer, outcome.code, outcome.resync_clock) == (Answer.NOT_ACCEPTED, -1021, True)
        assert await truth(stand, order) == []

    wire(case)


def test_a_clock_that_jumps_is_measured_anew(wire):
    async def case(stand):
        (await stand.port.server_time_ms()).must()
        stand.venue.faults.set("clock_offset_ms", ms=30_000)
        refused = await stand.port.submit(stand.new())
        assert (refused.answer, refused.resync_clock) == (Answer.NOT_ACCEPTED, True)
        (await stand.port.server_time_ms()).must()
        assert (await stand.port.submit(stand.new())).answer is Answer.ACCEPTED

    wire(case)


def test_not_found_right_after_a_submit_proves_nothing(wire):
    async def case(stand):
        order = stand.new()
        stand.venue.faults.set("read_lag_ms", where=QUERY[stand.kind], min=400, max=400, mode="stale")
        (await stand.port.submit(order)).must()
        found = await stand.port.order(ref(stand, order))
        assert found.answer is Answer.QUERY
        assert not found.is_definite
        stand.venue.faults.clear()
        assert (await stand.port.order(ref(stand, order))).must().state is State.OPEN

    wire(case)


def test_a_cancel_tells_what_was_executed_before_it_came(wire):
    async def case(stand):
        order = stand.new(qty_lots=10 * stand.lots)
        (await stand.port.submit(order)).must()
        stand.venue.faults.set("fill_before_cancel", where=CANCEL[stand.kind], share=0.5)
        ended = (await stand.port.cancel(ref(stand, order))).must()
        assert (ended.state, ended.qty, ended.filled) == (State.CANCELLED, Decimal("0.1"), Decimal("0.05"))
        assert sum(trade.qty for trade in (await stand.port.trades(stand.symbol)).must()) == Decimal("0.05")

    wire(case)


def test_a_frozen_account_is_never_read_as_an_order_that_is_gone(wire):
    async def case(stand):
        order = stand.new()
        (await stand.port.submit(order)).must()
        stand.venue.faults.set(
            "force_error", where=CANCEL[stand.kind], http=400, code=-2011, msg="This action is disabled on this account."
        )
        outcome = await stand.port.cancel(ref(stand, order))
        assert (outcome.answer, outcome.scope, outcome.reaction) == (Answer.QUERY, Scope.ACCOUNT, Reaction.HALT)
        assert (await stand.port.order(ref(stand, order))).must().state is State.OPEN

    wire(case)


@pytest.mark.parametrize("html", [True, False])
def test_maintenance_is_no_answer_to_an_order(wire, html):
    async def case(stand):
        stand.venue.faults.set("maintenance", html=html)
        assert (await stand.port.submit(stand.new())).answer is Answer.UNKNOWN
        assert (await stand.port.balances()).value is None

    wire(case)


def test_a_symbol_that_stops_trading_is_listed_as_such(wire):
    async def case(stand):
        stand.venue.faults.set("symbol_status", where=stand.listing.venue_symbol, status="BREAK")
        listings = (await stand.port.listings(reload=True)).must()
        assert not listings[stand.symbol].is_trading
        stand.venue.faults.clear()
        assert (await stand.port.listings(reload=True)).must()[stand.symbol].is_trading

    wire(case)


def test_a_status_that_nobody_knows_fails_closed_and_html_in_a_name_is_left_out(wire):
    async def case(stand):
        stand.venue.faults.set("unknown_enum", field="status", value="SOMETHING_NEW")
        stand.venue.faults.set("hostile_symbol")
        listings = (await stand.port.listings(reload=True)).must()
        assert not listings[stand.symbol].is_trading
        assert not any("<" in symbol for symbol in listings)

    wire(case)


def test_orders_that_we_never_sent_are_seen(wire):
    async def case(stand):
        order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "39000"}
        stand.venue.faults.set(
            "foreign_order", account="alice", market=stand.kind, symbol=stand.listing.venue_symbol, order=order
        )
        (foreign,) = (await stand.port.open_orders()).must()
        assert not foreign.client_id.startswith("b25-")
        assert foreign.price == Decimal(39000)
        assert (await stand.port.cancel(OrderRef(symbol=stand.symbol, venue_id=foreign.venue_id))).answer is Answer.ACCEPTED

    wire(case)


def test_a_429_of_the_venue_stops_all_but_five_cancels(wire):
    async def case(stand):
        order = stand.new()
        (await stand.port.submit(order)).must()
        headers = {"Retry-After": "30"}
        stand.venue.faults.set(
            "force_error", where=PLACE[stand.kind], http=429, code=-1015, msg="Too many new orders.", headers=headers
        )
        refused = await stand.port.submit(stand.new())
        assert (refused.answer, refused.retry_after_s) == (Answer.NOT_ACCEPTED, 30.0)
        assert (await stand.port.submit(stand.new())).answer is Answer.NOT_SENT
        assert (await stand.port.cancel(ref(stand, order))).answer is Answer.ACCEPTED
        assert await truth(stand, order) == ["CANCELED"]

    wire(case)
