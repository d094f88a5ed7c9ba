"""Whatever customers, marks and time do: equity changes only by profit, fees, funding and the fund."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b25.venue.exchange.accounts import book_account
from b25.venue.exchange.errors import VenueError
from tests.venue.exchange.floor import COIN, Floor, linear_order
from tests.venue.exchange.lifelines import check_lives

places = st.tuples(
    st.just("place"),
    st.integers(0, 2),
    st.sampled_from(("BUY", "SELL")),
    st.sampled_from(("LIMIT", "LIMIT", "LIMIT", "GTX", "IOC", "FOK", "MARKET")),
    st.integers(3, 2000),  # lots
    st.integers(-10, 10),  # distance from 20,000 in steps of 20
    st.booleans(),  # reduce-only
    st.sampled_from(("NONE", "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")),
)
algos = st.tuples(
    st.just("algo"),
    st.integers(0, 2),
    st.sampled_from(("BUY", "SELL")),
    st.sampled_from(("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET", "CLOSE")),
    st.integers(3, 2000),
    st.integers(-15, 15),
)
others = st.tuples(
    st.sampled_from(("cancel", "amend", "mark", "mark", "wait", "cancel_all", "isolate", "leverage", "liquidate", "adl")),
    st.integers(0, 2),
    st.integers(0, 30),
    st.integers(3, 2000),
)
commands = st.lists(st.one_of(places, places, places, algos, others), min_size=5, max_size=60)


def act(floor, command):
    verb, who = command[0], [floor.ann, floor.bob, floor.carl][command[1]]
    exchange, desk = floor.exchange, floor.exchange.linear_orders
    if verb == "place":
        _, _, side, kind, lots, distance, reduce_only, stp = command
        price = None if kind == "MARKET" else 20_000 + 20 * distance
        terms = {"reduce_only": reduce_only and not who.linear.hedge, "stp": stp}
        if kind in ("GTX", "IOC", "FOK"):
            terms["tif"] = kind
        if who.linear.hedge:
            terms["position_side"] = "SHORT" if reduce_only else "LONG"
        desk.place(who, linear_order(side, lots * Decimal("0.001"), price, **terms))
    elif verb == "algo":
        place_algo(floor, who, command)
    elif verb == "mark":
        floor.mark(20_000 + 40 * (command[2] - 15))
    elif verb == "wait":
        floor.wait(command[3] * 5_000)
    elif verb == "cancel_all":
        desk.cancel_all(who, "BTCUSDT")
    elif verb == "isolate":
        exchange.linear_settings.set_margin_type(who, "BTCUSDT", "ISOLATED")
    elif verb == "leverage":
        exchange.linear_settings.set_leverage(who, "BTCUSDT", 1 + command[3] % 125)
    elif verb == "liquidate":
        exchange.operations.liquidate(who, "BTCUSDT")
    elif verb == "adl":
        exchange.operations.adl(who, "BTCUSDT", quantity=command[3] * Decimal("0.001"))
    else:
        open_orders = desk.open_orders(who, "BTCUSDT")
        if open_orders:
            order = open_orders[command[2] % len(open_orders)]
            if verb == "cancel":
                desk.cancel(who, "BTCUSDT", order_id=order.order_id)
            else:
                quantity, price = command[3] * Decimal("0.001"), Decimal(20_000 + 20 * (command[2] - 15))
                desk.amend(who, "BTCUSDT", order.side, order_id=order.order_id, quantity=quantity, price=price)


def place_algo(floor, who, command):
    _, _, side, kind, lots, distance = command
    terms = {"position_side": "LONG"} if who.linear.hedge else {}
    quantity = lots * Decimal("0.001")
    if kind == "TRAILING_STOP_MARKET":
        floor.algo(who, side, kind, quantity, callback_rate=Decimal("0.3"), **terms)
    elif kind == "CLOSE":
        floor.algo(who, side, "STOP_MARKET", trigger=20_000 + 20 * distance, close_position=True, **terms)
    else:
        floor.algo(who, side, kind, quantity, 20_000 + 20 * distance, **terms)


def check_money(floor):
    """The wallet is what was put in and every row of income since; positions are the sums of their fills."""
    listing = floor.exchange.linear["BTCUSDT"]
    for account, deposited in ((floor.ann, 100_000), (floor.bob, 100_000), (floor.carl, 2_000)):
        rows = floor.exchange.linear_views.income(account, limit=10**6)
        cleared = floor.covered[account.account_id]
        assert floor.wallet(account) == sum(row.amount for row in rows) + cleared, deposited
        fills = defaultdict(int)
        realised = defaultdict(int)
        for fill in account.linear_store.fills:
            fills[fill.position_side] += fill.qty_lots if fill.side == "BUY" else -fill.qty_lots
            realised[fill.position_side] += fill.realised
        for side in ("BOTH", "LONG", "SHORT"):
            position = floor.position(account, side)
            assert position.lots == fills[side]
            assert position.realised == realised[side]
            assert listing.book.position_lots(book_account(account.account_id, side)) == position.lots
            assert (position.entry_ticklots > 0) == (position.lots != 0)
            assert position.lots >= 0 or side != "LONG"
            assert position.lots <= 0 or side != "SHORT"
            assert position.isolated_wallet == 0 or position.lots


def check_whole(floor):
    """All wallets, with the fund's, hold what was put in, less fees and funding, plus profits against nobody."""
    exchange, mark = floor.exchange, floor.exchange.linear["BTCUSDT"].mark.mark_ticks
    wallets = [account.linear for account in exchange.accounts.values()] + [exchange.insurance.linear]
    equity = sum(wallet.wallet("USDT") for wallet in wallets)
    lots = 0
    for wallet in wallets:
        for position in wallet.open_positions():
            equity += position.unrealised(mark)
            lots += position.lots
    ledger = exchange.linear_ledger
    off_book = floor.against_nobody
    assert equity + ledger.fees["USDT"] + ledger.funding_paid["USDT"] == 202_000 * COIN + off_book(mark)
    assert lots == floor.lots_against_nobody


