"""What taking liquidity would cost, before it is taken: the most that a market order may have to pay."""

from b25.model.event import BUY
from b25.venue.exchange.listing import Listing


def levels_for(listing: Listing, side: int, *, lots: int = 0, ticklots: int = 0) -> list[tuple[int, int]]:
    """Levels that a taker of this side meets, enough of them for so many lots, or for so much value."""
    depth = 16
    while True:
        levels = listing.book.levels(-side, depth)
        enough = sum(here for _, here in levels) >= lots and sum(price * here for price, here in levels) >= ticklots
        if len(levels) < depth or enough:
            return levels
        depth *= 4


def taking_cost(listing: Listing, side: int, qty_lots: int, own_lots: int = 0) -> tuple[int, int]:
    """(ticklots, worst price) of taking so many lots.

    ``own_lots`` is what the account itself has resting there: self-trade prevention may take it out of the way, so for a
    buyer the dearest lots within reach are counted, not the cheapest.
    """
    reach = qty_lots + own_lots
    levels = levels_for(listing, side, lots=reach)
    taken: list[tuple[int, int]] = []
    for price_ticks, lots in levels:
        here = min(lots, reach)
        taken.append((price_ticks, here))
        reach -= here
        if reach == 0:
            break
    cost, left = 0, qty_lots
    for price_ticks, lots in reversed(taken) if side == BUY else taken:
        here = min(lots, left)
        cost += price_ticks * here
        left -= here
    return cost, taken[-1][0] if taken else 0


def lots_for_value(listing: Listing, side: int, ticklots: int, own_lots: int = 0) -> int:
    """The most lots that a market order of so much value may trade."""
    lots = own_lots
    for price_ticks, here in levels_for(listing, side, ticklots=ticklots, lots=own_lots):
        part = min(here, ticklots // price_ticks)
        lots += part
        ticklots -= part * price_ticks
        if part < here:
            break
    return lots
