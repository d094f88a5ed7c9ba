"""The backtest on bars: a compiled loop around the same three kernels as `step`, over complete bars.

At each step of the clock the venue lives through the bars that end then, what is asked for in answer to a fill is there
before the next one happens, and last the bars are shown and `on_bar` is called. Bars in which nothing of ours can happen are
not lived through: they are shown one after the other by code that was compiled together with the strategy.
"""

import numpy as np

from b25.engine.apply import count_traded
from b25.engine.bar_marks import mark_event, note_bar_close, note_day, note_span, point_of
from b25.engine.bar_money import bar_venue_at, model_of, pay_borrowing, set_liquidations
from b25.engine.bar_records import BAR_RUN, BETWEEN, ENDED, OPENING, SHOWN
from b25.engine.bar_settle import call_settle_bars
from b25.engine.bar_venue import call_next_answer, call_venue, is_live
from b25.engine.logs import log_marks, logs_nearly_full
from b25.engine.records import CALL, DONE, DRAIN, HALTED, ON_BAR, ON_START, ON_STOP, ON_TIMER, PAUSE
from b25.execution.parents import call_parents
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.bar_tape import row_at, set_clock, set_touch, show_features, show_larger, show_row, tape_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.units import money_of
from b25.kernels.world import (
    bar_mark_at,
    book_at,
    head_of,
    instrument_at,
    live_at,
    order_at,
    position_at,
)
from b25.model.bar import FUNDING_RATE
from b25.model.bar_run import AT_OPEN, OVER
from b25.model.order import MARKET, REDUCE_ONLY
from b25.model.world import CONTEXT, RUNNING

call_back = calls("void(int64, uintp, uintp)")
# Strategy's record, context, tapes, first bar, end, and the two prices that end a stride.
STRIDE = "int64(uintp, uintp, uintp, int64, int64, int64, int64)"
call_stride = calls(STRIDE)
int32, int64 = np.dtype(np.int32), np.dtype(np.int64)


@kernel
def place_of(run, ctx, i, step):
    """Row of an instrument's bar at a step; -1 where it has none."""
    if ctx["n"] == 1:
        return step
    return np.int64(array_at(run["places"], (run["step_end"], ctx["n"]), int32)[step, i])


@kernel
def close_of(run, step):
    """Time of a step."""
    return array_at(run["clock_ns"], run["step_end"], int64)[step]


@kernel
def lots_allowed(model, volume_lots):
    """How much of a bar's volume our orders together may trade."""
    if model["participation_e12"] < 0:
        return np.int64(2**62)
    return np.int64(volume_lots * (model["participation_e12"] / 1e12) + 1e-9)


@kernel
def begin_step(run, ctx):
    """Take up the bars of this step; their open comes first."""
    model = model_of(run)
    head = head_of(ctx)
    step = run["step"]
    open_ns, paid = np.int64(0), False
    for i in range(ctx["n"]):
        venue = bar_venue_at(run, i)
        k = place_of(run, ctx, i, step)
        if k < 0:
            venue["phase"] = OVER
            continue
        bar, row = venue["bar"], row_at(tape_at(ctx, run["tapes"], i, 0), k)
        bar["open_ns"] = row["open_ns"]
        bar["close_ns"] = row["close_ns"]
        bar["volume_lots"] = row["volume_lots"]
        bar["open_ticks"] = row["open_ticks"]
        bar["high_ticks"] = row["high_ticks"]
        bar["low_ticks"] = row["low_ticks"]
        bar["close_ticks"] = row["close_ticks"]
        venue["phase"] = AT_OPEN
        venue["first_id"] = head["next_order_id"]
        venue["fills"] = 0
        venue["lots_left"] = lots_allowed(model, row["volume_lots"])
        paid = pay_borrowing(run, ctx, i, row["open_ns"]) or paid
        set_touch(ctx, i, row["open_ticks"], row["open_ns"])
        open_ns = row["open_ns"] if open_ns == 0 else min(open_ns, row["open_ns"])
    set_clock(ctx, max(open_ns, ctx["now_ns"]))
    if paid:
        mark_event(run, ctx)
    if paid or ctx["n"] > 1:
        set_liquidations(run, ctx)
    run["answers_before"] = run["answer_tail"]
    run["stage"] = OPENING


