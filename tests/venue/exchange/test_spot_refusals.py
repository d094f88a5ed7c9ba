"""Everything that a spot order can be refused for: code and text as Binance sends them, filters in its order."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b25.venue.exchange.orders import NewOrder
from tests.venue.exchange.floor import refused, says, spot_order


@pytest.fixture
def traded(floor):
    """A floor on which Bitcoin has traded at 20,000."""
    floor.spot(floor.ann, "SELL", "0.001", "20000")
    floor.spot(floor.bob, "BUY", "0.001", "20000")
    return floor


def place(floor, *args, **terms):
    return refused(floor.spot, floor.ann, *args, **terms)


@pytest.mark.parametrize(
    ("quantity", "price", "name"),
    [
        ("1", "20000.005", "PRICE_FILTER"),
        ("1", "1000000.01", "PRICE_FILTER"),
        ("1", "100000.01", "PERCENT_PRICE_BY_SIDE"),
        ("1", "3999.99", "PERCENT_PRICE_BY_SIDE"),
        ("0.000001", "20000", "LOT_SIZE"),
        ("9000.00001", "20000", "LOT_SIZE"),
        ("0.000015", "20000", "LOT_SIZE"),
        ("0.0002", "20000", "NOTIONAL"),
        ("451", "20000", "NOTIONAL"),
    ],
)
def test_a_filter_names_itself(traded, quantity, price, name):
    error = place(traded, "BUY", quantity, price)
    assert (error.http, *says(error)) == (400, -1013, f"Filter failure: {name}")


def test_the_first_filter_that_fails_speaks(traded):
    # Price off tick, far from the market, quantity off step and too small a value: in this order.
    assert place(traded, "BUY", "0.000001", "0.001").msg == "Filter failure: PRICE_FILTER"
    assert place(traded, "BUY", "0.000001", "0.01").msg == "Filter failure: PERCENT_PRICE_BY_SIDE"
    assert place(traded, "BUY", "0.000001", "20000").msg == "Filter failure: LOT_SIZE"
    assert place(traded, "BUY", "0.00001", "20000").msg == "Filter failure: NOTIONAL"


def test_before_the_first_trade_there_is_no_price_to_be_far_from(floor):
    assert floor.spot(floor.ann, "BUY", "1", "10").state == "NEW"


def test_market_orders_have_their_own_lot_filter(traded):
    assert place(traded, "SELL", "120.00001").msg == "Filter failure: MARKET_LOT_SIZE"


def test_a_market_order_is_valued_at_the_average_price(traded):
    assert place(traded, "SELL", "0.00024").msg == "Filter failure: NOTIONAL"


def test_so_many_orders_and_stops_may_be_open(traded):
    filters = replace(traded.exchange.spot["BTCUSDT"].spot_filters, max_orders=3, max_algo_orders=1)
    traded.exchange.operations.set_filters("spot", "BTCUSDT", filters)
    traded.spot(traded.ann, "BUY", "0.1", kind="STOP_LOSS", stop_price=Decimal(21_000))
    stop = spot_order("BUY", "0.1", kind="STOP_LOSS", stop_price=Decimal(21_000))
    assert refused(traded.exchange.spot_orders.place, traded.ann, stop).msg == "Filter failure: MAX_NUM_ALGO_ORDERS"
    traded.spot(traded.ann, "BUY", "0.1", "19000")
    traded.spot(traded.ann, "BUY", "0.1", "19000")
    assert place(traded, "BUY", "0.1", "19000").msg == "Filter failure: MAX_NUM_ORDERS"
    traded.spot(traded.bob, "BUY", "0.1", "19000")


def test_a_position_may_not_become_larger_than_its_filter(traded):
    filters = replace(traded.exchange.spot["BTCUSDT"].spot_filters, max_position=Decimal("10.5"))
    traded.exchange.operations.set_filters("spot", "BTCUSDT", filters)
    traded.spot(traded.ann, "BUY", "0.4", "19000")
    assert place(traded, "BUY", "0.2", "19000").msg == "Filter failure: MAX_POSITION"
    traded.spot(traded.ann, "SELL", "0.2", "21000")


def test_icebergs_and_trailing_have_filters(traded):
    assert place(traded, "BUY", "1", "19000", iceberg_quantity=Decimal("0.05")).msg == "Filter failure: ICEBERG_PARTS"
    trailing = {"kind": "STOP_LOSS", "trailing_delta_bips": 5}
    assert place(traded, "SELL", "1", **trailing).msg == "Filter failure: TRAILING_DELTA"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (NewOrder(symbol="NONE", side="BUY", type="LIMIT"), (-1121, "Invalid symbol.")),
        (spot_order("LONG", "1", "20000"), (-1117, "Invalid side.")),
        (spot_order("BUY", "1", "20000", kind="ICE"), (-1116, "Invalid orderType.")),
        (spot_order("BUY", "1", "20000", tif="GTX"), (-1115, "Invalid timeInForce.")),
        (
            NewOrder(symbol="BTCUSDT", side="BUY", type="LIMIT", quantity=Decimal(1), price=Decimal(20_000)),
            (-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        ),
        (
            spot_order("BUY", "1", kind="LIMIT_MAKER"),
            (-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ),
        (
            spot_order("BUY", None, kind="MARKET"),
            (-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
        ),
        (
            spot_order("BUY", "1", kind="STOP_LOSS"),
            (-1102, "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed."),
        ),
        (spot_order("BUY", "1", "20000", kind="MARKET"), (-1106, "Parameter 'price' sent when not required.")),
        (spot_order("BUY", "1", "20000", stop_price=Decimal(1)), (-1106, "Parameter 'stopPrice' sent when not required.")),
        (
            spot_order("BUY", "1", kind="MARKET", quote_quantity=Decimal(10)),
            (-1128, "Combination of optional parameters invalid."),
        ),
        (spot_order("BUY", "1.123456789", "20000"), (-1111, "Precision is over the maximum defined for this asset.")),
        (
            spot_order("BUY", "1", "20000", stp="MAYBE"),
            (-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."),
        ),
        (
            spot_order("BUY", "NaN", "20000"),
            (-1100, "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."),
        ),
        (spot_order("BUY", "0", "20000"), (-1013, "Invalid quantity.")),
        (spot_order("BUY", "1", "0"), (-1013, "Invalid price.")),
    ],
)
def test_parameters(floor, request_, answer):
    assert says(refused(floor.exchange.spot_orders.place, floor.ann, request_)) == answer


@pytest.mark.parametrize("text", ["1e99", "1e999999", "-1", "Infinity", "1" * 41, "0." + "1" * 41])
def test_no_number_is_too_strange(floor, text):
    for name in ("quantity", "price", "quote_quantity", "stop_price"):
        kind = "MARKET" if name == "quote_quantity" else "STOP_LOSS_LIMIT"
        terms = {"quantity": Decimal(1), "price": Decimal(1), "stop_price": Decimal(1)} if kind != "MARKET" else {}
        request = NewOrder(
            symbol="BTCUSDT", side="BUY", type=kind, tif="GTC" if terms else None, **{**terms, name: Decimal(text)}
        )
        assert refused(floor.exchange.spot_orders.place, floor.ann, request).code in (-1100, -1013, -1111)


def test_trailing_zeros_are_no_precision(floor):
    assert floor.spot(floor.ann, "BUY", "1.0000000000", "20000.00000000000").state == "NEW"


def test_a_market_order_needs_somebody(floor):
    assert says(place(floor, "BUY", "1")) == (-1112, "No orders on book for symbol.")


def test_a_maker_may_not_take(floor):
    floor.spot(floor.bob, "SELL", "1", "20000")
    error = place(floor, "BUY", "1", "20000", kind="LIMIT_MAKER")
    assert says(error) == (-2010, "Order would immediately match and take.")
    assert floor.exchange.spot_orders.all_orders(floor.ann, "BTCUSDT") == []
    assert floor.has(floor.ann, "USDT")[1] == 0
    assert floor.heard.orders(floor.ann) == []


def test_a_client_id_is_unique_among_open_orders_only(floor):
    order = floor.spot(floor.ann, "BUY", "1", "20000", client_id="mine")
    assert says(place(floor, "BUY", "1", "20000", client_id="mine")) == (-2010, "Duplicate order sent.")
    floor.spot(floor.bob, "BUY", "1", "20000", client_id="mine")
    floor.exchange.spot_orders.cancel(floor.ann, "BTCUSDT", order_id=order.order_id)
    again = floor.spot(floor.ann, "BUY", "1", "20000", client_id="mine")
    assert again.order_id != order.order_id
    assert floor.exchange.spot_orders.order(floor.ann, "BTCUSDT", client_id="mine").order_id == again.order_id


def test_a_refused_order_does_not_hide_an_older_one_of_its_client_id(floor):
    old = floor.spot(floor.ann, "BUY", "1", "20000", client_id="mine")
    floor.exchange.spot_orders.cancel(floor.ann, "BTCUSDT", order_id=old.order_id)
    place(floor, "BUY", "9", "20000", client_id="mine")
    assert floor.exchange.spot_orders.order(floor.ann, "BTCUSDT", client_id="mine").order_id == old.order_id


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"frozen": True}, (-2010, "This action is disabled on this account.")),
        ({"can_trade": False}, (-2010, "This account may not place or cancel orders.")),
        ({"forbidden_symbols": {"BTCUSDT"}}, (-2010, "This symbol is not permitted for this account.")),
        ({"restricted_symbols": {"BTCUSDT"}}, (-2010, "This symbol is restricted for this account.")),
    ],
)
def test_an_account_may_be_kept_from_trading(floor, change, answer):
    for name, value in change.items():
        setattr(floor.ann, name, value)
    assert says(place(floor, "BUY", "1", "20000")) == answer
    floor.spot(floor.bob, "BUY", "1", "20000")


@pytest.mark.parametrize("status", ["HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY"])
def test_a_symbol_that_does_not_trade_lets_orders_be_cancelled(floor, status):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    floor.exchange.operations.set_status("spot", "BTCUSDT", status)
    assert says(place(floor, "BUY", "1", "20000")) == (-2010, "Market is closed.")
    assert floor.exchange.spot_orders.cancel(floor.ann, "BTCUSDT", order_id=order.order_id).state == "CANCELED"
    assert floor.heard.statuses == [("BTCUSDT", status)]


def test_a_test_order_leaves_no_trace(floor):
    floor.exchange.spot_orders.test(floor.ann, spot_order("BUY", "1", "20000"))
    assert floor.exchange.spot_orders.open_orders(floor.ann) == []
    error = refused(floor.exchange.spot_orders.test, floor.ann, spot_order("BUY", "1", "20000.001"))
    assert error.msg == "Filter failure: PRICE_FILTER"
