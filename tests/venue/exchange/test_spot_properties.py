"""Whatever customers do: no asset is made or lost, nothing is negative, and every lock belongs to an open order."""

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.orders import NewOrder
from tests.venue.exchange.floor import Floor
from tests.venue.exchange.lifelines import check_lives

KINDS = ("LIMIT", "LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET", "VALUE", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TRAILING")

places = st.tuples(
    st.just("place"),
    st.integers(0, 2),  # who
    st.sampled_from(("BUY", "SELL")),
    st.sampled_from(KINDS),
    st.integers(1, 300_000),  # lots
    st.integers(-20, 20),  # distance from 20,000 in steps of 50
    st.sampled_from(("GTC", "GTC", "IOC", "FOK")),
    st.sampled_from(("NONE", "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")),
)
others = st.tuples(
    st.sampled_from(("cancel", "cancel_all", "replace", "amend", "wait")),
    st.integers(0, 2),
    st.integers(0, 30),  # which of the account's orders
    st.integers(1, 200_000),
)
commands = st.lists(st.one_of(places, places, places, others), min_size=5, max_size=60)


def request_of(command):
    _, _, side, kind, lots, distance, tif, stp = command
    price = Decimal(20_000 + 50 * distance)
    terms = {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": lots * Decimal("0.00001"), "stp": stp}
    if kind in ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT"):
        terms["price"] = price
    if kind in ("LIMIT", "STOP_LOSS_LIMIT"):
        terms["tif"] = tif
    if kind in ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"):
        terms["stop_price"] = price
    if kind == "TRAILING":
        terms |= {"type": "STOP_LOSS", "trailing_delta_bips": 10 + abs(distance) * 5}
    if kind == "VALUE":
        terms |= {"type": "MARKET", "quote_quantity": terms.pop("quantity") * 20_000}
    return NewOrder(**terms)


def act(floor, command):
    who = [floor.ann, floor.bob, floor.carl][command[1]]
    desk = floor.exchange.spot_orders
    verb = command[0]
    if verb == "place":
        desk.place(who, request_of(command))
    elif verb == "wait":
        floor.wait(command[3])
    elif verb == "cancel_all":
        desk.cancel_all(who, "BTCUSDT")
    else:
        open_orders = desk.open_orders(who, "BTCUSDT")
        if not open_orders:
            return
        order_id = open_orders[command[2] % len(open_orders)].order_id
        if verb == "cancel":
            desk.cancel(who, "BTCUSDT", order_id=order_id)
        elif verb == "amend":
            desk.amend(who, "BTCUSDT", command[3] * Decimal("0.00001"), order_id=order_id)
        else:
            request = request_of(("place", 0, "BUY", "LIMIT", command[3], command[2] - 15, "GTC", "NONE"))
            desk.cancel_replace(who, request, mode="ALLOW_FAILURE", order_id=order_id)


def check_money(floor, start):
    ledger = floor.exchange.spot_ledger
    customers = list(floor.exchange.accounts.values())
    for asset in ("BTC", "USDT"):
        held = sum(sum(floor.has(account, asset)) for account in customers)
        assert held + ledger.fees[asset] == start[asset]
    for account in customers:
        locks = {"BTC": 0, "USDT": 0}
        for order in account.spot_store.open_orders():
            assert order.locked >= 0
            locks[ledger.held_asset(order)] += order.locked
        for asset, locked in locks.items():
            assert floor.has(account, asset)[1] == locked
            assert floor.has(account, asset)[0] >= 0


def check_book(floor):
    listing = floor.exchange.spot["BTCUSDT"]
    stores = [account.spot_store for account in floor.exchange.accounts.values()]
    open_orders = {order.order_id: order for store in stores for order in store.open_orders("BTCUSDT")}
    assert open_orders == listing.orders
    for order_id, order in open_orders.items():
        assert listing.book.leaves_lots(order_id) == (order.leaves_lots if order.is_working else 0)
    assert set(listing.trailing) <= set(open_orders)
    assert len(listing.book.resting) == sum(order.is_working for order in open_orders.values())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(commands)
def test_no_asset_is_made_or_lost(script):
    floor = Floor()
    floor.carl = floor.customer("carl", usdt="30000", btc="1")
    start = {"USDT": 230_000 * 10**8, "BTC": 21 * 10**8}
    for command in script:
        try:
            act(floor, command)
        except VenueError as error:
            assert error.code in (-1013, -1112, -2010, -2011, -2013, -2021, -2022, -2038)  # noqa: PT017
        check_money(floor, start)
        check_book(floor)
    check_lives(floor.heard.users)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(commands)
def test_the_depth_stream_rebuilds_the_book(script):
    floor = Floor()
    floor.carl = floor.customer("carl", usdt="30000", btc="1")
    listing = floor.exchange.spot["BTCUSDT"]
    sides = {1: {}, -1: {}}
    last = listing.update_id
    for command in script:
        try:
            act(floor, command)
        except VenueError:
            continue
        change = listing.take_depth()
        if change is not None:
            assert change.first_update_id == last + 1 == change.previous_update_id + 1
            assert change.last_update_id >= change.first_update_id
            last = change.last_update_id
            for side, levels in ((1, change.bids), (-1, change.asks)):
                sides[side].update(levels)
    change = listing.take_depth()
    for side, levels in ((1, change.bids), (-1, change.asks)) if change else ():
        sides[side].update(levels)
    for side in (1, -1):
        assert dict(listing.book.levels(side, 1000)) == {price: lots for price, lots in sides[side].items() if lots}
    assert listing.update_id == (change.last_update_id if change else last)
