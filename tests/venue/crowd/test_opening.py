"""A venue that opens with crowds: every symbol trades, perpetuals follow their spot, and the same seed gives the same day."""

from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import default_listings

START_MS = 1_735_689_600_000


def opened(seed=25, every_ms=1_000, seconds=20):
    exchange = Exchange(default_listings(["BTCUSDT", "XRPUSDT", "ETHBTC"], ["BTCUSDT", "XRPUSDT"]), now_ms=START_MS)
    open_crowds(exchange, seed=seed)
    for at in range(START_MS, START_MS + seconds * 1_000 + 1, every_ms):
        exchange.advance(at)
    return exchange


def test_every_symbol_trades_and_its_mark_follows():
    exchange = opened()
    for listing in exchange.listings:
        assert listing.trades, listing.name
        assert 0 < listing.best_bid_ticks < listing.best_ask_ticks
    spot, linear = exchange.spot["BTCUSDT"], exchange.linear["BTCUSDT"]
    assert abs(linear.mid_ticks * linear.tick / (spot.mid_ticks * spot.tick) - 1) < 0.01
    assert abs(linear.mark.mark_ticks / linear.mid_ticks - 1) < 0.01


def test_a_crowd_stands_still_while_its_symbol_does_not_trade():
    exchange = opened(seconds=5)
    listing = exchange.spot["BTCUSDT"]
    exchange.operations.set_status("spot", "BTCUSDT", "HALT")
    last, now_ms = listing.trades[-1], exchange.now_ms
    exchange.advance(now_ms + 60_000)
    assert listing.trades[-1] == last
    exchange.operations.set_status("spot", "BTCUSDT", "TRADING")
    exchange.advance(now_ms + 70_000)
    assert listing.trades[-1].time_ms > now_ms + 60_000


def test_the_same_seed_is_the_same_day_however_often_time_is_told():
    one, other = opened(), opened(every_ms=250)
    assert [listing.book.hash for listing in one.listings] == [listing.book.hash for listing in other.listings]
    assert [list(listing.trades)[-3:] for listing in one.listings] != [list(x.trades)[-3:] for x in opened(seed=1).listings]
