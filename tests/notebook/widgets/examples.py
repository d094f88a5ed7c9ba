"""One of each widget over data of our own making: the same for tests and for pictures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import b25
from b25.market.synthetic_bars import make_bars
from b25.notebook.widgets import Blotter, Candles, Ladder, ParamExplorer, RiskGauges, SessionPanel, SweepHeatmap, TradeReplay
from b25.notebook.widgets.widget import status_of
from strategies.moving_average_cross import MovingAverageCross

HOSTILE = '<img src=x onerror="window.pwned=1">'


@cache
def bars() -> Any:
    return make_bars("15m", days=60, edge=0.4)


@cache
def result() -> Any:
    return b25.backtest(MovingAverageCross, bars(), fast=12, slow=60)


@cache
def sweep() -> Any:
    grid = {"fast": list(range(4, 40, 4)), "slow": list(range(30, 150, 15))}
    return b25.sweep(MovingAverageCross, bars(), grid=grid, where=lambda p: p["fast"] < p["slow"] - 5, progress=False)


def ladder() -> Ladder:
    dice = np.random.default_rng(25)
    made = Ladder("BTC/USDT:USDT", tick="0.1", lot="0.001", quote="USDT", base="BTC")
    gaps = dice.integers(1, 3, (2, 30)).cumsum(axis=1)
    bids = np.column_stack([300_000 - gaps[0], dice.gamma(2.0, 900.0, 30).astype(np.int64) + 1])
    asks = np.column_stack([300_001 + gaps[1], dice.gamma(2.0, 900.0, 30).astype(np.int64) + 1])
    orders = [
        {"id": "b25-1", "side": 1, "price_ticks": int(bids[2, 0]), "qty_lots": 500, "ahead_lots": 1_240},
        {"id": "b25-2", "side": -1, "price_ticks": int(asks[4, 0]), "qty_lots": 250},
    ]
    made.update(bids, asks, orders=orders, status=status_of("paper", age_s=0.4))
    return made


def candles() -> Candles:
    last = float(bars().view["close"][-1])
    lines = [
        {"price": last * 1.01, "kind": "order", "side": -1, "text": "sell 0.25"},
        {"price": last * 0.98, "kind": "stop", "side": -1, "text": "stop"},
        {"price": last * 0.995, "kind": "entry", "text": "entry"},
    ]
    return Candles.of(result(), lines=lines)


def blotter() -> Blotter:
    return Blotter.of(result(), "fills", key="order_id")


def gauges() -> RiskGauges:
    day_ns = 86_400 * 10**9
    limits = [
        {"name": "gross_max", "title": "Gross exposure", "used": 41_200, "limit": 50_000, "unit": "USDT",
         "set_by": "mara", "rule": "|positions| at the mid"},
        {"name": "daily_loss_max", "title": "Loss of the day", "used": 312.5, "limit": 300, "unit": "USDT",
         "breached_ns": 20_000 * day_ns, "latched": True, "set_by": "mara"},
        {"name": "leverage_max", "title": "Leverage", "used": 1.2, "limit": 3},
        {"name": "open_orders_max", "title": "Open orders", "used": 6, "limit": 40, "count": 3, "breached_ns": 20_001 * day_ns},
        {"name": "drawdown_max", "title": "Drawdown", "used": None, "limit": 0.1, "rule": "equity has no price"},
        {"name": "turnover_max", "title": "Turnover of the day", "used": 120_000, "limit": None},
    ]  # fmt: skip
    return RiskGauges(limits, title="Limits of live-1", status=status_of("live", age_s=0.8))


def panel(command: Any = lambda name, reason: {"command_id": "c-17"}, **changes: Any) -> SessionPanel:
    snapshot = {
        "session": "live-1", "strategy": "MeanRev", "version": 7, "account": "main", "state": "running", "equity": "10412.31",
        "asset": "USDT", "realised": "388.20", "unrealised": "41.87", "fees": "17.76", "funding": None, "net": "412.31",
        "live_orders": 4, "drift": {"state": "none", "text": "replayed at 02:10"},
        "positions": [
            {"symbol": "BTC/USDT:USDT", "quantity": "0.052", "entry_price": "30010.4", "mark": "30815.6", "unrealised": "41.87"},
            {"symbol": "ETH/USDT:USDT", "quantity": "-1.2", "entry_price": "1890.10", "mark": None, "unrealised": None},
        ],
    }  # fmt: skip
    status = status_of("live", age_s=0.6, probation="code changed")
    return SessionPanel(snapshot | changes, command=command, status=status)


def explorer(**more: Any) -> ParamExplorer:
    made = ParamExplorer(
        MovingAverageCross, bars(), values={"fast": 12, "slow": 60}, ranges={"fast": (2, 60), "slow": (10, 240)}, **more
    )
    assert made._runs.idle.wait(60)
    return made


def heatmap() -> SweepHeatmap:
    return SweepHeatmap(sweep())


def replay() -> TradeReplay:
    return TradeReplay.of(result(), int(result().orders["order_id"][2]))


ALL = {
    "session_panel": panel, "ladder": ladder, "candles": candles, "blotter": blotter, "risk_gauges": gauges,
    "param_explorer": explorer, "sweep_heatmap": heatmap, "trade_replay": replay,
}  # fmt: skip
