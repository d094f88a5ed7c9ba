"""One of each thing that a cell shows, made once for all tests; names are as hostile as they may be."""

from functools import cache

import b25
from b25.client.bot_status import Answer, BotStatus, LogLines, Rows
from b25.client.bots import FILL_COLUMNS, ORDER_COLUMNS, Bots
from b25.notebook.doctor import Findings
from b25.notebook.kill import Killed
from b25.research import bias
from b25.research.comparison import compare
from b25.runner.doctor_findings import Finding, Health

HOSTILE = '<img src=x onerror="alert(1)">'


class Cross(b25.Strategy):
    """Hold while the fast average is above the slow one. <img src=x onerror="alert(1)">"""

    fast: b25.Sma = b25.sma(5)
    slow: b25.Sma = b25.sma(20)
    exposure: float = b25.param(0.9, gt=0, le=1, unit="of equity")
    lag: int = b25.param(0, ge=0, le=10)

    def on_bar(self, ctx):
        close = ctx.bar().close
        fast, slow = self.fast.update(close), self.slow.update(close)
        ctx.target(self.exposure * ctx.equity() / close if fast > slow else 0.0)


class Lean(b25.Strategy):
    """Quote one tick behind the touch."""

    quantity: float = b25.param(0.01, gt=0, unit="base")

    def on_book(self, ctx):
        if ctx.working(b25.BUY) == 0 and ctx.position() <= 0.0:
            ctx.buy(self.quantity, ctx.bid())
        if ctx.working(b25.SELL) == 0 and ctx.position() >= 0.0:
            ctx.sell(self.quantity, ctx.ask())


TOLD = {
    "name": HOSTILE, "account": HOSTILE, "phase": "up", "is_running": True, "state": "active", "gate": "reducing", "why": HOSTILE,
    "strategy": HOSTILE, "mode": "live", "epoch": 3, "positions": {HOSTILE: "0.010"}, "orders_open": 2, "fills": 7,
    "profit": "1.25", "silent_s": 0.2, "age_s": 0.4, "restarts": 1,
    "status": {"picture": {"strategy": {"half_spread_bps": 0.5, HOSTILE: 1}}},
}  # fmt: skip
ORDER = {"id": "mm.1", "symbol": HOSTILE, "side": "buy", "quantity": "0.010", "price": "60000.0", "filled": "0", "status": "OPEN"}
FILL = {
    "time_ns": 1, "symbol": HOSTILE, "side": "sell", "quantity": "0.020", "price": "60000.0", "fee": "0.012",
    "fee_asset": HOSTILE, "is_maker": True,
}  # fmt: skip


def finding(name, health, what, remedy=""):
    return Finding(name=name, health=health, what=what, age_s=0.0, took_ms=1.0, remedy=remedy)


@cache
def things():
    """By name."""
    hours = b25.sample(bars="1h", days=60)
    result = b25.backtest(Cross, hours)
    ticks = b25.sample(minutes=2)
    return {
        "Backtest on bars": result,
        "Backtest on ticks": b25.backtest(Lean, ticks, limits=b25.Limits(position_max=0.1)),
        "Strategy class": Cross,
        "Strategy": Cross(exposure=0.5),
        "Dataset": ticks,
        "Bars": hours,
        "Order book": ticks.book(0.5),
        "Limits": b25.Limits(position_max=1.0, order_value_max=100_000.0, daily_loss_max=500.0),
        "Instrument": ticks.instrument,
        "Comparison": compare(result, b25.backtest(Cross, hours, exposure=0.5)),
        "Bias report": bias.check(Cross, hours, cheap=True),
        "Sweep": b25.sweep(Cross, hours, grid={"exposure": [0.2, 0.5, 0.9], "lag": [0, 1]}, undefined="show", progress=False),
        "Walk forward": b25.walk_forward(Cross, hours, grid={"exposure": [0.2, 0.9]}, train="20d", test="10d"),
        "Costs": result.costs,
        "Bot": BotStatus(name=HOSTILE, told=TOLD),
        "Bot that is away": BotStatus(name=HOSTILE, told=TOLD | {"age_s": 60.0}, fault="the gateway does not answer"),
        "Bots": Bots(None, [TOLD, TOLD | {"name": "b", "is_running": False, "state": None, "phase": "down"}]),
        "Orders": Rows([ORDER] * 100, title="Open orders", columns=ORDER_COLUMNS),
        "Fills": Rows([FILL, FILL | {"side": "buy", "is_maker": False}], title=f"Fills of {HOSTILE}", columns=FILL_COLUMNS),
        "Logs": LogLines("mm", [{"time": "2026-11-27T12:00:00Z", "level": "info", "event": HOSTILE, "order": 7}]),
        "Answer": Answer("pause", {"session": HOSTILE, "state": "paused", "gate": "active", "orders_open": 0}),
        "Killed": Killed(what=f"session {HOSTILE}", kill_id="1-2", is_verified=None, told=HOSTILE),
        "Doctor": Findings([finding("clock", Health.BAD, HOSTILE, "set it"), finding("disk", Health.GOOD, "90 GB free")]),
    }
