"""What the account is worth as a run over bars goes on: marks for the full record, or the figures of one sweep point."""

import numpy as np

from b25.engine.logs import log_marks
from b25.kernels.address import record_at
from b25.kernels.bar_tape import row_at, tape_at
from b25.kernels.jit import kernel
from b25.kernels.ledger import equity_change, other_flows
from b25.kernels.units import money_of
from b25.kernels.world import book_at, instrument_at, position_at
from b25.model.bar_run import BLOCKS, POINT

int64 = np.dtype(np.int64)
DAY_NS = 86_400_000_000_000


@kernel
def point_of(run):
    """Return the POINT record."""
    return record_at(run["point"], POINT)


@kernel
def equity_now(run, ctx):
    """Account value with every instrument at its last known price, settlement currency; float."""
    total = ctx["balance"]
    for i in range(ctx["n"]):
        mark2 = book_at(ctx, i)["best_bid_ticks"] + book_at(ctx, i)["best_ask_ticks"]
        total += money_of(instrument_at(ctx, i), equity_change(position_at(ctx, i), instrument_at(ctx, i), mark2))
    return total


@kernel
def mark_event(run, ctx):
    """Mark the account after a fill or a payment."""
    if run["compact"] == 0:
        log_marks(run, ctx)
        return
    note_value(point_of(run), ctx["now_ns"], equity_now(run, ctx))


@kernel
def note_value(point, at_ns, equity):
    """Take one value of the account into the figures of a point."""
    while at_ns > point["midnight_ns"]:
        end_day(point)
    point["equity"] = equity
    if equity > point["peak"]:
        point["peak"] = equity
    else:
        fall = point["peak"] - equity
        if fall > point["drawdown"] * point["peak"]:
            point["drawdown"] = fall / point["peak"]
        point["drawdown_money"] = max(point["drawdown_money"], fall)
    if not equity > 0.0:
        point["broke"] = 1


@kernel
def end_day(point):
    """Take the return of the day that ends at the next midnight: the last value known by then."""
    note_day(point)
    point["midnight_ns"] += DAY_NS


@kernel
def note_day(point):
    """Take one daily return."""
    before = point["day_equity"]
    point["day_equity"] = point["equity"]
    change = point["equity"] / before - 1.0 if before > 0.0 else np.nan
    power = change
    for k in range(4):
        point["day_sums"][k] += power
        power *= change
    down = min(change, 0.0)
    point["day_down"] += down * down
    point["day_best"] = max(point["day_best"], change)
    point["day_worst"] = min(point["day_worst"], change)
    point["days"] += 1


@kernel
def note_bar(point, equity, held, bars):
    """Take the return of one bar into its block of time; `bars` is how many bars the run trades on."""
    k = point["bars"]
    while k >= point["block_end"]:
        point["block"] += 1
        point["block_end"] = (point["block"] + 1) * bars // BLOCKS
    before = point["bar_equity"]
    change = equity / before - 1.0 if before > 0.0 else np.nan
    block = point["blocks"][point["block"]]
    block[0] += 1.0
    block[1] += change
    block[2] += change * change
    point["bar_equity"] = equity
    point["bars"] = k + 1
    if held:
        point["in_market_bars"] += 1


@kernel
def note_bar_close(run, ctx):
    """Take the account's value at the close of a bar, whatever was traded."""
    point = point_of(run)
    if run["step"] <= run["step_trading"]:
        return
    equity = equity_now(run, ctx)
    note_value(point, ctx["now_ns"], equity)
    held = False
    for i in range(ctx["n"]):
        held = held or position_at(ctx, i)["position_lots"] != 0
    note_bar(point, equity, held, run["step_end"] - run["step_trading"])


@kernel
def note_span(run, ctx, first, last):
    """Take the closes of the bars from `first` to `last` (not included) of a single instrument, in which nothing was traded."""
    point = point_of(run)
    first = max(first, run["step_trading"])
    if first >= last:
        return
    bars = run["step_end"] - run["step_trading"]
    position, instrument = position_at(ctx, 0), instrument_at(ctx, 0)
    tape = tape_at(ctx, run["tapes"], 0, 0)
    if position["position_lots"] == 0:
        note_flat_span(point, tape, first, last, bars)
        return
    note_held_span(point, position, instrument, ctx["balance"], tape, first, last, bars)


@kernel
def note_held_span(point, position, instrument, balance, tape, first, last, bars):
    """Take the closes of bars in which a position is held and nothing is traded: what `note_value` and `note_bar` do, in locals.

    A stretch ends with a block or a day, so that nothing but the account's value changes inside one. The arithmetic is the
    one of `equity_now`, operation by operation.
    """
    held, cost, realised, k_inverse = position["position_lots"], position["cost"], position["realised"], instrument["inverse_num"]
    flows, num, den = other_flows(position), float(instrument["money_num"]), float(instrument["money_den"])
    k = first
    while k < last:
        at = point["bars"]
        while at >= point["block_end"]:
            point["block"] += 1
            point["block_end"] = (point["block"] + 1) * bars // BLOCKS
        while row_at(tape, k)["close_ns"] > point["midnight_ns"]:
            end_day(point)
        midnight_ns = point["midnight_ns"]
        end = min(last, k + point["block_end"] - at)
        before, equity, peak = point["bar_equity"], point["equity"], point["peak"]
        drawdown, drawdown_money = point["drawdown"], point["drawdown_money"]
        taken = k
        block = point["blocks"][point["block"]]
        total, squares = block[1], block[2]
        broke = point["broke"]
        while k < end:
            row = row_at(tape, k)
            if row["close_ns"] > midnight_ns:
                break
            price = float(row["close_ticks"])
            profit = held * price - cost if k_inverse == 0 else -(held * (k_inverse / price)) - cost
            equity = balance + (realised + profit + flows) * num / den
            if equity > peak:
                peak = equity
            else:
                fall = peak - equity
                if fall > drawdown * peak:
                    drawdown = fall / peak
                drawdown_money = max(drawdown_money, fall)
            if not equity > 0.0:
                broke = 1
            change = equity / before - 1.0 if before > 0.0 else np.nan
            total += change
            squares += change * change
            before = equity
            k += 1
        point["bar_equity"], point["equity"], point["peak"] = equity, equity, peak
        point["drawdown"], point["drawdown_money"], point["broke"] = drawdown, drawdown_money, broke
        block[0] += k - taken
        block[1] = total
        block[2] = squares
        point["bars"] += k - taken
        point["in_market_bars"] += k - taken


@kernel
def note_flat_span(point, tape, first, last, bars):
    """Take the closes of bars in which nothing is held: the account stays what it is."""
    note_value(point, row_at(tape, last - 1)["close_ns"], point["equity"])
    left = last - first
    # The first bar after a fill still moves from the close before to what the fill left.
    note_bar(point, point["equity"], False, bars)
    left -= 1
    while left > 0:
        while point["bars"] >= point["block_end"]:
            point["block"] += 1
            point["block_end"] = (point["block"] + 1) * bars // BLOCKS
        quiet = min(left, point["block_end"] - point["bars"])
        point["blocks"][point["block"], 0] += quiet
        point["bars"] += quiet
        left -= quiet
