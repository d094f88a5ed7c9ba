"""The life of each order as its events tell it, checked against the rules that every order obeys."""

from collections import defaultdict

from b25.venue.exchange.events import OrderEvent

OPEN = {"NEW", "PARTIALLY_FILLED"}
OVER = {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"}
# Which states an execution may leave an order in.
STATES = {
    "NEW": {"NEW"},
    "TRADE": {"PARTIALLY_FILLED", "FILLED", "EXPIRED_IN_MATCH"},
    "CALCULATED": {"PARTIALLY_FILLED", "FILLED"},
    "CANCELED": {"CANCELED"},
    "EXPIRED": {"EXPIRED"},
    "TRADE_PREVENTION": {"NEW", "PARTIALLY_FILLED", "EXPIRED_IN_MATCH"},
    "REPLACED": OPEN,
    "AMENDMENT": OPEN,
}


def check_lives(users):
    """Every order begins with NEW, trades only what it has, and is silent once it is over."""
    lives = defaultdict(list)
    for number, event in users:
        if isinstance(event, OrderEvent):
            assert event.order.account == number, "an account hears of its own orders only"
            lives[number, event.market, event.order.listing.name, event.order.order_id].append(event)
    for life in lives.values():
        _check(life)


def _check(life):
    assert life[0].execution == "NEW"
    filled = 0
    ids = [event.execution_id for event in life]
    assert ids == sorted(set(ids))
    for number, event in enumerate(life):
        order = event.order
        assert order.state in STATES[event.execution], (event.execution, order.state)
        if event.fill is not None:
            assert event.execution in ("TRADE", "CALCULATED")
            filled += event.fill.qty_lots
            assert (event.fill.price_ticks - order.price_ticks) * order.sign <= 0 or not order.price_ticks or order.by_venue
        assert order.filled_lots == filled
        assert order.leaves_lots >= 0
        if order.state in OVER:
            assert number == len(life) - 1, "an order that is over says no more"
        if order.state == "FILLED":
            assert order.leaves_lots == 0
