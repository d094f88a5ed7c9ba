"""The backtest: a compiled loop around `step`, with the simulated venue answering in the same loop.

The next event is the least of (time, instrument, class, row); class = message to the trader < answer to the trader < row
at the venue < request at the venue. Timers and samples come after every instrument's events of the same time. The loop
returns to its caller to have a plain-Python strategy called, a log emptied, or a moment's breath, and goes on where it
was when entered again: both lives of a strategy run on this same machine code.
"""

import numpy as np

from b25.engine.apply import CALL_BOOK, CALL_GAP, CALL_TRADE
from b25.engine.feed import FOREVER, last_message_ns, next_message_ns, read_message, read_until
from b25.engine.logs import log_marks, logs_nearly_full
from b25.engine.parts import call_answer, call_settle, venues_of
from b25.engine.records import (
    CALL,
    DONE,
    DRAIN,
    HALTED,
    ON_BOOK,
    ON_GAP,
    ON_START,
    ON_STOP,
    ON_TIMER,
    ON_TRADE,
    PAUSE,
    RUN,
)
from b25.execution.parents import call_parents
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.world import head_of
from b25.model.instrument import INSTRUMENT
from b25.model.tape import VENUE_MESSAGE
from b25.model.world import CONTEXT, FEES, RUNNING
from b25.venue.parts import call_replay, call_request
from b25.venue.pipes import answers_of, requests_of
from b25.venue.records import LATENCY, REQUEST, VENUE

call_back = calls("void(int64, uintp, uintp)")
SIZE_OF_VENUE, SIZE_OF_INSTRUMENT = np.uint64(VENUE.itemsize), np.uint64(INSTRUMENT.itemsize)
SIZE_OF_FEES, SIZE_OF_LATENCY, SIZE_OF_REQUEST = (
    np.uint64(FEES.itemsize),
    np.uint64(LATENCY.itemsize),
    np.uint64(REQUEST.itemsize),
)
MESSAGE_CLASS, ANSWER_CLASS, ROW_CLASS, REQUEST_CLASS = 0, 1, 2, 3


@kernel
def replay(run, ctx, i, until_ns, rows_max):
    """Let the venue of instrument `i` replay rows up to a time; returns how many."""
    k = np.uint64(i)
    return call_replay(
        run["replay_code"],
        (
            run["venues"] + k * SIZE_OF_VENUE,
            ctx["instruments"] + k * SIZE_OF_INSTRUMENT,
            run["fees"] + k * SIZE_OF_FEES,
            run["latencies"] + k * SIZE_OF_LATENCY,
            np.int64(until_ns),
            np.int64(rows_max),
        ),
    )


@kernel
def answer_request(run, ctx, i):
    """Let the venue of instrument `i` answer the next request."""
    k = np.uint64(i)
    venue = venues_of(run, ctx)[i]
    place = np.uint64(venue["request_head"] % venue["pipe_size"])
    call_request(
        run["request_code"],
        (
            run["venues"] + k * SIZE_OF_VENUE,
            ctx["instruments"] + k * SIZE_OF_INSTRUMENT,
            run["fees"] + k * SIZE_OF_FEES,
            run["latencies"] + k * SIZE_OF_LATENCY,
            venue["requests"] + place * SIZE_OF_REQUEST,
        ),
    )


@kernel
def next_row_ns(venue):
    """Venue time of the next row; FOREVER after the last."""
    if venue["venue_message_next"] >= venue["venue_message_count"]:
        return np.int64(FOREVER)
    return array_at(venue["venue_messages"], venue["venue_message_count"], VENUE_MESSAGE)[venue["venue_message_next"]]["exch_ns"]


@kernel
def next_answer_ns(venue):
    """Arrival of the next answer; FOREVER when none is under way."""
    if venue["answer_head"] == venue["answer_tail"]:
        return np.int64(FOREVER)
    return answers_of(venue)[venue["answer_head"] % venue["pipe_size"]]["local_ns"]


@kernel
def next_request_ns(venue):
    """Arrival of the next request; FOREVER when none is under way."""
    if venue["request_head"] == venue["request_tail"]:
        return np.int64(FOREVER)
    return requests_of(venue)[venue["request_head"] % venue["pipe_size"]]["arrive_ns"]


@kernel
def watches_messages(run, ctx):
    """True while messages are events one by one: for a strategy that is called for them, and while parent orders are worked."""
    return run["each_message"] != 0 or head_of(ctx)["parents"] != 0


@kernel
def earliest(run, ctx):
    """Return `(time, instrument, class, last)`: the next event, and for rows the last time up to which they may be replayed."""
    best_ns, best_i, best_class = np.int64(FOREVER), 0, MESSAGE_CLASS
    venues = venues_of(run, ctx)
    watches = watches_messages(run, ctx)
    for i in range(ctx["n"]):
        venue = venues[i]
        if watches:
            at = next_message_ns(venue)
            if at < best_ns:
                best_ns, best_i, best_class = at, i, MESSAGE_CLASS
        at = next_answer_ns(venue)
        if at < best_ns:
            best_ns, best_i, best_class = at, i, ANSWER_CLASS
        at = next_row_ns(venue)
        if at < best_ns:
            best_ns, best_i, best_class = at, i, ROW_CLASS
        at = next_request_ns(venue)
        if at < best_ns:
            best_ns, best_i, best_class = at, i, REQUEST_CLASS
    last_ns = best_ns
    if best_class == ROW_CLASS:
        last_ns = rows_until(run, ctx, best_i)
    return best_ns, best_i, best_class, last_ns


