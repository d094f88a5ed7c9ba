"""Whatever a request holds, the answer is an order or one of the venue's own errors, and nothing is left behind."""

import contextlib
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.matching_book import MatchingBook
from b25.venue.exchange.orders import NewAlgoOrder, NewOrder
from tests.venue.exchange.floor import COIN, Floor

strange = st.sampled_from(
    [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "1e999", "1e-999", "-0", "0", "1e20", "9" * 60, "1e-8")]
)
plain = st.decimals("0.00001", "30000", places=3)
numbers = st.one_of(st.none(), plain, plain, strange, st.decimals())
words = st.sampled_from(["BUY", "SELL", "LIMIT", "MARKET", "GTC", "IOC", "GTD", "", "buy", "NONE", "BOTH", "LONG", "💥"])
counts = st.one_of(st.none(), st.integers(-(10**20), 10**20))


def mostly(values):
    return st.one_of(st.sampled_from(values), st.sampled_from(values), words)


terms = {
    "symbol": mostly(["BTCUSDT"]),
    "side": mostly(["BUY", "SELL"]),
    "tif": st.one_of(st.none(), mostly(["GTC", "IOC", "FOK", "GTX", "GTD"])),
    "quantity": numbers,
    "price": numbers,
    "client_id": st.one_of(st.none(), st.text(max_size=40)),
    "stp": st.one_of(st.none(), mostly(["NONE", "EXPIRE_BOTH", "DECREMENT"])),
    "position_side": st.one_of(st.none(), mostly(["BOTH", "LONG"])),
    "reduce_only": st.booleans(),
    "close_position": st.booleans(),
    "working_type": mostly(["CONTRACT_PRICE", "MARK_PRICE"]),
    "price_match": mostly(["NONE", "NONE", "QUEUE", "OPPONENT_20"]),
    "good_till_ms": st.integers(-1, 10**16),
}
orders = st.builds(
    NewOrder,
    type=mostly(["LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "STOP"]),
    quote_quantity=numbers,
    stop_price=numbers,
    iceberg_quantity=numbers,
    trailing_delta_bips=counts,
    **terms,
)
algos = st.builds(
    NewAlgoOrder,
    type=mostly(["STOP", "STOP_MARKET", "TAKE_PROFIT", "TRAILING_STOP_MARKET"]),
    trigger_price=numbers,
    activate_price=numbers,
    callback_rate=numbers,
    **terms,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(orders, orders, algos, numbers, numbers, counts), max_size=4))
def test_no_request_is_too_strange(requests):
    floor = Floor(fees=False, book=MatchingBook)
    exchange, ann = floor.exchange, floor.ann
    floor.mark("20000")
    floor.spot(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.spot(floor.bob, "BUY", "1", "18000")
    floor.linear(ann, "BUY", "0.5", "19000", client_id="one")
    floor.spot(ann, "BUY", "0.5", "19000", client_id="one")
    for spot, linear, algo, quantity, price, count in requests:
        for call in (
            lambda order=spot: exchange.spot_orders.place(ann, order),
            lambda order=linear: exchange.linear_orders.place(ann, order),
            lambda order=algo: exchange.linear_algos.place(ann, order),
            lambda order=spot: exchange.spot_orders.cancel_replace(ann, order, mode="ALLOW_FAILURE", order_id=1),
            lambda value=quantity: exchange.spot_orders.amend(ann, "BTCUSDT", value or Decimal(1), client_id="one"),
            lambda q=quantity, p=price: exchange.linear_orders.amend(ann, "BTCUSDT", "BUY", client_id="one", quantity=q, price=p),
            lambda value=count: exchange.linear_settings.set_leverage(ann, "BTCUSDT", value or 0),
            lambda value=quantity: exchange.linear_settings.change_position_margin(
                ann, "BTCUSDT", "BOTH", value or Decimal(1), add=True
            ),
            lambda value=count: exchange.linear_orders.countdown(ann, "BTCUSDT", value or 0),
        ):
            with contextlib.suppress(VenueError):
                call()
    assert all(free >= 0 and locked >= 0 for free, locked in (floor.has(ann, asset) for asset in ("BTC", "USDT")))
    assert sum(sum(floor.has(account, "USDT")) for account in (ann, floor.bob)) == 200_000 * COIN
