"""The exchange on the compiled book and on its slow twin: the same commands must tell the same events, word for word."""

import random

import pytest

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.events import AlgoEvent, BalanceEvent, OrderEvent
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import linear_listing, spot_listing
from b25.venue.exchange.matching_book import MatchingBook
from tests.kernels.naive_matching import NaiveMatchingBook
from tests.venue.exchange import test_linear_properties, test_spot_properties
from tests.venue.exchange.floor import OPEN_MS, Floor, Recorder

COMMANDS = 120


def floor_on(book):
    floor = Floor.__new__(Floor)
    listings = [spot_listing("BTCUSDT", book=book()), linear_listing("BTCUSDT", book=book())]
    floor.exchange = Exchange(listings, now_ms=OPEN_MS)
    floor.ann, floor.bob = floor.customer("ann"), floor.customer("bob")
    floor.carl = floor.customer("carl", usdt="20000", btc="1")
    floor.heard = Recorder()
    floor.exchange.sinks.append(floor.heard)
    floor.mark("20000")
    return floor


def words(floor):
    """What was told, in plain values."""
    lines = []
    for number, event in floor.heard.users:
        if isinstance(event, OrderEvent):
            order = event.order
            lines.append(
                (number, event.execution, order.order_id, order.state, order.leaves_lots, order.expiry_reason, event.fill)
            )
        elif isinstance(event, AlgoEvent):
            lines.append((number, event.algo.algo_id, event.algo.state, event.algo.reject_reason))
        elif isinstance(event, BalanceEvent):
            lines.append((number, event.reason, tuple(event.assets), [state.lots for state in event.positions]))
    return lines


def spot_command(dice):
    if dice.random() < 0.8:
        kind = dice.choice(test_spot_properties.KINDS)
        tif = dice.choice(("GTC", "GTC", "IOC", "FOK"))
        stp = dice.choice(("NONE", "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"))
        side = dice.choice(("BUY", "SELL"))
        return ("place", dice.randrange(3), side, kind, dice.randint(1, 100_000), dice.randint(-20, 20), tif, stp)
    verb = dice.choice(("cancel", "cancel_all", "replace", "amend", "wait"))
    return (verb, dice.randrange(3), dice.randrange(31), dice.randint(1, 200_000))


def linear_command(dice):
    throw, who, side = dice.random(), dice.randrange(3), dice.choice(("BUY", "SELL"))
    if throw < 0.7:
        kind = dice.choice(("LIMIT", "LIMIT", "LIMIT", "GTX", "IOC", "FOK", "MARKET"))
        stp = dice.choice(("NONE", "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"))
        return ("place", who, side, kind, dice.randint(3, 20_000), dice.randint(-10, 10), dice.random() < 0.3, stp)
    if throw < 0.8:
        kind = dice.choice(("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET", "CLOSE"))
        return ("algo", who, side, kind, dice.randint(3, 2000), dice.randint(-15, 15))
    verb = dice.choice(("cancel", "amend", "mark", "mark", "wait", "cancel_all", "liquidate", "adl", "leverage"))
    return (verb, who, dice.randrange(31), dice.randint(3, 2000))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("market", "command", "act"),
    [("spot", spot_command, test_spot_properties.act), ("linear", linear_command, test_linear_properties.act)],
)
def test_the_same_is_told(seed, market, command, act):
    floors = [floor_on(MatchingBook), floor_on(NaiveMatchingBook)]
    dice = random.Random(f"{market} {seed}")
    for _ in range(COMMANDS):
        step, answers = command(dice), []
        for floor in floors:
            try:
                act(floor, step)
                answers.append(None)
            except VenueError as error:
                answers.append((error.code, error.msg))
        assert answers[0] == answers[1], step
        told = [words(floor) for floor in floors]
        assert told[0] == told[1], step
        for floor in floors:
            floor.heard.forget()
    listings = [floor.exchange.market(market)["BTCUSDT"] for floor in floors]
    assert listings[0].take_depth() == listings[1].take_depth()
    assert listings[0].trades == listings[1].trades
