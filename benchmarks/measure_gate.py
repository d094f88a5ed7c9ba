"""The risk gate with every control on, in the kernel: how long one new order takes to judge, p50 and p99.

Two instruments, forty orders of ours resting, a batch of one order a call,
timed from outside; what an empty call costs is shown beside it and not taken off.
"""

from collections.abc import Iterator
from time import perf_counter_ns

import numpy as np
from figures import Figure
from stage import Stage

from b25.engine.step import judge_intents
from b25.engine.world import make_world
from b25.model.instrument import Instrument
from b25.model.order import INTENT, SUBMIT, Reason
from b25.risk.limits import Limits

ETH = Instrument(venue="sim", symbol="ETH/USDT:USDT", tick="0.01", lot="0.001")  # type: ignore[arg-type]
# Wide enough that all are judged and none refuses: a refusal would be quicker.
LIMITS = Limits(
    position_max=1e5,
    order_value_max=1e5,
    collar=0.05,
    open_orders_max=500,
    orders_per_s_max=10**6,
    order_qty_max=1e4,
    adv_share_max=0.01,
    adv=1e6,
    spread_max=0.01,
    divergence_max=0.02,
    through_max=0.01,
    slippage_max=0.01,
    data_age_max_s=5,
    clock_skew_max_s=5,
    no_self_cross=True,
    duplicates_max=60,
    gross_max=1e9,
    net_max=1e9,
    concentration_max=0.9,
    leverage_max=3.0,
    daily_loss_max=1e6,
    drawdown_max=0.5,
    executions_max=10**6,
    turnover_max=1e9,
    reject_ratio_max=0.9,
    orders_per_fill_max=1e9,
    messages_per_s_max=10**6,
)
CALLS, STEP_NS, RESTING = 200_000, 10**7, 20


def measure() -> dict[str, float]:
    """Nanoseconds of a call."""
    rows = np.concatenate([LIMITS.record(ETH)] * 2)
    world = make_world([ETH, ETH], rows, depth_kept=False, balance=1e9)
    for book in world.books:
        book["best_bid_ticks"], book["best_ask_ticks"], book["last_trade_ticks"] = 250_000, 250_001, 250_000
        book["best_bid_lots"] = book["best_ask_lots"] = 10**6
    judge, at = judge_intents.code(), np.uintp(world.context.ctypes.data)
    intent = np.zeros(1, INTENT)
    intent["kind"], intent["side"], intent["qty_lots"], intent["price_ticks"] = SUBMIT, 1, 10, 250_000
    now_ns = 1_700_000_000 * 10**9
    world.risk["answers"] = 30

    def one(k: int, side: int, price: int) -> int:
        at_ns = now_ns + k * STEP_NS
        world.head["now_ns"] = world.context["now_ns"] = at_ns
        world.books["local_ns"] = world.books["exch_ns"] = at_ns
        intent["order_id"], intent["side"], intent["price_ticks"] = k + 1, side, price
        world.intents[0] = intent[0]
        world.head["intents"], world.head["outbox"] = 1, 0
        begun = perf_counter_ns()
        judge(at)
        return perf_counter_ns() - begun

    for k in range(2 * RESTING):
        one(k, 1 if k % 2 else -1, 249_000 if k % 2 else 251_000)
    kept = {name: getattr(world, name).copy() for name in ("orders", "lives", "positions")}
    live = int(world.head["live_orders"][0])
    taken = np.empty(CALLS)
    for k in range(CALLS):
        taken[k] = one(2 * RESTING + k, 1 if k % 2 else -1, 250_000 - k % 7 if k % 2 else 250_001 + k % 7)
        assert world.outbox["reason"][0] == Reason.OK
        for name, array in kept.items():
            getattr(world, name)[:] = array
        world.head["live_orders"] = live
    empty = np.empty(CALLS // 10)
    world.head["intents"] = 0
    world.context["guarded"] = 0
    for k in range(empty.size):
        begun = perf_counter_ns()
        judge(at)
        empty[k] = perf_counter_ns() - begun
    steady = taken[CALLS // 10 :]
    return {
        "p50": float(np.percentile(steady, 50)),
        "p99": float(np.percentile(steady, 99)),
        "p99.9": float(np.percentile(steady, 99.9)),
        "empty": float(np.percentile(empty, 50)),
    }


def risk_gate(stage: Stage) -> Iterator[Figure]:
    """The gate with every control on."""
    found = {name: value / 1e3 for name, value in measure().items()}
    detail = (
        f"p50 {found['p50']:.2f} µs, p99.9 {found['p99.9']:.1f}; an empty call from Python takes {found['empty']:.2f} of it; "
    )
    yield Figure("risk gate, all controls, p99", found["p99"], "µs", 10, 2, False, detail + f"{CALLS:,} orders, 40 resting")


MEASURES = [risk_gate]
