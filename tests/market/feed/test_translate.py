"""Successive books of any venue become messages that lead to the same books, with the gap where updates were missed."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from b25.market.feed import desk_layout as outcome
from b25.market.feed.desk import Desk
from b25.market.feed.translate import Translator
from b25.model.instrument import Instrument
from b25.model.message import USDM

from .replayed import levels

NOW_MS = 1_700_000_000_000
INSTRUMENT = Instrument(venue="kraken", symbol="ETH/USD", tick=Decimal("0.01"), lot=Decimal("0.001"))

prices = st.integers(1, 30)
sides = st.dictionaries(prices, st.integers(1, 9), max_size=6)


def book_of(bids, asks, time_ms=NOW_MS):
    return {
        "bids": [[99 - k / 100, qty / 1000] for k, qty in sorted(bids.items())],
        "asks": [[100 + k / 100, qty / 1000] for k, qty in sorted(asks.items())],
        "timestamp": time_ms,
    }


@given(st.lists(st.tuples(sides, sides, st.sampled_from([False, False, False, True])), min_size=1, max_size=12))
def test_the_desk_holds_each_book_that_was_told(books):
    desk, translator = Desk(INSTRUMENT, USDM, "ETH/USD"), Translator(INSTRUMENT, "ETH/USD", NOW_MS)
    for i, (bids, asks, lost) in enumerate(books):
        if lost:
            translator.lose()
        for text in translator.book(book_of(bids, asks), NOW_MS):
            done = desk.take_text(text, NOW_MS * 10**6 + i)
            if done == outcome.BROKEN:
                desk.break_chain(NOW_MS * 10**6 + i)
            assert done > 0
        assert levels(desk.ladder) == [
            sorted((9900 - k, qty) for k, qty in bids.items()),
            sorted((10000 + k, qty) for k, qty in asks.items()),
        ]
        desk.drain()


def test_an_unchanged_book_says_nothing():
    translator = Translator(INSTRUMENT, "ETH/USD", NOW_MS)
    assert len(translator.book(book_of({1: 1}, {1: 1}), NOW_MS)) == 1
    assert translator.book(book_of({1: 1}, {1: 1}), NOW_MS) == []


def test_a_loss_is_a_gap_on_record():
    desk, translator = Desk(INSTRUMENT, USDM, "ETH/USD"), Translator(INSTRUMENT, "ETH/USD", NOW_MS)
    outcomes = []
    for lost, qty in ((False, 1), (False, 2), (True, 3), (False, 4)):
        if lost:
            translator.lose()
        for text in translator.book(book_of({1: qty}, {1: 1}), NOW_MS):
            outcomes.append(desk.take_text(text, NOW_MS * 10**6))
            if outcomes[-1] == outcome.BROKEN:
                desk.break_chain(NOW_MS * 10**6)
    assert outcomes == [outcome.BRIDGED, outcome.APPLIED, outcome.BROKEN, outcome.BRIDGED, outcome.APPLIED]
    assert desk.is_healthy


def test_a_book_that_is_empty_after_a_loss_is_empty():
    desk, translator = Desk(INSTRUMENT, USDM, "ETH/USD"), Translator(INSTRUMENT, "ETH/USD", NOW_MS)
    (first,) = translator.book(book_of({1: 1}, {1: 1}), NOW_MS)
    desk.take_text(first, NOW_MS * 10**6)
    translator.lose()
    broken, snapshot = translator.book(book_of({}, {}), NOW_MS)
    assert desk.take_text(broken, NOW_MS * 10**6) == outcome.BROKEN
    desk.break_chain(NOW_MS * 10**6)
    assert desk.take_text(snapshot, NOW_MS * 10**6) == outcome.BRIDGED
    assert levels(desk.ladder) == [[], []]


def trade(number, side="buy", **more):
    return {"id": f"T-{number}", "timestamp": NOW_MS + number, "price": 100.01, "amount": 0.25, "side": side} | more


def test_trades_are_told_once_with_the_takers_side():
    desk, translator = Desk(INSTRUMENT, USDM, "ETH/USD"), Translator(INSTRUMENT, "ETH/USD", NOW_MS)
    for batch in ([trade(1), trade(2, "sell")], [trade(2, "sell"), trade(3)], [trade(4, None)]):
        for text in translator.trades(batch, NOW_MS):
            assert desk.take_text(text, NOW_MS * 10**6) == outcome.TRADED
    rows = desk.rows()
    assert rows["side"].tolist() == [1, -1, 1]
    assert rows["price_ticks"].tolist() == [10001] * 3
    assert np.all(np.diff(rows["last_id"]) > 0)
    assert translator.sideless == 1


def test_a_quantity_finer_than_the_lot_is_rounded_and_counted():
    translator = Translator(INSTRUMENT, "ETH/USD", NOW_MS)
    (text,) = translator.trades([trade(1, amount=0.25049)], NOW_MS)
    assert b'"q":"0.250"' in text
    (text,) = translator.trades([trade(2, amount=1e-7)], NOW_MS)
    assert b'"q":"0.001"' in text
    assert translator.rounded == 2
