"""Pictures of a stretch of time show what the book held then, and refuse a stretch that holds nothing."""

import numpy as np
import pytest

import b25
from b25.research.book_history import resting


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return b25.sample(minutes=1, catalog=tmp_path_factory.mktemp("catalog"))


def test_each_column_of_the_heat_map_is_the_book_of_its_time(data):
    times = np.array([data.at(x) for x in (0.2, 0.5, 0.9)])
    low, high = 599_000, 601_000
    grid = resting(data.tape, times, low, high)
    for time_ns, column in zip(times.tolist(), grid, strict=True):
        book = data.book(time_ns)
        expected = np.zeros(high - low + 1, np.int64)
        for levels in (book.bid_levels, book.ask_levels):
            near = levels[(levels["price_ticks"] >= low) & (levels["price_ticks"] <= high)]
            expected[near["price_ticks"] - low] += near["qty_lots"]
        assert column.tolist() == expected.tolist()
        assert column.any()


def test_the_pictures_can_be_drawn(data):
    result = b25.backtest(Taker, data)
    heat = data.plot_book(0.2, 0.4, fills=result.traces[0].fills)
    assert heat.png().startswith(b"\x89PNG")
    assert data.plot_trades(0.2, 0.4).png().startswith(b"\x89PNG")


def test_a_stretch_without_a_book_is_refused(data):
    with pytest.raises(b25.Misuse, match="no book in that stretch"):
        data.plot_book(0.5, 0.5)
    with pytest.raises(b25.Misuse, match="no book in that stretch"):
        data.plot_trades(0.6, 0.3)


class Taker(b25.Strategy):
    """Buy a lot at market whenever nothing is held."""

    def on_book(self, ctx):
        if ctx.position() == 0.0 and ctx.working(b25.BUY) == 0:
            ctx.buy(ctx.lot())