@kernel
def rows_until(run, ctx, i):
    """Last venue time up to which instrument `i` may replay before any other event comes first."""
    head = head_of(ctx)
    venues = venues_of(run, ctx)
    last_ns = min(run["sample_next_ns"], np.int64(FOREVER))
    if head["timer_ns"] > 0:
        last_ns = min(last_ns, head["timer_next_ns"])
    watches = watches_messages(run, ctx)
    if head["parents"] != 0:
        last_ns = min(last_ns, head["parent_due_ns"])
    for j in range(ctx["n"]):
        venue = venues[j]
        first = next_answer_ns(venue)
        if watches:
            first = min(first, next_message_ns(venue))
        if j == i:
            # Messages and answers outrank rows of their time, requests do not.
            last_ns = min(last_ns, first - 1, next_request_ns(venue))
        else:
            first = min(first, next_row_ns(venue), next_request_ns(venue))
            last_ns = min(last_ns, first if i < j else first - 1)
    return last_ns


@kernel
def see_until(run, ctx, time_ns, i):
    """Let the trader's books be as of an event of instrument `i`: later instruments' messages of the same time are not seen."""
    if watches_messages(run, ctx):
        return
    venues = venues_of(run, ctx)
    for j in range(ctx["n"]):
        read_until(ctx, venues[j], j, time_ns if j <= i else time_ns - 1)


@kernel
def take_message(run, ctx, i):
    """Bring the next message of instrument `i` to the trader."""
    calls = read_message(ctx, venues_of(run, ctx)[i], i)
    if calls & CALL_BOOK:
        run["pending"] |= ON_BOOK
    if calls & CALL_TRADE:
        run["pending"] |= ON_TRADE
    if calls & CALL_GAP:
        run["pending"] |= ON_GAP


@kernel
def turn(run, ctx):
    """Handle the next event or stride of rows; returns False when nothing is left."""
    head = head_of(ctx)
    time_ns, i, kind, last_ns = earliest(run, ctx)
    tick_ns = run["sample_next_ns"]
    if head["timer_ns"] > 0:
        tick_ns = min(tick_ns, head["timer_next_ns"])
    if head["parents"] != 0:
        tick_ns = min(tick_ns, head["parent_due_ns"])
    if tick_ns < time_ns:
        return tick(run, ctx, time_ns, tick_ns)
    if time_ns == FOREVER:
        return False
    venue = venues_of(run, ctx)[i]
    if kind == ROW_CLASS:
        done = replay(run, ctx, i, last_ns, max(run["budget"], 1))
        run["rows"] += done
        run["budget"] -= done
    elif kind == REQUEST_CLASS:
        answer_request(run, ctx, i)
        venue["request_head"] += 1
    else:
        ctx["now_ns"] = time_ns
        head["now_ns"] = time_ns
        ctx["i"] = i
        run["unworked"] = 1
        if kind == ANSWER_CLASS:
            see_until(run, ctx, time_ns, i)
            call_answer(run["answer_code"], (run["self"], np.int64(i)))
        else:
            take_message(run, ctx, i)
    if venue["status"] != RUNNING:
        head["status"] = venue["status"]
    return True


@kernel
def tick(run, ctx, time_ns, tick_ns):
    """Sample or call the timer at `tick_ns`, unless nothing is left that comes after it; then return False."""
    head = head_of(ctx)
    if time_ns == FOREVER and not messages_after(run, ctx, tick_ns):
        return False
    run["budget"] -= 1
    ctx["now_ns"] = tick_ns
    head["now_ns"] = tick_ns
    see_until(run, ctx, tick_ns, ctx["n"])
    if tick_ns == run["sample_next_ns"]:
        run["sample_next_ns"] += run["sample_ns"]
        log_marks(run, ctx)
    if head["timer_ns"] > 0 and tick_ns == head["timer_next_ns"]:
        head["timer_next_ns"] += head["timer_ns"]
        head["steps"] += 1
        run["end_ns"] = tick_ns
        run["unworked"] = 1
        run["pending"] |= ON_TIMER
    if head["parents"] != 0 and tick_ns == head["parent_due_ns"]:
        run["unworked"] = 1
    return True


@kernel
def messages_after(run, ctx, time_ns):
    """True when a message reaches the trader after `time_ns`."""
    venues = venues_of(run, ctx)
    for i in range(ctx["n"]):
        if last_message_ns(venues[i]) > time_ns:
            return True
    return False


