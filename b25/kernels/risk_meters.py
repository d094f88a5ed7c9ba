"""What the gate remembers of an account: its worth, its losses, its pace; and the latches that a breach closes."""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.ledger import equity_change, other_flows
from b25.kernels.units import money_of
from b25.kernels.world import books_of, head_of, instruments_of, limits_of, positions_of, risk_of
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.risk import ACTIVE, ANSWERS_MAX, BUCKETS, REARM, SET_STATE, STOPPED, WARN_AT, Control
from b25.model.world import NO_LIMIT

EXECUTIONS, TURNOVER = int(Control.EXECUTIONS), int(Control.TURNOVER)
REJECTS, ORDERS_PER_FILL = int(Control.REJECTS), int(Control.ORDERS_PER_FILL)
DAILY_LOSS, DRAWDOWN = int(Control.DAILY_LOSS), int(Control.DRAWDOWN)
DAY_NS = 86_400_000_000_000
PARTS = BUCKETS + 1


@kernel
def mark2_of(book):
    """Twice the mid in ticks; 0 while a side is empty."""
    low, high = book["best_bid_ticks"], book["best_ask_ticks"]
    if low == NO_BID_TICKS or high == NO_ASK_TICKS:
        return np.int64(0)
    return low + high


@kernel
def equity_of(ctx):
    """Worth of the account at the mids, settlement currency; NaN while something held has none."""
    total = ctx["balance"]
    positions, instruments, books = positions_of(ctx), instruments_of(ctx), books_of(ctx)
    for i in range(ctx["n"]):
        position, instrument = positions[i], instruments[i]
        if position["position_lots"] == 0:
            total += money_of(instrument, position["realised"] + other_flows(position))
            continue
        mark2 = mark2_of(books[i])
        if mark2 == 0:
            return np.nan
        total += money_of(instrument, equity_change(position, instrument, mark2))
    return total


@kernel
def keeps(risk, control, value, limit):
    """True while `value <= limit`; remembers how much of the limit is used. NaN keeps nothing."""
    used = value / limit if limit > 0 else np.inf
    bit = np.int64(1) << control
    risk["used"][control] = used
    if used >= WARN_AT:
        risk["warned"] |= bit
    else:
        risk["warned"] &= ~bit
    return bool(value <= limit)


@kernel
def latch(risk, control, now_ns):
    """Close a latch; one that is closed stays as it is."""
    bit = np.int64(1) << control
    if risk["latched"] & bit == 0:
        risk["latched"] |= bit
        risk["latched_ns"] = now_ns


@kernel
def watch_account(ctx):
    """Bring all that is remembered up to date; called before each batch of intents, and after each callback without any."""
    risk, limits = risk_of(ctx), limits_of(ctx)[0]
    watch_worth(ctx, risk, limits)
    watch_window(ctx, risk, limits)
    watch_answers(risk, limits, ctx["now_ns"])
    if limits["orders_per_fill_max"] > 0 and not keeps(
        risk, ORDERS_PER_FILL, requests_per_fill(ctx, risk, 0), limits["orders_per_fill_max"]
    ):
        latch(risk, ORDERS_PER_FILL, ctx["now_ns"])


@kernel
def watch_worth(ctx, risk, limits):
    """Mark the account; a loss beyond its limit closes a latch."""
    now_ns = ctx["now_ns"]
    equity = equity_of(ctx)
    risk["equity"] = equity
    if not np.isfinite(equity):
        return
    day = now_ns // DAY_NS
    if day != risk["day"]:
        risk["day"] = day
        risk["day_equity"] = equity
    risk["peak"] = max(risk["peak"], equity)
    if limits["daily_loss_max"] > 0 and not keeps(risk, DAILY_LOSS, risk["day_equity"] - equity, limits["daily_loss_max"]):
        latch(risk, DAILY_LOSS, now_ns)
    if limits["drawdown_max"] > 0:
        # A peak that is not above 0 leaves nothing to lose a share of: unknown, and held to be breached.
        share = (risk["peak"] - equity) / risk["peak"] if risk["peak"] > 0 else np.inf
        if not keeps(risk, DRAWDOWN, share, limits["drawdown_max"]):
            latch(risk, DRAWDOWN, now_ns)