@kernel
def count_bar(ctx, book, row):
    """Count a bar as what the public traded, at its typical price."""
    count_traded(ctx, book, (row["high_ticks"] + row["low_ticks"] + row["close_ticks"]) // 3, row["volume_lots"])


@kernel
def show_step(run, ctx):
    """The bars of this step are complete: show them, mark the account, and have `on_bar` called."""
    tapes = run["tapes"]
    step = run["step"]
    at_ns = close_of(run, step)
    for i in range(ctx["n"]):
        k = place_of(run, ctx, i, step)
        bar_mark_at(ctx, i, 0)["fresh"] = 0
        if k >= 0:
            show_row(ctx, tape_at(ctx, tapes, i, 0), i, 0, k)
            show_features(ctx, tape_at(ctx, tapes, i, 0), i, k)
            set_touch(ctx, i, row_at(tape_at(ctx, run["tapes"], i, 0), k)["close_ticks"], at_ns)
            count_bar(ctx, book_at(ctx, i), row_at(tape_at(ctx, tapes, i, 0), k))
        if ctx["frames"] > 1:
            show_larger(ctx, tapes, i, at_ns)
    set_clock(ctx, at_ns)
    ctx["i"] = 0
    run["step"] = step + 1
    run["rows"] += 1
    run["end_ns"] = at_ns
    run["budget"] -= 1
    if run["compact"] != 0:
        note_bar_close(run, ctx)
    run["stage"] = SHOWN
    run["unworked"] = 1
    run["pending"] |= ON_BAR


@kernel
def quiet_until(run, ctx):
    """Step up to which the only instrument's bars may be shown without the venue, as far as time decides; 0 when none may."""
    venue, model = bar_venue_at(run, 0), model_of(run)
    head = head_of(ctx)
    if run["stride_code"] == 0 or ctx["n"] != 1 or head["timer_ns"] > 0 or head["parents"] != 0:
        return np.int64(0)
    if run["budget"] <= 0:
        return np.int64(0)
    held = position_at(ctx, 0)["position_lots"]
    if held != 0 and model["borrow_day_e12"] != 0 and venue["spot"] != 0:
        return np.int64(0)
    end = min(run["step_end"], run["step"] + run["budget"])
    if run["step"] < run["step_trading"]:
        end = min(end, run["step_trading"])
    if held != 0 and venue["funding_next"] < venue["funding_count"]:
        due = array_at(venue["funding"], venue["funding_count"], FUNDING_RATE)[venue["funding_next"]]["time_ns"]
        # A payment is made at the first open at or after its time: at the close of the bar before it, at the earliest.
        tape = tape_at(ctx, run["tapes"], 0, 0)
        low, high = run["step"], end
        while low < high:
            middle = (low + high) >> 1
            if row_at(tape, middle)["open_ns"] < due:
                low = middle + 1
            else:
                high = middle
        end = low
    return end


@kernel
def quiet_prices(run, ctx):
    """`(low, high, quiet)`: prices that wake the venue of the only instrument; False when an order waits for the next open."""
    venue, held = bar_venue_at(run, 0), position_at(ctx, 0)["position_lots"]
    low, high = venue["liquidation_low"], venue["liquidation_high"]
    for index in range(2):
        slot = live_at(ctx, 0, index)["first"] if live_at(ctx, 0, index)["count"] > 0 else -1
        while slot >= 0:
            order = order_at(ctx, slot)
            stop = order["stop_ticks"]
            side = 1 if index == 0 else -1
            if order["flags"] & REDUCE_ONLY and held * side >= 0:
                # It has nothing to reduce any more: the venue ends it in the next bar.
                return low, high, False
            if stop != 0:
                if index == 0:
                    high = min(high, stop)
                else:
                    low = max(low, stop)
            elif order["flags"] & MARKET or order["tif"] != 0 or not is_live(order):
                return low, high, False
            elif index == 0:
                low = max(low, order["price_ticks"])
            else:
                high = min(high, order["price_ticks"])
            slot = order["next"]
    return low, high, True


@kernel
def stride(run, ctx):
    """Show quiet bars in one go; False when the next bar is not quiet."""
    end = quiet_until(run, ctx)
    first = run["step"]
    if end <= first:
        return False
    low, high, quiet = quiet_prices(run, ctx)
    if not quiet:
        return False
    last = call_stride(run["stride_code"], (run["strategy"], run["context"], run["tapes"], first, end, low, high))
    if last == first:
        return False
    run["step"] = last
    run["rows"] += last - first
    run["budget"] -= last - first
    run["end_ns"] = ctx["now_ns"]
    ctx["i"] = 0
    venue = bar_venue_at(run, 0)
    if position_at(ctx, 0)["position_lots"] == 0:
        pass_funding(venue, ctx["now_ns"])
        venue["borrowed_ns"] = ctx["now_ns"]
    run["answers_before"] = run["answer_tail"]
    keep_bar(run, ctx, venue, last - 1)
    if run["compact"] != 0:
        note_span(run, ctx, first, last)
    if head_of(ctx)["intents"] != 0:
        call_settle_bars(run["settle_code"], (run["self"],))
        run["stage"] = SHOWN
    if head_of(ctx)["parents"] != 0:
        run["unworked"] = 1
        run["stage"] = SHOWN
    return True


@kernel
def keep_bar(run, ctx, venue, k):
    """Let the venue know the bar that was shown last: orders that fill at its close do so there."""
    row = row_at(tape_at(ctx, run["tapes"], 0, 0), k)
    venue["bar"]["open_ns"] = row["open_ns"]
    venue["bar"]["close_ns"] = row["close_ns"]
    venue["bar"]["close_ticks"] = row["close_ticks"]
    venue["bar"]["volume_lots"] = row["volume_lots"]
    venue["lots_left"] = lots_allowed(model_of(run), row["volume_lots"])
    venue["fills"] = 0
    venue["phase"] = OVER


@kernel
def pass_funding(venue, now_ns):
    """Pass over payments that came while nothing was held."""
    payments = array_at(venue["funding"], venue["funding_count"], FUNDING_RATE)
    k = venue["funding_next"]
    while k < venue["funding_count"] and payments[k]["time_ns"] < now_ns:
        k += 1
    venue["funding_next"] = k


@kernel
def timer_due(run, ctx):
    """True when a timer's time has come; one that falls inside a bar waits for its close."""
    head = head_of(ctx)
    return head["timer_ns"] > 0 and head["timer_next_ns"] <= ctx["now_ns"]


@kernel
def call_timer(run, ctx):
    """Have `on_timer` called."""
    head = head_of(ctx)
    head["timer_next_ns"] += head["timer_ns"]
    head["steps"] += 1
    run["unworked"] = 1
    run["pending"] |= ON_TIMER


@kernel
def between(run, ctx):
    """Go on to what comes next between two bars."""
    if run["step"] >= run["step_end"]:
        run["stage"] = ENDED
        if run["compact"] == 0:
            log_marks(run, ctx)
        run["pending"] |= ON_STOP
        return
    if timer_due(run, ctx):
        call_timer(run, ctx)
        return
    # Whoever is watched is watched after every callback, and so sees bar by bar.
    if ctx["guarded"] == 0 and stride(run, ctx):
        return
    begin_step(run, ctx)


@kernel
def turn(run, ctx):
    """Do the next thing."""
    stage = run["stage"]
    if run["compact"] != 0:
        head_of(ctx)["notes"] = 0
    if stage == BETWEEN:
        between(run, ctx)
    elif stage == SHOWN:
        if model_of(run)["at_close"] == 0 or call_venue(run["venue_code"], (run["self"],)) == 0:
            run["stage"] = BETWEEN
    elif call_venue(run["venue_code"], (run["self"],)) == 0:
        show_step(run, ctx)


@kernel
def finish_point(run, ctx):
    """Complete the figures of a point: the last day, the sums of the ledger."""
    point = point_of(run)
    point["status"] = head_of(ctx)["status"]
    point["end_ns"] = run["end_ns"]
    if run["end_ns"] > run["begin_ns"]:
        note_day(point)
    point["refused"] = head_of(ctx)["refused"]
    for i in range(ctx["n"]):
        held, instrument = position_at(ctx, i), instrument_at(ctx, i)
        point["fees"] += money_of(instrument, held["fees"] + held["fees_e8"] / 1e8)
        point["funding"] += money_of(instrument, held["funding"])
        point["borrow"] += money_of(instrument, held["borrow"])
        point["volume"] += money_of(instrument, held["volume"])


@kernel
def halted(run, ctx):
    """Say in the figures of a point why it is none."""
    if run["compact"] != 0:
        point_of(run)["status"] = head_of(ctx)["status"]
    return HALTED


@kernel
def work(run, ctx):
    """Work the parent orders after an event, and judge what they ask for."""
    run["unworked"] = 0
    call_parents(ctx["parents_code"], (run["context"],))
    call_settle_bars(run["settle_code"], (run["self"],))


@late_kernel("int64(uintp)")
def run_bars(address):
    """Run until there is a reason to return; see the constants of engine/records.py."""
    run = record_at(address, BAR_RUN)
    ctx = record_at(run["context"], CONTEXT)
    head = head_of(ctx)
    if run["awaiting"] != 0:
        run["awaiting"] = 0
        if head["intents"] != 0 or ctx["guarded"] != 0:
            call_settle_bars(run["settle_code"], (run["self"],))
    if run["started"] == 0:
        run["started"] = 1
        run["unworked"] = 1
        run["pending"] = ON_START
    while True:
        while run["pending"] != 0:
            if head["status"] != RUNNING:
                return halted(run, ctx)
            if run["compact"] != 0:
                head["notes"] = 0  # nobody reads the notes of a sweep's point
            elif logs_nearly_full(run, ctx):
                return DRAIN
            bit = run["pending"] & -run["pending"]
            run["pending"] &= ~bit
            if run["callbacks"] & bit:
                if run["compiled"] == 0:
                    run["awaiting"] = bit
                    return CALL
                call_back(run["callback"], (bit, run["strategy"], run["context"]))
                if head["intents"] != 0 or ctx["guarded"] != 0:
                    call_settle_bars(run["settle_code"], (run["self"],))
        if head["status"] != RUNNING:
            return halted(run, ctx)
        if run["unworked"] != 0 and head["parents"] != 0 and run["stage"] != ENDED:
            if run["compact"] == 0 and logs_nearly_full(run, ctx):
                return DRAIN
            work(run, ctx)
            continue
        if run["answer_head"] != run["answer_tail"]:
            call_next_answer(run["answer_code"], (run["self"],))
            continue
        if run["stage"] == ENDED:
            if run["compact"] != 0:
                finish_point(run, ctx)
            return DONE
        if run["compact"] != 0:
            head["notes"] = 0
        elif logs_nearly_full(run, ctx):
            return DRAIN
        if run["budget"] <= 0:
            return PAUSE
        turn(run, ctx)
