"""Quote around a reservation price: Avellaneda and Stoikov's market maker, with a horizon that never ends."""

import math

import b25


class AvellanedaStoikov(b25.Strategy):
    """Quote at the distance that pays best, around the price at which one more unit would be neither wanted nor shunned.

    With the mid s, the inventory q, the risk aversion γ, the volatility σ and the horizon T - t::

        r = s - q · γ · σ² · (T - t)                            reservation price
        δ = γ · σ² · (T - t) / 2 + ln(1 + γ / κ) / γ            half-spread
        bid = r - δ, ask = r + δ

    where orders at a distance x from the mid are filled at the rate A · exp(-κ · x): M. Avellaneda and S. Stoikov,
    "High-frequency trading in a limit order book", Quantitative Finance 8 (2008), 217-224. Three changes: a market that never
    closes has no T, so T - t stays at `horizon_s`; distances are basis points of the mid and q counts orders, so that one
    set of parameters serves instruments of any price; and a quote that would cross the market stops one tick short of it.
    σ is the standard deviation of the mid's moves over the last 300 steps; nothing is quoted before there are so many.

    It assumes a mid without drift, a volatility like that of the last half minute, and fills that come by chance. It loses
    to whoever knows the next move, for then they do not; and it widens half a minute late when volatility jumps.

    Parameters
    ----------
    step_ns : int
        Nanoseconds of event time between two decisions, and between two measurements of the mid.
    quantity, max_position : float
        Base units: of one order, whole lots; and of the position, long or short.
    risk_aversion : float
        γ, per basis point and order held. Twice as much: twice the shift for an inventory.
    decay_per_bps : float
        κ: a quote one basis point further out is filled exp(κ) times less often. About 3 on the sample market, nearer 1
        on ETH; measure it on yours.
    horizon_s : float
        T - t, seconds over which an inventory is expected to be held.
    requote_bps : float
        Basis points of the mid by which a working order may differ from the price wanted now.
    """

    step_ns: int = b25.param(100_000_000, ge=1_000_000, unit="ns")
    quantity: float = b25.param(0.01, gt=0, unit="base")
    max_position: float = b25.param(0.05, gt=0, unit="base")
    risk_aversion: float = b25.param(0.1, gt=0, le=100, unit="1/bps")
    decay_per_bps: float = b25.param(3.0, gt=0, le=10_000, unit="1/bps")
    horizon_s: float = b25.param(10.0, gt=0, le=86_400, unit="s")
    requote_bps: float = b25.param(0.2, ge=0, le=1_000, unit="bps")
    moves: b25.RollingStd = b25.rolling_std(300)  # of the mid from step to step, bps
    last_mid: float = 0.0
    bid: float = 0.0  # where the quotes stand
    ask: float = 0.0

    def on_start(self, ctx):
        ctx.every(self.step_ns)

    def prices(self, mid, inventory, variance):
        """Bid and ask for an inventory in orders and the variance per second in bps²."""
        risk = self.risk_aversion * variance * self.horizon_s
        half = risk / 2.0 + math.log(1.0 + self.risk_aversion / self.decay_per_bps) / self.risk_aversion
        return mid * (1.0 - (inventory * risk + half) / 1e4), mid * (1.0 - (inventory * risk - half) / 1e4)

    def on_timer(self, ctx):
        if not (ctx.ready() and ctx.healthy()):
            self.last_mid = 0.0
            ctx.cancel_all()
            return
        mid = ctx.mid()
        if self.last_mid > 0.0:
            self.moves.update((mid / self.last_mid - 1.0) * 1e4)
        self.last_mid = mid
        if math.isnan(self.moves.value):
            return
        position = ctx.position()
        variance = self.moves.value * self.moves.value * 1e9 / self.step_ns
        bid, ask = self.prices(mid, position / self.quantity, variance)
        slack = mid * self.requote_bps / 1e4
        if ctx.working(b25.BUY) == 0 or abs(bid - self.bid) > slack:
            self.bid = bid
        if ctx.working(b25.SELL) == 0 or abs(ask - self.ask) > slack:
            self.ask = ask
        room = self.max_position - self.quantity + ctx.lot() / 2.0
        ctx.quote(b25.BUY, min(self.bid, ctx.ask() - ctx.tick()), self.quantity if position <= room else 0.0)
        ctx.quote(b25.SELL, max(self.ask, ctx.bid() + ctx.tick()), self.quantity if position >= -room else 0.0)
