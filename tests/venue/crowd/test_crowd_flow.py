"""The crowd: one seed, one market; it reacts to others; its prices look like prices."""

import numpy as np
import pytest

from b25.model.errors import Misuse
from b25.model.event import BUY, SELL
from b25.model.matching import MatchKind
from b25.venue.crowd.crowd_flow import CrowdFlow
from b25.venue.exchange.matching_book import MatchingBook

START_MS = 1_735_689_600_000


class Market:
    """A book with a crowd, and all that was told of it."""

    def __init__(self, seed=25, price=60_000, **more):
        self.book, self.trades, self.others = MatchingBook(), [], []
        self.flow = CrowdFlow(self.book, self.hear, seed=seed, start_ms=START_MS, price_ticks=price, lot_value=6.0, **more)
        self.mids = []

    def hear(self, events):
        self.trades += [event for event in events if event.kind == MatchKind.TRADE]
        self.others += [event for event in events if event.account or event.maker_account]
        self.book.take_changes()

    def live(self, seconds, every_ms=1_000):
        for _ in range(round(seconds * 1_000 / every_ms)):
            self.flow.advance(self.flow.now_ms + every_ms)
            self.mids.append((self.book.best_bid_ticks + self.book.best_ask_ticks) / 2)
        return self


def test_one_seed_is_one_market_however_often_it_is_asked():
    one, other, third = Market().live(20), Market().live(20, every_ms=50), Market(seed=26).live(20)
    assert one.trades == other.trades
    assert one.book.hash == other.book.hash != 0
    assert one.book.hash != third.book.hash


def test_its_prices_have_fat_tails_and_its_takers_persist():
    market = Market(price=600_000).live(660)
    returns = np.diff(np.log(market.mids[60:]))
    assert returns.std() > 0
    assert ((returns - returns.mean()) ** 4).mean() / returns.var() ** 2 > 3.5
    sides = np.array([trade.side for trade in market.trades], float)
    assert len(sides) > 1_000
    assert np.corrcoef(sides[:-1], sides[1:])[0, 1] > 0.1
    sizes = np.abs(returns)
    assert np.mean([np.corrcoef(sizes[:-lag], sizes[lag:])[0, 1] for lag in range(1, 11)]) > 0.03
    assert 1 <= market.book.best_ask_ticks - market.book.best_bid_ticks < 30


def test_others_orders_stay_until_they_are_taken():
    market = Market().live(30)
    market.book.submit(1, 7, BUY, 1_000, market.book.best_bid_ticks - 5_000)
    market.book.submit(2, 8, BUY, 5, market.book.best_bid_ticks)
    market.book.submit(3, 9, SELL, 5, market.book.best_ask_ticks)
    market.live(60)
    assert market.book.leaves_lots(1) == 1_000
    assert {event.maker_order_id for event in market.others} & {2, 3}
    assert market.book.position_lots(8) == 5 - market.book.leaves_lots(2)
    assert market.book.position_lots(9) == market.book.leaves_lots(3) - 5
    assert market.book.hash != 0


def test_who_buys_much_moves_the_price_up():
    still, pushed = Market().live(30), Market().live(30)
    for k in range(20):
        pushed.book.submit(k + 1, 3, BUY, 20_000, market=True)
        pushed.live(1)
        still.live(1)
    assert pushed.mids[-1] > still.mids[-1]


@pytest.mark.parametrize("ratio", [-0.1, 0.1])
def test_a_crash_and_a_squeeze_come_on_demand(ratio):
    market = Market().live(30)
    before = market.mids[-1]
    market.flow.push(ratio, 20_000)
    market.live(60)
    assert market.mids[-1] / before - 1 == pytest.approx(ratio, abs=0.03)


def test_a_market_follows_its_anchor():
    spot = Market(seed=1).live(5)
    linear = Market(seed=2, anchor=spot.flow, anchor_ratio=1.0)
    linear.live(5)
    spot.flow.push(0.1, 10_000)
    linear.live(120)
    assert spot.flow.now_ms == linear.flow.now_ms
    assert abs(linear.mids[-1] / spot.flow.mid_ticks(spot.flow.now_ms) - 1) < 0.002


def test_a_push_to_nothing_is_refused():
    with pytest.raises(Misuse, match="a push by"):
        Market().flow.push(-1.5, 10_000)


def test_its_book_is_whole_after_all_that():
    market = Market().live(60)
    for side in (BUY, SELL):
        levels = market.book.levels(side, 10_000)
        assert all(lots > 0 for _, lots in levels)
        assert [price for price, _ in levels] == sorted((price for price, _ in levels), reverse=side == BUY)
