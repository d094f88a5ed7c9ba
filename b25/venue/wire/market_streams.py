"""Market data of all listings: what is told at once, and what is told at a cadence."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from b25.venue.wire import render_streams as render
from b25.venue.wire.audiences import Audience, Audiences
from b25.venue.wire.candles import DAY_MS, HOUR_MS, Candle, Candles, following_ms, opening_ms
from b25.venue.wire.channels import ALL, Channel, Kind, Market
from b25.venue.wire.depth_windows import DepthWindows
from b25.venue.wire.render_streams import Payload
from b25.venue.wire.statistics import AggTrade, Statistics

if TYPE_CHECKING:
    from b25.venue.exchange.events import Liquidation
    from b25.venue.exchange.listing import Listing, PublicTrade

Publish = Callable[[Iterable[Audience], "Payload | list[Payload]", "Listing | None"], None]
Key = tuple[Market, str]
# Closed candles told after a leap of the clock.
CAUGHT_UP = 100


class ListingStreams:
    """One listing with all that is computed from it."""

    def __init__(self, listing: "Listing", now_ms: int) -> None:
        self.listing = listing
        self.market: Market = "spot" if listing.market == "spot" else "linear"
        self.statistics = Statistics(listing, now_ms)
        self.depth = DepthWindows(listing)
        self.touch = (0, 0, 0, 0)


class MarketStreams:
    """Turns what the exchange tells, and the time that passes, into payloads.

    Parameters
    ----------
    audiences : Audiences
        Who listens.
    publish : callable
        Takes audiences, a payload, and the listing that it tells of.
    """

    def __init__(self, audiences: Audiences, publish: Publish) -> None:
        self.audiences = audiences
        self.publish = publish
        self.listings: dict[Key, ListingStreams] = {}

    def knows(self, channel: Channel) -> bool:
        """Whether there is anything to tell on a stream."""
        return channel.symbol == ALL or (channel.market, channel.symbol) in self.listings

    def add(self, listing: "Listing", now_ms: int) -> ListingStreams:
        """Begin with a listing; one that is known already stays as it is."""
        market: Market = "spot" if listing.market == "spot" else "linear"
        found = self.listings.get((market, listing.name))
        if found is None or found.listing is not listing:
            found = self.listings[market, listing.name] = ListingStreams(listing, now_ms)
        return found

    # -- at once ----------------------------------------------------------------------------------

    def on_trades(self, listing: "Listing", trades: Sequence["PublicTrade"], now_ms: int) -> None:
        """Trades of one command."""
        streams = self.add(listing, now_ms)
        told = streams.statistics.take(trades)
        if audiences := self.audiences.of(streams.market, Kind.TRADE, listing.name):
            for one in trades:
                self.publish(audiences, render.trade(listing, one, now_ms), listing)
        self._aggregates(streams, told, now_ms)

    def _aggregates(self, streams: ListingStreams, told: Sequence[AggTrade], now_ms: int) -> None:
        if not told:
            return
        if audiences := self.audiences.of(streams.market, Kind.AGG_TRADE, streams.listing.name):
            for one in told:
                self.publish(audiences, render.agg_trade(streams.listing, one, now_ms), streams.listing)

    def on_book(self, listing: "Listing", now_ms: int) -> None:
        """The levels changed: whoever follows the touch hears of it when the touch did."""
        market: Market = "spot" if listing.market == "spot" else "linear"
        audiences = self.audiences.both(market, Kind.BOOK_TICKER, listing.name)
        if not audiences:
            return
        streams, touch = self.add(listing, now_ms), render.touch(listing)
        if touch != streams.touch:
            streams.touch = touch
            self.publish(audiences, render.book_ticker(listing, touch, now_ms), listing)

    def on_liquidation(self, liquidation: "Liquidation", now_ms: int) -> None:
        """A position was closed by the venue."""
        listing = liquidation.listing
        if audiences := self.audiences.both("linear", Kind.FORCE_ORDER, listing.name):
            self.publish(audiences, render.force_order(liquidation, now_ms), listing)

    def on_first(self, audience: Audience, now_ms: int) -> None:
        """Somebody listens to a stream that nobody listened to."""
        channel = audience.channel
        streams = self.listings.get((channel.market, channel.symbol))
        if channel.kind is Kind.DEPTH and streams is not None:
            streams.depth.open(channel.every_ms, now_ms)

    # -- at a cadence -----------------------------------------------------------------------------

    def advance(self, now_ms: int) -> None:
        """Tell what is due."""
        for streams in self.listings.values():
            self._aggregates(streams, streams.statistics.roll(now_ms), now_ms)
            for every_ms, payload in streams.depth.advance(now_ms):
                audiences = self.audiences.of(streams.market, Kind.DEPTH, streams.listing.name)
                self.publish([one for one in audiences if one.channel.every_ms == every_ms], payload, streams.listing)
        for audience in self.audiences.timed():
            slot = now_ms // audience.channel.every_ms
            if slot != audience.last_slot and audience.channel.kind is not Kind.DEPTH:
                audience.last_slot = slot
                self._due(audience, now_ms)

    def forget_silent(self) -> None:
        """Let go of the depth windows that nobody listens to any more."""
        for streams in self.listings.values():
            audiences = self.audiences.of(streams.market, Kind.DEPTH, streams.listing.name)
            streams.depth.close_others({audience.channel.every_ms for audience in audiences})

    def _due(self, audience: Audience, now_ms: int) -> None:
        channel = audience.channel
        if channel.symbol == ALL:
            self._all_symbols(audience, now_ms)
            return
        streams = self.listings.get((channel.market, channel.symbol))
        if streams is None:
            return
        listing, statistics = streams.listing, streams.statistics
        if channel.kind is Kind.KLINE:
            self._kline(audience, streams, now_ms)
        elif channel.kind is Kind.PARTIAL:
            self._partial(audience, listing, now_ms)
        elif channel.kind in (Kind.MINI_TICKER, Kind.TICKER, Kind.WINDOW_TICKER):
            self.publish([audience], self._ticker(channel, statistics, now_ms), listing)
        elif channel.kind is Kind.AVERAGE_PRICE:
            self.publish([audience], render.average_price(statistics, now_ms), listing)
        elif channel.kind is Kind.MARK_PRICE and _has_mark(listing):
            self.publish([audience], render.mark_price(listing, now_ms), listing)

    @staticmethod
    def _ticker(channel: Channel, statistics: Statistics, now_ms: int) -> Payload:
        if channel.kind is Kind.MINI_TICKER:
            return render.mini_ticker(statistics, now_ms)
        if channel.kind is Kind.TICKER:
            return render.ticker(statistics, now_ms)
        return render.window_ticker(statistics, channel.interval, channel.span_ms, now_ms)

    def _all_symbols(self, audience: Audience, now_ms: int) -> None:
        """Tickers that changed since they were told last, and every mark price."""
        kind, market = audience.channel.kind, audience.channel.market
        mine = [streams for streams in self.listings.values() if streams.market == market]
        if kind is Kind.MARK_PRICE:
            rows = [render.mark_price(one.listing, now_ms) for one in mine if _has_mark(one.listing)]
        else:
            last = audience.last if isinstance(audience.last, dict) else {}
            states = {one.listing.name: _state(one.statistics, audience.channel) for one in mine}
            changed = [one for one in mine if last.get(one.listing.name) != states[one.listing.name]]
            audience.last = states
            rows = [self._ticker(audience.channel, one.statistics, now_ms) for one in changed]
        if rows:
            self.publish([audience], rows, None)

    def _partial(self, audience: Audience, listing: "Listing", now_ms: int) -> None:
        last = audience.last if isinstance(audience.last, int) else 0
        if last == listing.update_id:
            return
        audience.last = listing.update_id
        if listing.market == "spot":
            payload = render.partial_book(listing, audience.channel.levels)
        else:
            previous = last or listing.update_id - 1
            ids = previous, listing.update_id, previous
            bids, asks = (listing.book.levels(side, audience.channel.levels) for side in (1, -1))
            payload = render.depth_update(listing, ids, bids, asks, now_ms, now_ms)
        self.publish([audience], payload, listing)

    def _kline(self, audience: Audience, streams: ListingStreams, now_ms: int) -> None:
        """The candles that closed since it was told last, then the open one if it changed."""
        channel, candles = audience.channel, streams.statistics.candles
        current = candle_of(candles, channel.interval, channel.shift_ms, now_ms)
        if current is None:
            return
        told = audience.last if isinstance(audience.last, Candle) else None
        if told is not None and told.open_ms != current.open_ms:
            for candle in closed_since(candles, channel.interval, channel.shift_ms, told.open_ms, current.open_ms):
                payload = render.kline(streams.listing, streams.statistics, channel.interval, candle, True, now_ms)
                self.publish([audience], payload, streams.listing)
        if told != current:
            audience.last = current
            payload = render.kline(streams.listing, streams.statistics, channel.interval, current, False, now_ms)
            self.publish([audience], payload, streams.listing)


def _has_mark(listing: "Listing") -> bool:
    """Whether there is a mark price: not before the market has shown a price at all."""
    return listing.mark is not None and listing.mark.mark_ticks > 0


def _state(statistics: Statistics, channel: Channel) -> tuple[int, int]:
    window = statistics.ticker(channel.span_ms or DAY_MS)
    return window.count, window.last_id


def candle_of(candles: Candles, interval: str, shift_ms: int, time_ms: int) -> Candle | None:
    """The candle that holds a time; with a shift it is put together from hours."""
    if not shift_ms:
        return candles.current(interval)
    hours = candles.current("1h")
    if hours is None or interval not in ("6h", "12h", "1d", "3d", "1w", "1M"):
        return candles.current(interval)
    open_ms = opening_ms(interval, time_ms + shift_ms) - shift_ms
    close_ms = following_ms(interval, open_ms + shift_ms) - shift_ms - 1
    rows = candles.between("1h", open_ms, close_ms, limit=31 * 24)
    if not rows:
        return None
    candle = Candle(open_ms, close_ms, rows[0].open_ticks, rows[0].open_ticks, rows[0].open_ticks, rows[0].open_ticks)
    for hour in rows:
        candle.fold(hour)
    candle.close_ticks = rows[-1].close_ticks if rows[-1].open_ms + HOUR_MS > time_ms else candle.close_ticks
    return candle


def closed_since(candles: Candles, interval: str, shift_ms: int, told_ms: int, current_ms: int) -> list[Candle]:
    """Candles that were open when told last and are closed now, the oldest first."""
    if not shift_ms:
        return candles.between(interval, told_ms, current_ms - 1, CAUGHT_UP)
    one = candle_of(candles, interval, shift_ms, told_ms)
    return [] if one is None else [one]
