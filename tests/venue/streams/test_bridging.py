"""Snapshot and diffs share one counter: a client that joins them by Binance's rules always holds the venue's own book."""

import random

import pytest

from b25.model.event import BUY, SELL
from b25.venue.wire.market_rows import depth
from tests.venue.streams.stand import Stand, heard

SEEDS = range(6)


class Gap(Exception):
    """A diff does not continue the one before."""


class ClientBook:
    """The rules of section 9 of the specification, and nothing else."""

    def __init__(self, market):
        self.market = market
        self.last = self.previous = None
        self.sides = ({}, {})

    def snapshot(self, answer):
        self.last, self.previous = answer["lastUpdateId"], None
        self.sides = tuple({price: qty for price, qty in answer[side]} for side in ("bids", "asks"))

    def diff(self, event):
        first, last = event["U"], event["u"]
        if self.market == "spot":
            if last <= self.last:
                return
            if not (first <= self.last + 1 <= last if self.previous is None else first == self.previous + 1):
                raise Gap
        else:
            if last < self.last:
                return
            if not (first <= self.last <= last if self.previous is None else event["pu"] == self.previous):
                raise Gap
        for side, rows in zip(self.sides, (event["b"], event["a"]), strict=True):
            for price, qty in rows:
                if float(qty) == 0:
                    side.pop(price, None)
                else:
                    side[price] = qty
        self.last = self.previous = last


def book_of(listing):
    answer = depth(listing, 5_000)
    return answer["lastUpdateId"], dict(answer["bids"]), dict(answer["asks"])


def busy(stand, listing, dice, live):
    """One random command."""
    roll = dice.random()
    if roll < 0.35 and live:
        stand.exchange.tell(listing, listing.book.cancel(live.pop(dice.randrange(len(live)))))
    elif roll < 0.85:
        side = dice.choice((BUY, SELL))
        stand.exchange.place(listing, side, dice.randint(1, 40), 5_000_000 - side * dice.randint(-3, 30))
        live.append(listing.last_order_id)
    else:
        stand.exchange.place(listing, dice.choice((BUY, SELL)), dice.randint(1, 60), market=True, ticks=0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("market", "stream"),
    [
        ("spot", "btcusdt@depth@100ms"),
        ("spot", "btcusdt@depth"),
        ("linear", "btcusdt@depth@100ms"),
        ("linear", "btcusdt@depth"),
        ("linear", "btcusdt@depth@500ms"),
    ],
)
def test_a_client_that_follows_the_rules_holds_the_venues_book_at_every_update(market, stream, seed):
    stand, dice = Stand(), random.Random(f"{market}{stream}{seed}")
    listing = stand.spot if market == "spot" else stand.linear
    for _ in range(200):
        busy(stand, listing, dice, live := [])
    socket = stand.listener(stream, market=market)
    books = {}  # the venue's book at each update id
    buffered, client, applied = [], ClientBook(market), 0
    joined_at = dice.randint(1, 60)
    for round_ in range(200):
        for _ in range(dice.choice((0, 0, 1, 2, 7))):
            busy(stand, listing, dice, live)
            books[listing.update_id] = book_of(listing)[1:]
        if round_ == joined_at:  # whatever it has buffered by then
            client.snapshot(depth(listing, 5_000))
            for event in buffered:
                client.diff(event)
        stand.step(dice.choice((7, 30, 50, 100)))
        for event in heard(socket):
            if round_ < joined_at:
                buffered.append(event)
                continue
            before = client.last
            client.diff(event)
            if client.last != before:
                applied += 1
                assert client.sides == books[client.last]
    assert applied > 5


def test_cadences_do_not_disturb_each_other_and_cover_every_id():
    stand, dice, live = Stand(), random.Random(5), []
    sockets = {
        name: stand.listener(name, market="linear") for name in ("btcusdt@depth@100ms", "btcusdt@depth", "btcusdt@depth@500ms")
    }
    last = dict.fromkeys(sockets, stand.linear.update_id)
    counts = dict.fromkeys(sockets, 0)
    for _ in range(400):
        busy(stand, stand.linear, dice, live)
        stand.step(25)
        for name, socket in sockets.items():
            for event in heard(socket):
                assert event["U"] == last[name]
                assert event["pu"] == last[name]
                last[name], counts[name] = event["u"], counts[name] + 1
    assert list(counts.values()) == [100, 40, 20]
    assert set(last.values()) == {stand.linear.update_id}


def test_a_quiet_book_tells_nothing_and_one_that_came_back_is_told_once():
    stand = Stand()
    socket = stand.listener("btcusdt@depth@100ms")
    stand.step(1_000)
    assert heard(socket) == []
    stand.exchange.place(stand.spot, BUY, 5, 100)
    stand.exchange.tell(stand.spot, stand.spot.book.cancel(stand.spot.last_order_id))
    stand.step(100)
    (event,) = heard(socket)
    assert event["b"] == [["1.00000000", "0.00000000"]]
    assert event["u"] - event["U"] == 1


def test_changes_do_not_pile_up_while_nobody_listens():
    stand, dice, live = Stand(), random.Random(1), []
    for _ in range(300):
        busy(stand, stand.spot, dice, live)
        stand.step(100)
        assert len(stand.spot._pending) < 40