def watch(floor):
    """Keep the books of what auto-deleveraging on demand trades against nobody, and of what the fund pays."""
    floor.covered = defaultdict(int)
    floor.lots_against_nobody = 0
    floor.cash_against_nobody = 0
    adl, tell = floor.exchange.liquidator.adl, floor.exchange.linear_ledger.tell
    notional = floor.exchange.linear["BTCUSDT"].notional
    floor.pairs = False

    def deleverage(account, position, lots, price_ticks):
        if not floor.pairs:
            sign = -1 if position.lots > 0 else 1
            floor.lots_against_nobody += sign * lots
            floor.cash_against_nobody += notional(-sign * lots * price_ticks)
        return adl(account, position, lots, price_ticks)

    take_over = floor.exchange.liquidator._take_over

    def paired(*args):
        floor.pairs = True
        take_over(*args)
        floor.pairs = False

    def told(account, reason, asset, *, positions=(), change=0):
        if reason == "INSURANCE_CLEAR" and change > 0 and not positions:
            rows = account.linear.income
            if not rows or rows[-1].kind != "INSURANCE_CLEAR" or rows[-1].amount != change:
                floor.covered[account.account_id] += change
        tell(account, reason, asset, positions=positions, change=change)

    floor.exchange.liquidator.adl = deleverage
    floor.exchange.liquidator._take_over = paired
    floor.exchange.linear_ledger.tell = told
    floor.against_nobody = lambda mark: floor.cash_against_nobody + notional(floor.lots_against_nobody * mark)


def make_floor(hedge):
    floor = Floor()
    floor.carl = floor.exchange.open_account("carl")
    floor.exchange.deposit(floor.carl, "linear", "USDT", "2000")
    if hedge:
        floor.exchange.linear_settings.set_hedge(floor.bob, hedge=True)
    watch(floor)
    floor.mark(20_000)
    return floor


def check_book(floor):
    listing = floor.exchange.linear["BTCUSDT"]
    stores = [account.linear_store for account in floor.exchange.accounts.values()]
    open_orders = {order.order_id: order for store in stores for order in store.open_orders("BTCUSDT")}
    assert open_orders == listing.orders
    for order_id, order in open_orders.items():
        assert listing.book.leaves_lots(order_id) == order.leaves_lots > 0
    waiting = {algo.trigger_id for store in stores for algo in store.open_algos.values() if algo.is_open}
    assert waiting == set(listing.algos)
    assert {order.order_id for order in listing.book.waiting} | set(listing.trailing) == waiting


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(commands, st.booleans())
def test_equity_changes_only_by_profit_fees_funding_and_the_fund(script, hedge):
    floor = make_floor(hedge)
    for command in script:
        try:
            act(floor, command)
        except VenueError as error:
            assert error.code < -1000  # noqa: PT017
        check_money(floor)
        check_whole(floor)
        check_book(floor)
    check_lives(floor.heard.users)