@kernel
def build_up(run, ctx):
    """Replay what lies before the beginning: it builds the books and calls nobody."""
    venues = venues_of(run, ctx)
    for i in range(ctx["n"]):
        venue = venues[i]
        before_ns = run["begin_ns"] - 1
        run["rows"] += replay(run, ctx, i, before_ns, venue["row_count"])
        read_until(ctx, venue, i, before_ns)


@kernel
def finish(run, ctx):
    """Read what is left to read, mark once more, and call `on_stop`."""
    venues = venues_of(run, ctx)
    for i in range(ctx["n"]):
        last_ns = last_message_ns(venues[i])
        if last_ns > ctx["now_ns"]:
            ctx["now_ns"] = last_ns
    head_of(ctx)["now_ns"] = ctx["now_ns"]
    see_until(run, ctx, ctx["now_ns"], ctx["n"])
    log_marks(run, ctx)
    run["stopping"] = 1
    run["pending"] |= ON_STOP


@kernel
def stride(run, ctx):
    """Go from timer to timer while nothing but the market moves; what `turn` would do, without asking what comes next.

    Returns at the first thing that is not a row, a message or a timer of a single instrument.
    """
    head = head_of(ctx)
    venue = venues_of(run, ctx)[0]
    period_ns = head["timer_ns"]
    while venue["answer_head"] == venue["answer_tail"] and venue["request_head"] == venue["request_tail"]:
        tick_ns = head["timer_next_ns"]
        if run["sample_next_ns"] <= tick_ns or head["timer_ns"] != period_ns or run["budget"] <= 0:
            return
        if next_row_ns(venue) <= tick_ns:
            done = replay(run, ctx, 0, tick_ns, run["budget"])
            run["rows"] += done
            run["budget"] -= done
            if venue["status"] != RUNNING or next_row_ns(venue) <= tick_ns:
                return
            continue
        if next_row_ns(venue) == FOREVER:
            return
        run["budget"] -= 1
        ctx["now_ns"] = tick_ns
        head["now_ns"] = tick_ns
        read_until(ctx, venue, 0, tick_ns)
        head["timer_next_ns"] = tick_ns + period_ns
        head["steps"] += 1
        run["end_ns"] = tick_ns
        call_back(run["callback"], (np.int64(ON_TIMER), run["strategy"], run["context"]))
        if head["intents"] != 0:
            call_settle(run["settle_code"], (run["self"],))
            run["unworked"] = 1
            return
        if head["status"] != RUNNING or head["parents"] != 0:
            run["unworked"] = 1
            return


@kernel
def may_stride(run, ctx):
    """True for one instrument and a compiled strategy without parent orders, not watched, that its timer alone calls."""
    if head_of(ctx)["parents"] != 0:
        return False
    timed = head_of(ctx)["timer_ns"] > 0 and run["callbacks"] & ON_TIMER != 0
    return ctx["guarded"] == 0 and ctx["n"] == 1 and timed and run["compiled"] != 0 and run["each_message"] == 0


@kernel
def work(run, ctx):
    """Work the parent orders after an event, and judge what they ask for."""
    run["unworked"] = 0
    call_parents(ctx["parents_code"], (run["context"],))
    call_settle(run["settle_code"], (run["self"],))


@late_kernel("int64(uintp)")
def run_loop(address):
    """Run until there is a reason to return; see the constants of engine/records.py."""
    run = record_at(address, RUN)
    ctx = record_at(run["context"], CONTEXT)
    head = head_of(ctx)
    if run["awaiting"] != 0:
        run["awaiting"] = 0
        if head["intents"] != 0 or ctx["guarded"] != 0:
            call_settle(run["settle_code"], (run["self"],))
    if run["started"] == 0:
        build_up(run, ctx)
        run["started"] = 1
        run["unworked"] = 1
        run["pending"] = ON_START
    while True:
        while run["pending"] != 0:
            if head["status"] != RUNNING:
                return HALTED
            if logs_nearly_full(run, ctx):
                return DRAIN
            bit = run["pending"] & -run["pending"]
            run["pending"] &= ~bit
            if run["callbacks"] & bit:
                if run["compiled"] == 0:
                    run["awaiting"] = bit
                    return CALL
                call_back(run["callback"], (bit, run["strategy"], run["context"]))
                if head["intents"] != 0 or ctx["guarded"] != 0:
                    call_settle(run["settle_code"], (run["self"],))
        if head["status"] != RUNNING:
            return HALTED
        if run["stopping"] != 0:
            return DONE
        if run["unworked"] != 0 and head["parents"] != 0:
            if logs_nearly_full(run, ctx):
                return DRAIN
            work(run, ctx)
            if head["status"] != RUNNING:
                return HALTED
        if logs_nearly_full(run, ctx):
            return DRAIN
        if run["budget"] <= 0:
            return PAUSE
        if may_stride(run, ctx):
            stride(run, ctx)
            if head["status"] != RUNNING or head["parents"] != 0 or logs_nearly_full(run, ctx) or run["budget"] <= 0:
                continue
        if not turn(run, ctx):
            finish(run, ctx)
