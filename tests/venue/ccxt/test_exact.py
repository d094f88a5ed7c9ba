"""What is sent is what was approved, to the digit: no float takes part, and ccxt is not trusted to round."""

import asyncio
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from b25.venue.ccxt.gateway import plain
from b25.venue.port.outcome import Answer
from tests.venue.ccxt.recorder import Recorder, by_path
from tests.venue.ccxt.venues import an_order, venue_at
from tests.venue.conformance.samples.read import samples


def fields(body):
    return dict(part.split("=") for part in body.decode().split("&"))


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(1, 99_999_999), st.integers(1, 900_000_000)), min_size=1, max_size=40))
def test_every_price_and_quantity_arrives_as_it_was_meant(orders):
    async def run():
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            for ticks, lots in orders:
                outcome = await port.submit(an_order(price_ticks=ticks, qty_lots=lots))
                assert outcome.answer in (Answer.ACCEPTED, Answer.NOT_SENT)
            return [fields(seen.body) for seen in recorder.seen if seen.method == "POST"]

    sent = asyncio.run(run())
    for one, (ticks, lots) in zip(sent, orders, strict=False):
        assert Decimal(one["price"]) == ticks * Decimal("0.01")
        assert Decimal(one["quantity"]) == lots * Decimal("0.00001")
        assert "e" not in one["price"].lower() + one["quantity"].lower()


def test_a_grid_that_changed_behind_our_back_is_not_rounded_to():
    """The venue made its tick coarser, ccxt has read it, and the order was approved on the old one."""

    async def run():
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            port.api.markets["BTC/USDT"]["precision"]["price"] = "0.05"
            outcome = await port.submit(an_order(price_ticks=4_000_001))
            return outcome, [seen.method for seen in recorder.seen]

    outcome, methods = asyncio.run(run())
    assert (outcome.answer, outcome.alarm) == (Answer.NOT_SENT, True)
    assert "POST" not in methods


def test_digits_are_plain():
    assert [plain(Decimal(text)) for text in ("1E-8", "40000.00", "1E+3", "0.10", "7")] == [
        "0.00000001",
        "40000",
        "1000",
        "0.1",
        "7",
    ]
