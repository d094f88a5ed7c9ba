"""Who trades where when a venue opens: a crowd for each symbol, or a recording for the symbols that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import numpy as np

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.matching import MatchEvent
from b25.venue.crowd.crowd_flow import CrowdFlow
from b25.venue.crowd.replay_flow import ReplayFlow
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.matching_book import MatchingBook

# Where prices begin, in quote units, and what the quote is worth in dollars. The market is simulated: any price would do.
PRICES: Final[dict[str, str]] = {
    "BTCUSDT": "60000",
    "ETHUSDT": "2600",
    "BNBUSDT": "560",
    "SOLUSDT": "145",
    "XRPUSDT": "0.58",
    "ADAUSDT": "0.36",
    "DOGEUSDT": "0.105",
    "ETHBTC": "0.04333",
}
QUOTE_VALUES: Final[dict[str, str]] = {"BTC": "60000", "ETH": "2600", "BNB": "560"}
OTHER_PRICE: Final = "100"


def open_crowds(exchange: Exchange, *, seed: int, prices: Mapping[str, str | Decimal] | None = None) -> None:
    """Give every listing without a flow its crowd; a perpetual follows the spot market of its name.

    Parameters
    ----------
    exchange : Exchange
    seed : int
        Equal seeds, listings and orders of accounts give equal markets.
    prices : mapping of str to str, optional
        First price by symbol, beside or instead of `PRICES`.
    """
    first = {**PRICES, **(prices or {})}
    for listing in exchange.listings:
        if listing.flow is not None:
            continue
        price = Decimal(first.get(listing.name, OTHER_PRICE))
        anchor = exchange.spot[listing.name] if listing.market == "linear" and listing.name in exchange.spot else None
        anchor_flow = anchor.flow if anchor is not None else None
        followed = anchor_flow if isinstance(anchor_flow, CrowdFlow) else None
        listing.flow = CrowdFlow(
            matching_book_of(listing),
            teller(exchange, listing),
            seed=_seed_of(seed, listing),
            start_ms=exchange.now_ms,
            price_ticks=max(1, round(price / listing.tick)),
            lot_value=float(price * listing.lot * Decimal(QUOTE_VALUES.get(listing.quote, "1"))),
            anchor=followed,
            may_trade=trading_of(listing),
            anchor_ratio=float(anchor.tick / listing.tick) if anchor is not None else 1.0,
        )


def open_replay(
    exchange: Exchange, listing: Listing, rows: np.ndarray[Any, Any], instrument: Instrument, *, queue: str = "risk_adverse"
) -> ReplayFlow:
    """Let a recording be the market of a listing, from now on.

    Raises
    ------
    Misuse
        When the recording's grid is not the listing's.
    """
    if (instrument.tick, instrument.lot) != (listing.tick, listing.lot):
        raise Misuse(
            f"{listing.name}: the recording's tick {instrument.tick} and lot {instrument.lot} are not the listing's "
            f"{listing.tick} and {listing.lot}",
            remedy="list the symbol with the recording's tick and lot",
        )
    flow = ReplayFlow(
        matching_book_of(listing),
        teller(exchange, listing),
        rows=rows,
        instrument=instrument,
        start_ms=exchange.now_ms,
        queue=queue,
    )
    listing.flow = flow
    return flow


def teller(exchange: Exchange, listing: Listing) -> Callable[[Sequence[MatchEvent]], None]:
    """Hand a flow's events to the exchange."""

    def tell(events: Sequence[MatchEvent]) -> None:
        exchange.apply_external(listing, events)

    return tell


def trading_of(listing: Listing) -> Callable[[], bool]:
    """Say at any time whether a listing trades."""
    return lambda: listing.trading


def matching_book_of(listing: Listing) -> MatchingBook:
    """The listing's book, which must be the real one: flows work on its arrays."""
    if not isinstance(listing.book, MatchingBook):
        raise Misuse(f"{listing.name} has no matching book of b25's own", remedy="leave out the listing's `book`")
    return listing.book


def _seed_of(seed: int, listing: Listing) -> int:
    """A symbol's own seed, the same whatever else is listed."""
    return int.from_bytes(sha256(f"{seed} {listing.market} {listing.name}".encode()).digest()[:8], "big")
