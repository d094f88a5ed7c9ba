"""What all fronts of the venue share: the exchange, its clock, limits, faults, the gatekeeper, and what it hears of accounts."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.events import Liquidation, OrderEvent, UserEvent
from b25.venue.wire import market_rows
from b25.venue.wire.clock import VenueClock
from b25.venue.wire.faults import Fault, Faults
from b25.venue.wire.gatekeeper import Gatekeeper
from b25.venue.wire.limits import Limits
from b25.venue.wire.past import Past

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.exchange import Exchange
    from b25.venue.exchange.listing import Listing, PublicTrade
    from b25.venue.wire.listen_keys import ListenKeys
    from b25.venue.wire.statistics import Statistics

SURPRISES_KEPT = 100


class Core:
    """One venue behind its fronts. It listens to the exchange as a sink: first fills give order counts back.

    Parameters
    ----------
    exchange : Exchange
        Symbols, accounts, orders.
    clock : VenueClock
        Time.
    limits : Limits
        Weights and order counts.
    faults : Faults
        What is switched on.

    Attributes
    ----------
    statistics : callable
        Candles and tickers of a listing; the hub's.
    listen_keys : ListenKeys
        The hub's.
    surprises : deque of str
        Faults of our own code that a client was spared; a test wants it empty.
    """

    statistics: "Callable[[Listing], Statistics]"
    listen_keys: "ListenKeys"

    def __init__(self, exchange: "Exchange", clock: VenueClock, limits: Limits, faults: Faults) -> None:
        self.exchange = exchange
        self.clock = clock
        self.limits = limits
        self.faults = faults
        self.past = Past()
        self.gatekeeper = Gatekeeper(exchange.keys, clock.server_ms)
        self.surprises: deque[str] = deque(maxlen=SURPRISES_KEPT)
        self.on_advance: list[Callable[[int], None]] = []
        self._now_ms = -1
        self._aged: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        exchange.sinks.append(self)
        faults.listeners.append(self._heed)

    def advance(self) -> int:
        """Bring exchange, faults and streams up to the clock; gives the venue's time."""
        now_ms = self.clock.now_ms()
        if now_ms > self._now_ms:
            self._now_ms = now_ms
            self.faults.advance(now_ms)
            self.exchange.advance(now_ms)
            for follow in self.on_advance:
                follow(now_ms)
        return now_ms

    # -- what the exchange tells ------------------------------------------------------------------

    def on_user(self, account: "Account", event: UserEvent) -> None:
        """Give order counts back at first fills, and keep the past."""
        if self.past.enabled:
            self.past.on_user(account, event)
        if isinstance(event, OrderEvent) and event.fill is not None and event.fill.qty_lots == event.order.filled_lots:
            maker = event.fill.maker
            self.limits.first_fill(event.order.listing.market, str(account.account_id), maker=maker, now_ms=event.time_ms)

    def on_trades(self, listing: "Listing", trades: "Sequence[PublicTrade]") -> None:
        """Nothing: the hub counts trades."""

    def on_book(self, listing: "Listing") -> None:
        """Nothing."""

    def on_status(self, listing: "Listing") -> None:
        """Nothing: exchangeInfo is rendered when asked for."""

    def on_mark(self, listing: "Listing") -> None:
        """Nothing."""

    def on_liquidation(self, liquidation: Liquidation) -> None:
        """Nothing."""

    # -- faults of what is told -------------------------------------------------------------------

    def snapshot(self, listing: "Listing", limit: int) -> dict[str, Any]:
        """The book for a request; an older one while `snapshot_age_ms` is on."""
        fault = self.faults.draw("snapshot_age_ms", listing.name) if self.faults.is_on("snapshot_age_ms") else None
        if fault is None:
            self._aged.clear()
            return market_rows.depth(listing, limit)
        key = (listing.market, listing.name)
        taken = self._aged.get(key)
        if taken is None or self._now_ms - taken[0] >= fault.values["ms"]:
            now = market_rows.depth(listing, limit)
            self._aged[key] = (self._now_ms, now)
            return taken[1] if taken else now
        return taken[1]

    def disturbed_symbols(self, market: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Symbols of exchangeInfo, with what the contract faults make of them."""
        for row in rows:
            fault = self.faults.draw("unknown_enum", row["symbol"])
            if fault is not None:
                row[fault.values["field"]] = fault.values["value"]
        hostile = self.faults.draw("hostile_symbol", market)
        if hostile is not None and rows:
            rows.append({**rows[0], "symbol": hostile.values["name"], "baseAsset": hostile.values["name"]})
        return rows

    def _heed(self, fault: Fault) -> None:
        """Faults that are a state of the core rather than an event of a request."""
        over = fault.left == 0
        if fault.knob == "clock_offset_ms":
            self.clock.offset_ms = 0 if over else int(fault.values["ms"])
        elif fault.knob == "read_lag_ms" and fault.values["mode"] == "stale":
            self.past.enabled = True
