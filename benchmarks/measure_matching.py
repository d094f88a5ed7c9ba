"""The matching engine by itself: commands a second in a deep book, on one core."""

import os
import statistics
import time
from collections.abc import Iterator

import numpy as np
from figures import Figure, spread
from stage import Stage

COMMANDS, DEPTH, ROUNDS = 1_000_000, 20_000, 5
MID_TICKS, SPAN_TICKS = 50_000, 2_000
LIMITS, CANCELS = 0.48, 0.46  # the rest are market orders


def matching_engine(stage: Stage) -> Iterator[Figure]:
    """A random mix of limit, cancel and market in a book that stays deep; a cancel names an order that was live when drawn."""
    from b25.model.matching import MatchKind
    from b25.venue.exchange.matching_book import MatchingBook

    laid, mix = commands()
    speeds, hashes, kinds = [], set(), np.zeros(1)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        for k in range(ROUNDS + 1):
            book = MatchingBook(tracks_changes=False)
            book.run(laid)
            begun = time.perf_counter()
            events = book.run(mix)
            took_s = time.perf_counter() - begun
            hashes.add(book.hash)
            kinds = np.bincount(events["kind"], minlength=len(MatchKind) + 1)
            if k:  # the first compiles
                speeds.append(COMMANDS / took_s / 1e6)
    finally:
        os.sched_setaffinity(0, allowed)
    detail = (
        f"{spread(speeds)}; {kinds[MatchKind.TRADE]:,} trades, {kinds[MatchKind.CANCELLED]:,} cancels, "
        f"{kinds[MatchKind.REJECTED]:,} for orders gone by then; {book.order_count:,} orders rest at the end; "
        f"{len(hashes)} state in {ROUNDS + 1} runs"
    )
    yield Figure("matching engine, commands on one core", statistics.median(speeds), "M/s", 3, 8, True, detail)


def commands() -> tuple[np.ndarray, np.ndarray]:
    """The orders that make the book deep, and the mix."""
    from b25.model.matching import CANCEL, MARKET, MATCH_COMMAND, PLACE

    dice = np.random.default_rng(25)
    total = DEPTH + COMMANDS
    rows = np.zeros(total, MATCH_COMMAND)
    rows["kind"], rows["order_id"] = PLACE, np.arange(1, total + 1)
    rows["side"] = np.where(dice.random(total) < 0.5, 1, -1)
    distance = 1 + dice.exponential(SPAN_TICKS / 4, total).astype(np.int64) % SPAN_TICKS
    rows["price_ticks"] = MID_TICKS - rows["side"] * distance
    rows["qty_lots"], rows["account"] = dice.integers(1, 50, total), dice.integers(1, 60, total)
    live = list(range(1, DEPTH + 1))
    kinds, picks = dice.random(COMMANDS).tolist(), dice.random(COMMANDS).tolist()
    for k in range(COMMANDS):
        row = DEPTH + k
        if kinds[k] < LIMITS:
            live.append(row + 1)
        elif kinds[k] < LIMITS + CANCELS and live:
            at = int(picks[k] * len(live))
            live[at], live[-1] = live[-1], live[at]
            rows["kind"][row], rows["order_id"][row] = CANCEL, live.pop()
        else:
            rows["flags"][row], rows["price_ticks"][row] = MARKET, 0
    return rows[:DEPTH].copy(), rows[DEPTH:].copy()


MEASURES = [matching_engine]
