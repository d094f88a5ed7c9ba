"""What the wire kernels make of one message of a venue: its header, and how its numbers are to be read."""

from typing import Final

import numpy as np

# Kinds of message.
DIFF: Final = 1  # changed levels of both sides
PRINT: Final = 2  # one public trade
TICKER: Final = 3  # best bid and offer
FULL_BOOK: Final = 4  # a snapshot fetched by REST

# Markets, which differ in the fields they send.
USDM: Final = 0
COINM: Final = 1
SPOT: Final = 2

# One message. Its levels lie in a LEVEL array beside it, bids first; a print has one, a ticker one a side.
MESSAGE = np.dtype(
    [
        ("exch_ns", "i8"),  # T where the venue sends it, else E; 0 when it sends neither
        ("first_id", "i8"),
        ("last_id", "i8"),
        ("prev_id", "i8"),  # -1 where the venue sends none
        ("bids", "i8"),
        ("asks", "i8"),
        ("kind", "u1"),
        ("side", "i1"),  # of a print: the aggressor's
        ("pad", "u1", (6,)),
    ],
    align=True,
)
assert MESSAGE.itemsize == 56

# A number is read at `places` decimals and divided by `step`; what does not fit is off the grid.
# Tick 0.5: one place, step 5. Places 8 and step 1 read any price before its tick is known.
GRID = np.dtype(
    [
        ("price_places", "i8"),
        ("price_step", "i8"),
        ("qty_places", "i8"),
        ("qty_step", "i8"),
        ("market", "i8"),
    ],
    align=True,
)
assert GRID.itemsize == 40

# Where the reader of a capture stands, between chunks and between the messages that the slow path takes.
CURSOR = np.dtype(
    [
        ("at", "i8"),  # first byte of the line that is not yet read
        ("rows", "i8"),  # rows written into the chunk's array
        ("lines", "i8"),  # read so far, of the whole capture
        ("exch_ns", "i8"),  # newest venue time so far, for the snapshot of a venue that does not time it
        ("empty_first_id", "i8"),  # a diff without levels is merged into the next one; -1 when there is none
        ("empty_prev_id", "i8"),
        ("diffs", "i8"),
        ("prints", "i8"),
        ("tickers", "i8"),
        ("full_books", "i8"),
    ],
    align=True,
)
assert CURSOR.itemsize == 80

# A row of the archive before its instrument's tick and lot are known.
RAW_ROW = np.dtype(
    [
        ("exch_ns", "i8"),
        ("recv_ns", "i8"),
        ("first_id", "i8"),
        ("last_id", "i8"),
        ("prev_id", "i8"),
        ("price", "i8"),  # in steps of the grid; -1 in a CLEAR row: the whole side
        ("qty", "i8"),
        ("kind", "u1"),
        ("side", "i1"),
        ("flags", "u1"),
        ("pad", "u1", (5,)),
    ],
    align=True,
)
assert RAW_ROW.itemsize == 64
