"""Quote both sides of the market, and lean the quotes against what is held."""

import b25


class MarketMaker(b25.Strategy):
    """Earn the spread on both sides, and lean both quotes so that inventory goes away again.

    With the mid m, the half-spread h and the lean = skew · position / max_position::

        bid = m · (1 - h · (1 + lean))      rounded down to the tick
        ask = m · (1 + h · (1 - lean))      rounded up

    Long, both quotes move down: the ask is nearer to a buyer, the bid further from a seller. There is one post-only order
    a side. It stays where it is, with its place in the queue, while the price wanted now is within `requote_bps` of it. The
    side that would carry the position beyond `max_position` is not quoted; neither side is while the book is not whole.

    It assumes that buyers and sellers come in turn. It loses when they do not: in a trend it is filled on the wrong side
    again and again, and holds the most when the price has gone the furthest against it. On a perpetual whose spread is one
    tick (0.02 bps on BTC, 0.04 bps on ETH), what it earns on a round trip is the maker's rebate, or nothing.

    Parameters
    ----------
    quantity : float
        Base units of one order, whole lots.
    max_position : float
        Base units, long or short; at least `quantity`, or nothing is quoted.
    half_spread_bps : float
        Basis points of the mid on each side, so the quoted width is twice that.
    skew : float
        Share of the half-spread by which a full inventory moves both quotes; up to 1, where one of them is at the mid.
    requote_bps : float
        Basis points of the mid by which a working order may differ from the price wanted now.
    market_spread_bps_min : float
        No quotes while the market's own spread is tighter. The default lets one tick of BTC or ETH pass; raise it on an
        instrument whose spread varies.
    """

    quantity: float = b25.param(0.01, gt=0, unit="base")
    max_position: float = b25.param(0.05, gt=0, unit="base")
    half_spread_bps: float = b25.param(0.3, gt=0, le=1_000, unit="bps")
    skew: float = b25.param(0.5, ge=0, le=1)
    requote_bps: float = b25.param(0.2, ge=0, le=1_000, unit="bps")
    market_spread_bps_min: float = b25.param(0.01, ge=0, le=1_000, unit="bps")
    bid: float = 0.0  # where the quotes stand
    ask: float = 0.0

    def prices(self, mid, position):
        """Bid and ask wanted for a mid and a position, before rounding."""
        half = self.half_spread_bps / 1e4
        lean = self.skew * min(1.0, max(-1.0, position / self.max_position))
        return mid * (1.0 - half * (1.0 + lean)), mid * (1.0 + half * (1.0 - lean))

    def on_book(self, ctx):
        mid = ctx.mid()
        if not (ctx.ready() and ctx.healthy()) or ctx.spread() < mid * self.market_spread_bps_min / 1e4:
            ctx.cancel_all()
            return
        position = ctx.position()
        bid, ask = self.prices(mid, position)
        slack = mid * self.requote_bps / 1e4
        if ctx.working(b25.BUY) == 0 or abs(bid - self.bid) > slack:
            self.bid = bid
        if ctx.working(b25.SELL) == 0 or abs(ask - self.ask) > slack:
            self.ask = ask
        room = self.max_position - self.quantity + ctx.lot() / 2.0
        ctx.quote(b25.BUY, self.bid, self.quantity if position <= room else 0.0)
        ctx.quote(b25.SELL, self.ask, self.quantity if position >= -room else 0.0)
