"""What an operator or a fault does to the venue, and what its customers hear of it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b25.model.errors import Misuse
from b25.venue.exchange import order_store
from b25.venue.exchange.events import BalanceEvent, BalanceUpdate, OrderEvent
from b25.venue.exchange.listing import PUBLIC_TRADES_MAX
from b25.venue.exchange.listings import default_listings, spot_listing
from tests.kernels.naive_matching import NaiveMatchingBook
from tests.venue.exchange.floor import COIN, Floor, linear_order, refused, says, spot_order


@pytest.fixture
def operate(floor):
    floor.mark("20000")
    return floor.exchange.operations


def go_long(floor, quantity="1"):
    floor.linear(floor.bob, "SELL", quantity, "20000")
    floor.linear(floor.ann, "BUY", quantity, "20000")


def test_an_order_that_its_owner_never_sent(floor, operate):
    operate.foreign_order(floor.ann, "spot", spot_order("BUY", "1", "20000"))
    operate.foreign_order(floor.ann, "linear", linear_order("BUY", "1", "20000"))
    orders = [event.order for event in floor.heard.of(floor.ann, OrderEvent)]
    assert [order.listing.market for order in orders] == ["spot", "linear"]
    assert all(order.client_id.startswith("web_") for order in orders)
    assert len({order.client_id for order in orders}) == 2


def test_deleveraging_on_demand(floor, operate):
    go_long(floor)
    orders = operate.adl(floor.ann, "BTCUSDT", quantity=Decimal("0.4"))
    assert [(order.client_id, order.filled_lots, order.state) for order in orders] == [("adl_autoclose", 400, "FILLED")]
    assert floor.position(floor.ann).lots == 600
    assert floor.position(floor.bob).lots == -1000
    event = floor.heard.of(floor.ann, OrderEvent)[-1]
    assert (event.execution, event.fill.trade_id > 1 << 40) == ("CALCULATED", True)


def test_a_resting_reduce_only_order_ends_when_deleveraging_takes_its_position(floor, operate):
    go_long(floor)
    order = floor.linear(floor.ann, "SELL", "0.5", "20100", reduce_only=True)
    operate.adl(floor.ann, "BTCUSDT")
    assert floor.exchange.linear_orders.order(floor.ann, "BTCUSDT", order_id=order.order_id).state == "EXPIRED"


def test_settlement_closes_everything_at_the_mark(floor, operate):
    go_long(floor)
    floor.linear(floor.ann, "SELL", "0.5", "20100")
    floor.algo(floor.ann, "SELL", "STOP_MARKET", "0.5", "19000")
    floor.mark("20050")
    orders = operate.settle("BTCUSDT")
    assert {order.average_price_text for order in orders} == {"20050"}
    assert all(order.client_id.startswith("settlement_autoclose-") for order in orders)
    assert floor.exchange.linear_orders.open_orders(floor.ann) == []
    assert floor.exchange.linear_algos.open_orders(floor.ann) == []
    assert floor.position(floor.ann).realised == 50 * COIN
    assert floor.position(floor.bob).realised == -50 * COIN
    assert says(refused(floor.linear, floor.ann, "BUY", "1", "20000"))[0] == -4140


def test_a_delivery_date_settles_when_it_comes(floor, operate):
    go_long(floor)
    at_ms = floor.exchange.now_ms + 5000
    operate.set_delivery("BTCUSDT", at_ms)
    assert floor.exchange.linear["BTCUSDT"].delivery_ms == at_ms
    floor.wait(4999)
    assert floor.position(floor.ann).lots == 1000
    floor.wait(1)
    assert floor.position(floor.ann).lots == 0
    assert floor.heard.statuses[-1] == ("BTCUSDT", "SETTLING")


def test_a_transfer_between_wallets(floor, operate):
    floor.heard.forget()
    operate.transfer(floor.ann, "USDT", "1000", to="linear")
    assert floor.has(floor.ann, "USDT")[0] == 99_000 * COIN
    assert floor.wallet(floor.ann) == 101_000 * COIN
    assert floor.heard.of(floor.ann, BalanceUpdate)[0].delta == -1000 * COIN
    assert floor.heard.of(floor.ann, BalanceEvent)[-1].reason == "DEPOSIT"
    operate.transfer(floor.ann, "USDT", "1000", to="spot")
    assert floor.heard.of(floor.ann, BalanceUpdate)[-1].delta == 1000 * COIN
    assert refused(operate.transfer, floor.ann, "USDT", "100001", to="spot").code == -2018
    assert refused(operate.transfer, floor.ann, "USDT", "100001", to="linear").code == -2010
    with pytest.raises(Misuse, match="positive amount"):
        operate.transfer(floor.ann, "USDT", "-1", to="spot")


def test_orders_ended_by_the_venue(floor, operate):
    floor.spot(floor.ann, "BUY", "1", "20000")
    floor.spot(floor.ann, "SELL", "1", kind="STOP_LOSS", trailing_delta_bips=100)
    operate.cancel_by_venue(floor.ann, "spot", "BTCUSDT", state="EXPIRED")
    assert floor.heard.orders(floor.ann)[-2:] == [("EXPIRED", "EXPIRED")] * 2
    assert floor.has(floor.ann, "USDT") == (100_000 * COIN, 0)
    floor.linear(floor.ann, "BUY", "1", "20000")
    assert [order.state for order in operate.cancel_by_venue(floor.ann, "linear", "BTCUSDT")] == ["CANCELED"]
    assert floor.exchange.spot["BTCUSDT"].trailing == {}


def test_filters_change_while_orders_rest(floor, operate):
    floor.spot(floor.ann, "BUY", "1", "20000.01")
    filters = replace(floor.exchange.spot["BTCUSDT"].spot_filters, tick_size=Decimal("0.1"))
    operate.set_filters("spot", "BTCUSDT", filters)
    assert refused(floor.spot, floor.ann, "BUY", "1", "20000.01").msg == "Filter failure: PRICE_FILTER"
    assert len(floor.exchange.spot_orders.open_orders(floor.ann)) == 1
    with pytest.raises(Misuse, match="multiple of"):
        operate.set_filters("spot", "BTCUSDT", replace(filters, tick_size=Decimal("0.001")))
    with pytest.raises(Misuse, match="beyond the book"):
        operate.set_filters("spot", "BTCUSDT", replace(filters, max_price=Decimal(10**9)))
    assert refused(operate.set_filters, "spot", "NONE", filters).code == -1121


def test_a_revoked_key(floor, operate):
    key = floor.exchange.make_key(floor.ann, futures=False)
    assert floor.exchange.keys[key.key] is key
    assert key.secret not in repr(key)
    operate.revoke(key.key)
    assert key.revoked
    with pytest.raises(Misuse, match="no such key"):
        operate.revoke("nothing")


def test_keys_follow_from_names_so_that_a_run_can_be_repeated():
    one, two = (Floor().exchange for _ in range(2))
    pairs = [[exchange.make_key(exchange.accounts[1]) for _ in range(2)] for exchange in (one, two)]
    assert [key.secret for key in pairs[0]] == [key.secret for key in pairs[1]]
    assert len({key.key for key in pairs[0]}) == 2
    signed = one.make_key(one.accounts[1], public_key="pem", kind="ED25519")
    assert signed.secret == ""


def test_the_mark_can_be_let_go(floor, operate):
    floor.linear(floor.bob, "SELL", "1", "20100")
    floor.linear(floor.bob, "BUY", "1", "20000")
    operate.set_index("BTCUSDT", "20050")
    operate.set_mark("BTCUSDT", None)
    floor.wait(1000)
    mark = floor.exchange.linear["BTCUSDT"].mark
    assert (mark.index_ticks, mark.mark_ticks) == (200_500, 200_500)
    with pytest.raises(Misuse, match="is no price"):
        operate.set_mark("BTCUSDT", "0")
    operate.set_funding_rate("BTCUSDT", "-0.001")
    assert mark.rate_e8 == -100_000


# -- accounts and memory --------------------------------------------------------------------------


def test_customers_are_strangers_to_each_other(floor, operate):
    floor.spot(floor.ann, "BUY", "1", "20000", client_id="mine")
    go_long(floor)
    exchange = floor.exchange
    assert exchange.spot_orders.all_orders(floor.bob, "BTCUSDT") == []
    assert exchange.spot_orders.my_trades(floor.bob, "BTCUSDT") == []
    assert {fill.order_id for fill in exchange.linear_orders.my_trades(floor.bob, "BTCUSDT")} == {1}
    assert exchange.account_named("ann") is floor.ann
    assert exchange.account_named("eve") is None
    numbers = {number for number, event in floor.heard.users if isinstance(event, OrderEvent)}
    assert numbers == {1, 2}


def test_what_is_finished_is_forgotten_in_the_end(floor, monkeypatch):
    monkeypatch.setattr(order_store, "FINISHED_ORDERS_MAX", 3)
    desk = floor.exchange.spot_orders
    for number in range(5):
        floor.spot(floor.ann, "BUY", "1", "20000", client_id=f"n{number}")
        desk.cancel(floor.ann, "BTCUSDT", client_id=f"n{number}")
    kept = floor.spot(floor.ann, "BUY", "1", "20000", client_id="n0")
    assert [order.client_id for order in desk.all_orders(floor.ann, "BTCUSDT")] == ["n2", "n3", "n4", "n0"]
    assert refused(desk.order, floor.ann, "BTCUSDT", client_id="n1").code == -2013
    assert desk.order(floor.ann, "BTCUSDT", client_id="n0").order_id == kept.order_id


def test_algo_orders_are_forgotten_as_well(floor, operate, monkeypatch):
    monkeypatch.setattr(order_store, "FINISHED_ORDERS_MAX", 2)
    for _ in range(4):
        algo = floor.algo(floor.ann, "BUY", "STOP_MARKET", "1", "21000")
        floor.exchange.linear_algos.cancel(floor.ann, algo_id=algo.algo_id)
    assert len(floor.exchange.linear_algos.all_orders(floor.ann, "BTCUSDT")) == 2


def test_public_trades_are_bounded(floor):
    listing = floor.exchange.spot["BTCUSDT"]
    assert listing.trades.maxlen == PUBLIC_TRADES_MAX
    floor.spot(floor.ann, "SELL", "1", "20000")
    floor.spot(floor.bob, "BUY", "0.4", "20000")
    trade = listing.trades[-1]
    assert (trade.trade_id, trade.price_ticks, trade.qty_lots, trade.buyer_is_maker) == (1, 2_000_000, 40_000, False)
    assert floor.heard.trades == [trade]


def test_the_crowd_trades_with_customers(floor):
    order = floor.spot(floor.ann, "BUY", "1", "20000")
    listing = floor.exchange.spot["BTCUSDT"]
    events = listing.book.submit(listing.next_order_id(), 0, -1, 40_000, 2_000_000)
    floor.exchange.apply_external(listing, events)
    found = floor.exchange.spot_orders.order(floor.ann, "BTCUSDT", order_id=order.order_id)
    assert (found.state, found.filled_lots) == ("PARTIALLY_FILLED", 40_000)
    assert floor.heard.trades[-1].buyer_is_maker
    assert floor.heard.orders(floor.ann)[-1] == ("TRADE", "PARTIALLY_FILLED")


def test_commissions_may_be_paid_in_bnb():
    floor = Floor()
    exchange = floor.exchange
    exchange.add_listing(spot_listing("BNBUSDT", book=NaiveMatchingBook()))
    exchange.deposit(floor.ann, "spot", "BNB", "1")
    floor.spot(floor.ann, "SELL", "0.1", "500", symbol="BNBUSDT")
    floor.spot(floor.bob, "BUY", "0.1", "500", symbol="BNBUSDT")
    floor.ann.pays_in_bnb = True
    floor.spot(floor.bob, "SELL", "1", "20000")
    fill = floor.spot(floor.ann, "BUY", "1", "20000").fills[0]
    # 0.1 % of 20,000 is 20 USDT; three quarters of it are 15, or 0.03 BNB at 500.
    assert (fill.commission, fill.commission_asset) == (3_000_000, "BNB")
    assert floor.has(floor.ann, "BTC")[0] == 11 * COIN
    assert floor.has(floor.ann, "BNB")[0] == 90_000_000 - 3_000_000
    with pytest.raises(Misuse, match="already listed"):
        exchange.add_listing(spot_listing("BNBUSDT", book=NaiveMatchingBook()))


def test_the_default_listings_are_whole():
    listings = default_listings(spot=("BTCUSDT", "XRPUSDT", "ETHBTC"), linear=("BTCUSDT", "XRPUSDT"))
    assert [(listing.market, listing.name) for listing in listings] == [
        ("spot", "BTCUSDT"), ("spot", "XRPUSDT"), ("spot", "ETHBTC"), ("linear", "BTCUSDT"), ("linear", "XRPUSDT"),
    ]  # fmt: skip
    assert listings[1].price_text(5123) == "0.5123"
    assert "DECREMENT" not in listings[3].stp_modes
    assert listings[3].brackets[0].initial_leverage == 125
