"""What the venue shows is what the book of the data holds, after every message, also across snapshots and crossings."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.kernels.annotate_book import apply_row
from b25.kernels.book import make_ladder
from b25.market import tape as tapes
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, ROW, SELL, SNAPSHOT
from b25.venue.models import ConstantLatency, Fees, Models
from b25.venue.replay import replay_rows
from b25.venue.simulated import SimulatedVenue
from tests.engine.runs import ETH
from tests.kernels.test_book import contents


def bridged_rows(messages: list[tuple[int, list[tuple[int, int, int]]]]) -> np.ndarray:
    """Rows of (kind, levels) messages, each continuing the chain of the one before."""
    rows = []
    for k, (kind, levels) in enumerate(messages):
        if kind == SNAPSHOT:
            bids = [(SNAPSHOT, *level) for level in levels if level[0] == BUY]
            asks = [(SNAPSHOT, *level) for level in levels if level[0] == SELL]
            parts = [(CLEAR, BUY, NO_BID_TICKS, 0), *bids, (CLEAR, SELL, NO_ASK_TICKS, 0), *asks]
        else:
            parts = [(DEPTH, *level) for level in levels]
        for number, (what, side, ticks, lots) in enumerate(parts, 1):
            row = np.zeros(1, ROW)
            row["exch_ns"] = row["recv_ns"] = 10 * k
            row["first_id"], row["last_id"], row["prev_id"] = k, k, k - 1
            row["kind"], row["side"], row["price_ticks"], row["qty_lots"] = what, side, ticks, lots
            row["flags"] = LAST_OF_MESSAGE if number == len(parts) else 0
            rows.append(row)
    return np.concatenate(rows)


def messages_of(seed: int, size: int, *, crossing: bool) -> list[tuple[int, list[tuple[int, int, int]]]]:
    dice = random.Random(seed)
    found = [(SNAPSHOT, [(BUY, t, 5) for t in range(96, 100)] + [(SELL, t, 5) for t in range(101, 105)])]
    for _ in range(size):
        levels = []
        for _ in range(dice.randint(1, 4)):
            side, ticks = dice.choice([BUY, SELL]), dice.randint(95, 105)
            if not crossing:
                ticks = min(ticks, 99) if side == BUY else max(ticks, 100)
            levels.append((side, ticks, dice.choice([0, 1, 5])))
        found.append((DEPTH, sorted(levels, key=lambda level: -level[0])))
    return found


def compare_after_every_message(rows: np.ndarray) -> None:
    tape = tapes.bridged_tape(ETH, rows)
    venue = SimulatedVenue(
        tape.venue,
        tape.messages,
        tape.levels,
        base_ticks=tape.base_ticks,
        size_ticks=tape.size_ticks,
        crossed_kept=False,
        models=Models(),
    )
    ladder = make_ladder()
    instrument, fees, latency = ETH.record()[0], Fees().record(ETH)[0], ConstantLatency().record()[0]
    for k, row in enumerate(tape.venue):
        apply_row(*ladder.book, row)
        # It goes message by message.
        while venue.record[0]["row_next"] <= k:
            replay_rows(venue.record[0], instrument, fees, latency, 2**62, 1)
        if row["flags"] & LAST_OF_MESSAGE:
            assert venue.record[0]["row_next"] == k + 1
            bids, asks = contents(ladder)
            for side, levels in enumerate((bids, asks)):
                shown = venue.lots[:-1].reshape(2, -1)[side]
                slots = np.flatnonzero(shown)
                assert dict(zip((slots + tape.base_ticks).tolist(), shown[slots].tolist(), strict=True)) == levels


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), size=st.integers(0, 60))
def test_the_venue_shows_the_levels_of_the_data(seed, size):
    compare_after_every_message(bridged_rows(messages_of(seed, size, crossing=False)))


@pytest.mark.parametrize("seed", range(30))
def test_levels_that_a_crossing_removed_are_not_shown_to_the_queue(seed):
    compare_after_every_message(bridged_rows(messages_of(seed, 20, crossing=True)))
