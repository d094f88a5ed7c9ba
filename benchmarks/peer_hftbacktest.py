"""hftbacktest runs the reference strategies: the engine that the tick backtest is measured against, and checked by.

Runs in its own environment. The strategies are written as its users write them: one compiled loop around `elapse`.
"""

import contextlib
import os
from typing import Any

import numpy as np
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest, ROIVectorMarketDepthBacktest
from hftbacktest.data.utils import binancefutures
from hftbacktest.order import FILLED, GTX, IOC, LIMIT, NEW, PARTIALLY_FILLED
from numba import njit
from serving import seconds, serve

BUY, SELL = 1, -1
NO_BID, NO_ASK = -(2**63), 2**63 - 1
FILL = np.dtype(
    [("order_id", "i8"), ("side", "i8"), ("price_ticks", "i8"), ("qty_lots", "i8"), ("exch_ns", "i8"), ("maker", "?")],
    align=True,
)
DATA: dict[str, np.ndarray] = {}


@njit
def note_fill(fills, count, order, lot):
    row = fills[count]
    row["order_id"] = order.order_id
    row["side"] = order.side
    row["price_ticks"] = order.arr[0].exec_price_tick
    row["qty_lots"] = round(order.exec_qty / lot)
    row["exch_ns"] = order.exch_timestamp
    row["maker"] = order.arr[0].maker
    return count + 1


@njit
def maker(hbt, fills, step_ns, half_ticks, qty, max_qty, tick, lot):
    steps, submits, cancels, filled = 0, 0, 0, 0
    while hbt.elapse(step_ns) == 0:
        steps += 1
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        two_sided = bid != NO_BID and ask != NO_ASK
        position = hbt.position(0)
        wanted_bid = wanted_ask = 0
        if two_sided:
            mid = (bid + ask) / 2.0
            wanted_bid = min(int(np.floor(mid - half_ticks)), bid)
            wanted_ask = max(int(np.ceil(mid + half_ticks)), ask)
        room = max_qty - qty / 2.0
        bids_listed, asks_listed = 0, 0
        values = hbt.orders(0).values()
        while values.has_next():
            order = values.get()
            if order.status == FILLED:
                filled = note_fill(fills, filled, order, lot)
                continue
            if order.status != NEW and order.status != PARTIALLY_FILLED and order.req != NEW:
                continue
            if order.side == BUY:
                bids_listed += 1
                keep = order.arr[0].price_tick == wanted_bid and position < room
            else:
                asks_listed += 1
                keep = order.arr[0].price_tick == wanted_ask and -position < room
            if two_sided and not keep and order.cancellable:
                hbt.cancel(0, order.order_id, False)
                cancels += 1
        hbt.clear_inactive_orders(0)
        if not two_sided:
            continue
        if bids_listed == 0 and position < room:
            submits += 1
            hbt.submit_buy_order(0, submits, wanted_bid * tick, qty, GTX, LIMIT, False)
        if asks_listed == 0 and -position < room:
            submits += 1
            hbt.submit_sell_order(0, submits, wanted_ask * tick, qty, GTX, LIMIT, False)
    return steps, submits, cancels, filled


@njit
def taker(hbt, fills, step_ns, alpha, threshold_ticks, qty, max_qty, tick, lot):
    steps, submits, filled = 0, 0, 0
    ema = np.nan
    while hbt.elapse(step_ns) == 0:
        steps += 1
        listed = 0
        values = hbt.orders(0).values()
        while values.has_next():
            order = values.get()
            if order.status == FILLED:
                filled = note_fill(fills, filled, order, lot)
            elif order.status == NEW or order.status == PARTIALLY_FILLED or order.req == NEW:
                listed += 1
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid == NO_BID or ask == NO_ASK:
            continue
        mid = (bid + ask) / 2.0
        if np.isnan(ema):
            ema = mid
        ema += alpha * (mid - ema)
        if listed > 0:
            continue
        position = hbt.position(0)
        room = max_qty - qty / 2.0
        if mid > ema + threshold_ticks and position < room:
            submits += 1
            hbt.submit_buy_order(0, submits, ask * tick, qty, IOC, LIMIT, False)
        elif mid < ema - threshold_ticks and -position < room:
            submits += 1
            hbt.submit_sell_order(0, submits, bid * tick, qty, IOC, LIMIT, False)
    return steps, submits, 0, filled


