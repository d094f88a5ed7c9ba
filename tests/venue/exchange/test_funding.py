"""Mark price and funding: when it is paid, how much, and by whom."""

import pytest

from b25.venue.exchange.events import BalanceEvent
from b25.venue.exchange.mark import FUNDING_INTERVAL_MS, MarkState, funding_rate_e8, next_funding_ms
from tests.venue.exchange.floor import COIN, OPEN_MS, Floor

MIDNIGHT_MS = 1_700_006_400_000


@pytest.fixture
def floor():
    floor = Floor(fees=False)
    floor.mark("20000")
    floor.exchange.operations.set_funding_rate("BTCUSDT", "0.0003")
    floor.linear(floor.bob, "SELL", "2", "20000")
    floor.linear(floor.ann, "BUY", "2", "20000")
    return floor


def test_the_next_funding_is_strictly_ahead():
    assert next_funding_ms(OPEN_MS) == MIDNIGHT_MS
    assert next_funding_ms(MIDNIGHT_MS) == MIDNIGHT_MS + FUNDING_INTERVAL_MS
    assert next_funding_ms(MIDNIGHT_MS - 1) == MIDNIGHT_MS


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (0, 10_000),  # the interest of 0.01 %
        (60_000, 10_000),  # the damper hides a premium up to 0.06 %
        (100_000, 50_000),
        (-100_000, -50_000),
        (9_000_000, 2_000_000),  # the cap
    ],
)
def test_the_rate(premium, rate):
    assert funding_rate_e8(premium, 2_000_000) == rate


def test_the_long_pays_the_short(floor):
    floor.heard.forget()
    floor.exchange.advance(MIDNIGHT_MS - 1)
    assert floor.wallet(floor.ann) == 100_000 * COIN
    floor.exchange.advance(MIDNIGHT_MS)
    # 2 x 20,000 x 0.0003
    assert floor.wallet(floor.ann) == 99_988 * COIN
    assert floor.wallet(floor.bob) == 100_012 * COIN
    event = floor.heard.of(floor.ann, BalanceEvent)[-1]
    assert (event.reason, event.assets[0].change, event.positions) == ("FUNDING_FEE", -12 * COIN, [])
    row = floor.exchange.linear_views.income(floor.ann, kind="FUNDING_FEE")[0]
    assert (row.amount, row.symbol, row.time_ms) == (-12 * COIN, "BTCUSDT", MIDNIGHT_MS)
    mark = floor.exchange.linear["BTCUSDT"].mark
    assert mark.history[-1] == (MIDNIGHT_MS, 30_000, 200_000)
    assert mark.next_funding_ms == MIDNIGHT_MS + FUNDING_INTERVAL_MS


def test_a_long_jump_pays_each_funding_on_its_way(floor):
    floor.exchange.advance(MIDNIGHT_MS + 3 * FUNDING_INTERVAL_MS)
    assert floor.wallet(floor.ann) == 99_952 * COIN
    assert [row.time_ms for row in floor.exchange.linear_views.income(floor.ann, kind="FUNDING_FEE")] == [
        MIDNIGHT_MS + number * FUNDING_INTERVAL_MS for number in range(4)
    ]


def test_an_isolated_position_pays_from_its_own_margin():
    floor = Floor(fees=False)
    floor.mark("20000")
    floor.exchange.operations.set_funding_rate("BTCUSDT", "-0.0003")
    floor.exchange.linear_settings.set_margin_type(floor.bob, "BTCUSDT", "ISOLATED")
    floor.linear(floor.bob, "SELL", "2", "20000")
    floor.linear(floor.ann, "BUY", "2", "20000")
    floor.exchange.advance(MIDNIGHT_MS)
    assert floor.position(floor.bob).isolated_wallet == 1988 * COIN
    assert floor.wallet(floor.ann) == 100_012 * COIN
    event = floor.heard.of(floor.bob, BalanceEvent)[-1]
    assert [state.isolated_wallet for state in event.positions] == [1988 * COIN]


def test_the_mark_is_the_median_of_three():
    mark = MarkState(next_funding_ms=MIDNIGHT_MS)
    seen = {"index_ticks": 200_000, "bid_ticks": 200_490, "ask_ticks": 200_510, "now_ms": MIDNIGHT_MS}
    mark.sample(last_ticks=203_000, **seen)
    assert (mark.index_ticks, mark.mark_ticks) == (200_000, 200_500)  # index + basis lies between index and last
    mark.sample(last_ticks=190_000, **seen)
    assert mark.mark_ticks == 200_000
    assert mark.rate_e8 == 245_000 - 50_000  # the bid lies 0.245 % above the index


def test_the_index_follows_the_spot_book():
    floor = Floor()
    floor.spot(floor.ann, "BUY", "1", "19990")
    floor.spot(floor.bob, "SELL", "1", "20010")
    floor.wait(1000)
    mark = floor.exchange.linear["BTCUSDT"].mark
    assert mark.index_ticks == 200_000
    assert floor.heard.marks > 0


def test_time_does_not_go_back(floor):
    now_ms = floor.exchange.now_ms
    floor.exchange.advance(now_ms - 1)
    assert floor.exchange.now_ms == now_ms


def test_a_flow_sees_every_time_that_matters():
    floor = Floor()
    seen = []

    class Flow:
        def advance(self, now_ms):
            seen.append(now_ms)

    floor.exchange.spot["BTCUSDT"].flow = Flow()
    floor.wait(2500)
    assert [time_ms - OPEN_MS for time_ms in seen] == [1000, 2000, 2500]
