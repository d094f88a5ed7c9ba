"""Where everything lies that a live message touches, and what can become of a message.

The compiled code of `live_desk` holds these as constants, and numba's cache would not notice an edit here: `live_desk.LAYOUT`
names this file's hash, and a test compares the two.
"""

from typing import Final

import numpy as np

# Not taken, and nothing changed.
UNUSUAL: Final = -1  # other bytes than expected: the slow path reads it
LEVELS_FULL: Final = -2  # more levels than fit: the slow path makes room
ROWS_FULL: Final = -3  # drain the rows and give the message again
WAITING_FULL: Final = -4  # too many diffs wait for a snapshot
# Refused. A recording sets these aside, so that a replay does not see them either.
OFF_GRID: Final = -10
ABSURD: Final = -11  # a price further from the touch than any price can move between two messages, or above all bounds
FUTURE: Final = -12
CROSSED: Final = -13
BAD_SNAPSHOT: Final = -14  # bids at or above asks
UNTIMED: Final = -15  # bears no time, and none is known yet
DISCARDED: Final = -16  # to break the chain where the book must be begun anew
# Taken.
APPLIED: Final = 1
TRADED: Final = 2
QUOTED: Final = 3
WAITED: Final = 4  # a diff without a snapshot yet
DROPPED: Final = 5  # a diff that the snapshot holds
STALE: Final = 6  # a diff that was applied before
EMPTY: Final = 7  # a diff without levels
REPEATED: Final = 8  # a trade that was seen before
BRIDGED: Final = 9  # a snapshot, with the diffs that waited for it
SPARE: Final = 10  # a snapshot that was not needed
BROKEN: Final = 11  # a diff that does not continue the chain: the caller decides
BRIDGED_TO_GAP: Final = 12  # a snapshot, and a gap before one of the diffs that waited
BRIDGED_CROSSED: Final = 13
UNNEEDED: Final = 14  # nothing new, and nothing that a recording should hold

SKEWS: Final = 256  # samples of venue time minus ours, of which the median is the skew

# An address goes into the kernel instead of a dozen arrays.
DESK = np.dtype(
    [
        (name, "i8")
        for name in (
            *("grid", "message", "levels", "levels_cap", "symbol", "symbol_bytes", "skews"),  # addresses and sizes
            *("head", "lots", "bits", "far", "ladder_ticks", "far_cap"),
            *("rows", "rows_cap", "waiting", "waiting_cap", "recent"),
            *("rule", "state", "last_id", "newest_trade", "trades"),  # of the bridge, see b25.kernels.bridging
            *("exch_ns", "empty_first_id", "empty_prev_id", "empty_last_id"),  # as in a capture's CURSOR
            *("row_count", "waiting_rows", "waiting_diffs", "newest_quote", "discard_next"),
            *("band_ticks", "skew_ns", "ahead_ns"),  # limits; 0 band_ticks or ahead_ns: not checked
            *("messages", "applied", "dropped", "stale", "snapshots", "spare_snapshots", "gaps", "repeated_trades"),
            *("crossed", "diff_recv_ns", "print_recv_ns", "quote_recv_ns", "skew_count"),
        )
    ],
    align=True,
)