@kernel
def watch_window(ctx, risk, limits):
    """Count executions and what they were worth in the sliding window; too much of either closes a latch."""
    fills, value = np.int64(0), 0.0
    positions, instruments = positions_of(ctx), instruments_of(ctx)
    for i in range(ctx["n"]):
        fills += positions[i]["fills"]
        value += money_of(instruments[i], positions[i]["volume"])
    window_ns = limits["executions_window_ns"]
    if window_ns <= 0:
        return
    part = ctx["now_ns"] // max(window_ns // BUCKETS, 1)
    if part > risk["bucket"]:
        for k in range(max(risk["bucket"] + 1, part - BUCKETS), part + 1):
            risk["bucket_fills"][k % PARTS] = 0
            risk["bucket_value"][k % PARTS] = 0.0
        risk["bucket"] = part
    place = risk["bucket"] % PARTS
    risk["bucket_fills"][place] += fills - risk["fills_seen"]
    risk["bucket_value"][place] += value - risk["volume_seen"]
    risk["fills_seen"] = fills
    risk["volume_seen"] = value
    counted, traded = np.int64(0), 0.0
    for k in range(PARTS):
        counted += risk["bucket_fills"][k]
        traded += risk["bucket_value"][k]
    if limits["executions_max"] != NO_LIMIT and not keeps(risk, EXECUTIONS, float(counted), float(limits["executions_max"])):
        latch(risk, EXECUTIONS, ctx["now_ns"])
    if limits["turnover_max"] > 0 and not keeps(risk, TURNOVER, traded, limits["turnover_max"]):
        latch(risk, TURNOVER, ctx["now_ns"])


@kernel
def watch_answers(risk, limits, now_ns):
    """Judge the venue's last answers, once there are as many as are looked back on."""
    window = limits["reject_window"]
    if limits["reject_ratio_max"] <= 0 or risk["answers"] < window:
        return
    rejected = 0
    for k in range(window):
        rejected += (risk["answer_bits"] >> k) & 1
    if not keeps(risk, REJECTS, rejected / window, limits["reject_ratio_max"]):
        latch(risk, REJECTS, now_ns)


@kernel
def note_answer(ctx, rejected):
    """Remember what the venue said to a new order."""
    risk = risk_of(ctx)
    kept = (np.int64(1) << (ANSWERS_MAX - 1)) - 1
    risk["answer_bits"] = ((risk["answer_bits"] & kept) << 1) | rejected
    risk["answers"] += 1


@kernel
def fills_of(ctx):
    """Executions so far."""
    fills = np.int64(0)
    for i in range(ctx["n"]):
        fills += positions_of(ctx)[i]["fills"]
    return fills


@kernel
def requests_per_fill(ctx, risk, more):
    """Orders and amends sent since the latest re-arming, and `more`, for each execution; no execution counts as one."""
    head = head_of(ctx)
    sent = head["submits"] + head["amends"] - risk["sent_before"] + more
    return sent / max(fills_of(ctx) - risk["fills_before"], np.int64(1))


@kernel
def hear_command(ctx, status, amount):
    """Obey what a COMMAND event says to the gate: a new state, or latches opened by a person. Nothing else is for it."""
    risk = risk_of(ctx)
    if status == SET_STATE:
        # What is no state stops: a damaged command must not open anything.
        risk["state"] = amount if ACTIVE <= amount <= STOPPED else STOPPED
    elif status == REARM:
        rearm(ctx, risk, amount)


@kernel
def rearm(ctx, risk, bits):
    """Open latches, and count anew from here what they had counted."""
    risk["latched"] &= ~bits
    risk["warned"] &= ~bits
    equity = equity_of(ctx)
    if np.isfinite(equity):
        if bits & (np.int64(1) << DAILY_LOSS):
            risk["day_equity"] = equity
        if bits & (np.int64(1) << DRAWDOWN):
            risk["peak"] = equity
    if bits & (np.int64(1) << EXECUTIONS):
        for k in range(PARTS):
            risk["bucket_fills"][k] = 0
    if bits & (np.int64(1) << TURNOVER):
        for k in range(PARTS):
            risk["bucket_value"][k] = 0.0
    if bits & (np.int64(1) << REJECTS):
        risk["answers"] = 0
        risk["answer_bits"] = 0
    if bits & (np.int64(1) << ORDERS_PER_FILL):
        head = head_of(ctx)
        risk["sent_before"] = head["submits"] + head["amends"]
        risk["fills_before"] = fills_of(ctx)
