"""Everything that happens because time passes, in order of time."""

from typing import TYPE_CHECKING, Final

from b25.venue.exchange.listing import Listing
from b25.venue.exchange.mark import next_funding_ms
from b25.venue.exchange.orders import AlgoOrder

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange

# A jump of the clock is gone through in at most so many looks at the mark.
LOOKS_MAX: Final = 600


class Clockwork:
    """Marks, funding, and the exchange's timers."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self._target_ms = exchange.now_ms

    def begin(self) -> None:
        """Take the first look at the marks, and go on from there."""
        self.look()
        self._next_look()

    def begin_funding(self, listing: Listing) -> None:
        """Pay funding of a symbol whenever it is due."""
        assert listing.mark is not None
        listing.mark.next_funding_ms = next_funding_ms(self.exchange.now_ms)
        self.exchange.timers.at(listing.mark.next_funding_ms, lambda: self._funding(listing))

    def advance(self, now_ms: int) -> None:
        """Go through all that is due up to now; flows see each of these times first. Time never goes back."""
        exchange = self.exchange
        if now_ms < exchange.now_ms:
            return
        self._target_ms = now_ms
        while True:
            due_ms = exchange.timers.next_ms
            step_ms = now_ms if due_ms is None else min(now_ms, max(due_ms, exchange.now_ms))
            exchange.now_ms = step_ms
            for listing in exchange.listings:
                if listing.flow is not None:
                    listing.flow.advance(step_ms)
            exchange.timers.run(step_ms)
            if step_ms == now_ms:
                return

    def look(self) -> None:
        """Compute marks, fire what hangs on them, check margins."""
        exchange = self.exchange
        for listing in exchange.linear.values():
            mark = listing.mark
            if mark is None:
                continue
            mark.sample(
                index_ticks=self._index(listing),
                bid_ticks=listing.best_bid_ticks,
                ask_ticks=listing.best_ask_ticks,
                last_ticks=listing.last_ticks,
                now_ms=exchange.now_ms,
            )
            self.publish_mark(listing)
            if listing.good_till:
                self._expire(listing)
        exchange.liquidator.check_all()
        exchange.liquidator.work_off()

    def _expire(self, listing: Listing) -> None:
        """End what is good till a time that has come: to the second, as on the live venue."""
        due = [one for one in listing.good_till.values() if one.good_till_ms <= self.exchange.now_ms]
        for one in due:
            if isinstance(one, AlgoOrder):
                self.exchange.linear_algos.expire(one)
            else:
                self.exchange.linear_orders.expire(one)

    def publish_mark(self, listing: Listing) -> None:
        """Tell a mark price to the book's triggers, the trailing stops and the sinks."""
        assert listing.mark is not None
        ticks = listing.mark.mark_ticks
        if not ticks:
            return
        self.exchange.apply(listing, listing.book.set_mark(ticks))
        if listing.trailing:
            self.exchange.observe_trailing(listing, ticks, by_mark=True)
            self.exchange.drain()
        self.exchange.tell_mark(listing)

    def _index(self, listing: Listing) -> int:
        """Index price: the spot book of the same pair, else the contract's own middle."""
        spot = self.exchange.spot.get(listing.name)
        if spot is not None and spot.mid_ticks:
            return max(1, int(spot.mid_ticks * spot.tick / listing.tick))
        return listing.mid_ticks

    def _next_look(self) -> None:
        exchange = self.exchange
        interval_ms = exchange.settings.mark_interval_ms
        ahead_ms = max(0, self._target_ms - exchange.now_ms)
        step_ms = max(interval_ms, ahead_ms // LOOKS_MAX // interval_ms * interval_ms)

        def look() -> None:
            self.look()
            self._next_look()

        exchange.timers.at(exchange.now_ms + step_ms, look)

    def _funding(self, listing: Listing) -> None:
        mark = listing.mark
        assert mark is not None
        rate_e8 = mark.settle_funding(self.exchange.now_ms)
        if mark.mark_ticks:
            for account in self.exchange.accounts.values():
                for position in account.linear.open_positions(listing.name):
                    self.exchange.linear_ledger.pay_funding(account, position, rate_e8)
            self.exchange.liquidator.check_all()
        self.exchange.timers.at(mark.next_funding_ms, lambda: self._funding(listing))
        self.exchange.tell_mark(listing)