@njit
def idle(hbt, step_ns):
    steps = 0
    while hbt.elapse(step_ns) == 0:
        steps += 1
    return steps


def convert(capture: str, to: str, buffer_rows: int = 2_000_000) -> dict[str, Any]:
    """Convert with its own converter, once; the result is kept uncompressed, so that it can be memory-mapped."""
    if os.path.exists(to):
        return {"rows": len(load(to)), "seconds": 0.0}
    with contextlib.redirect_stdout(None):
        took_s, data = seconds(lambda: binancefutures.convert(capture, buffer_size=buffer_rows))
    np.save(to + ".part.npy", data)
    os.replace(to + ".part.npy", to)
    return {"rows": len(data), "seconds": took_s}


def load(path: str) -> np.ndarray:
    if path not in DATA:
        DATA[path] = np.load(path)
    return DATA[path]


def engine(data: np.ndarray, depth: str, run: dict[str, Any]) -> Any:
    name, *arguments = run["queue"]
    asset = BacktestAsset().data(data).linear_asset(1.0).no_partial_fill_exchange()
    asset = asset.constant_order_latency(run["order_latency_ns"], run["order_latency_ns"])
    asset = getattr(asset, name)(*arguments)
    asset = asset.trading_value_fee_model(run["fee_maker"], run["fee_taker"])
    asset = asset.tick_size(run["tick"]).lot_size(run["lot"]).last_trades_capacity(0)
    if depth == "hashmap":
        return HashMapMarketDepthBacktest([asset])
    # Half to one and a half times the first price: what its users would set for a day.
    first = float(data["px"][(data["ev"] & 0xFF == 2)][0])
    return ROIVectorMarketDepthBacktest([asset.roi_lb(first / 2).roi_ub(first * 1.5)])


def backtest(data: str, depth: str, run: dict[str, Any], with_fills: bool = False) -> dict[str, Any]:
    """One run of a reference strategy; `run` is laid out as in the reference file."""
    hbt = engine(load(data), depth, run)
    fills, params = np.zeros(4_000_000, FILL), run["params"]
    if run["strategy"] == "maker":
        own = (params["half_ticks"], params["qty"], params["max_qty"], run["tick"], run["lot"])
        took_s, counts = seconds(lambda: maker(hbt, fills, params["step_ns"], *own))
    else:
        own = (params["alpha"], params["threshold_ticks"], params["qty"], params["max_qty"], run["tick"], run["lot"])
        took_s, counts = seconds(lambda: taker(hbt, fills, params["step_ns"], *own))
    state = hbt.state_values(0)
    answer = {
        "run_s": took_s,
        **dict(zip(("steps", "submits", "cancels", "fill_count"), map(int, counts), strict=True)),
        "position": state.position,
        "balance": state.balance,
        "fee": state.fee,
        "trades": int(state.num_trades),
        "end_ns": int(hbt.current_timestamp),
    }
    fills = fills[: counts[3]]
    fills = fills[np.lexsort((fills["order_id"], fills["exch_ns"]))]
    answer["digest"] = digest(fills)
    if with_fills:
        answer["fills"] = [dict(zip(FILL.names, row, strict=True)) for row in fills.tolist()]
    hbt.close()
    return answer


def digest(fills: np.ndarray) -> str:
    """Hash of the fills' contents, the same for every contestant: see `fills_digest` in agreement.py."""
    from agreement import fills_digest

    return fills_digest(*(fills[name].tolist() for name in FILL.names))


def replay(data: str, depth: str, run: dict[str, Any]) -> dict[str, Any]:
    """Move both books through the data and do nothing else."""
    hbt = engine(load(data), depth, run)
    took_s, steps = seconds(lambda: idle(hbt, run["params"]["step_ns"]))
    hbt.close()
    return {"run_s": took_s, "steps": int(steps)}


if __name__ == "__main__":
    serve({"convert": convert, "backtest": backtest, "replay": replay})
