"""b25 keeps an order book from the same raw Binance frames, one call from Python a frame, as a live feed would.

`calls` hands the kernel one frame at a time, which is what ccxt.pro is compared with; `loop` stays in machine code and
shows what the kernels alone can do.
"""

import gzip
import time
from decimal import Decimal
from typing import Any

import numpy as np
from agreement import book_summary
from serving import percentiles_us, serve

from b25.kernels.address import array_at, record_at
from b25.kernels.book import CLEAR_CROSSED, clear_all, end_message, make_ladder, set_level
from b25.kernels.jit import kernel
from b25.kernels.wire_binance import read_message
from b25.kernels.wire_text import READ
from b25.model.book import BOOK, LEVEL
from b25.model.message import COINM, DIFF, FULL_BOOK, GRID, MESSAGE, SPOT, USDM

MARKETS = {"binance": SPOT, "binanceusdm": USDM, "binancecoinm": COINM}
LEVELS_MAX = 20_000

# Where everything lies that one frame touches: one address goes into the kernel instead of ten arrays.
DESK = np.dtype(
    [(name, "i8") for name in ("grid", "message", "levels", "head", "lots", "bits", "far", "symbol", "symbol_bytes")], align=True
)
SIZE, FAR_CAP = 65_536, 4_096


@kernel
def apply_frame(desk_address, frame_address, frame_bytes):
    """Apply one frame to the book; 1 applied, 0 too old, 2 the snapshot, negative when it must not be applied."""
    desk = record_at(desk_address, DESK)
    grid, message = record_at(desk["grid"], GRID), record_at(desk["message"], MESSAGE)
    levels = array_at(desk["levels"], LEVELS_MAX, LEVEL)
    head = record_at(desk["head"], BOOK)
    lots, bits = array_at(desk["lots"], (2, SIZE), np.int64), array_at(desk["bits"], (2, SIZE // 64), np.uint64)
    far = array_at(desk["far"], (2, FAR_CAP), LEVEL)
    symbol = array_at(desk["symbol"], desk["symbol_bytes"], np.uint8)
    frame = array_at(frame_address, frame_bytes, np.uint8)
    status, _ = read_message(frame, 0, frame_bytes, symbol, grid, message, levels)
    if status != READ:
        return -1
    known = head["last_update_id"]
    outcome = 1
    if message["kind"] == FULL_BOOK:
        clear_all(head, lots, bits, far)
        outcome = 2
    elif message["kind"] != DIFF:
        return -2
    elif known == 0 or message["last_id"] < known or (message["prev_id"] < 0 and message["last_id"] == known):
        return 0
    elif message["prev_id"] != known and message["first_id"] > known + (message["prev_id"] < 0):
        return -3  # neither the next of the chain nor the one that bridges to the snapshot
    bids, asks = message["bids"], message["asks"]
    for i in range(bids):
        set_level(head, lots, bits, far, 0, levels[i]["price_ticks"], levels[i]["qty_lots"])
    for i in range(bids, bids + asks):
        set_level(head, lots, bits, far, 1, levels[i]["price_ticks"], levels[i]["qty_lots"])
    end_message(head, lots, bits, far, CLEAR_CROSSED)
    head["last_update_id"] = message["last_id"]
    head["exch_ns"] = message["exch_ns"]
    return outcome


@kernel
def apply_frames(desk_address, text_address, starts, ends):
    """Apply frames of one text in machine code; return how many were applied."""
    applied = 0
    for i in range(starts.shape[0]):
        applied += apply_frame(desk_address, text_address + starts[i], ends[i] - starts[i]) == 1
    return applied


class Desk:
    """One empty book and the memory that the kernel works on; the arrays live as long as this does."""

    def __init__(self, venue: str, market_id: str, tick: str, lot: str) -> None:
        self.ladder = make_ladder(SIZE, FAR_CAP)
        self.grid = np.zeros(1, GRID)
        for what, unit in (("price", Decimal(tick)), ("qty", Decimal(lot))):
            digits, exponent = unit.as_tuple().digits, int(unit.as_tuple().exponent)
            self.grid[f"{what}_places"] = max(0, -exponent)
            self.grid[f"{what}_step"] = int("".join(map(str, digits))) * 10 ** max(0, exponent)
        self.grid["market"] = MARKETS[venue]
        self.message, self.levels = np.zeros(1, MESSAGE), np.zeros(LEVELS_MAX, LEVEL)
        self.symbol = np.frombuffer(market_id.encode(), np.uint8)
        self.tick, self.lot = Decimal(tick), Decimal(lot)
        self.desk = np.zeros(1, DESK)
        for name, array in (
            ("grid", self.grid),
            ("message", self.message),
            ("levels", self.levels),
            ("head", self.ladder.head),
            ("lots", self.ladder.lots),
            ("bits", self.ladder.bits),
            ("far", self.ladder.far),
            ("symbol", self.symbol),
        ):
            self.desk[name] = array.ctypes.data
        self.desk["symbol_bytes"] = len(self.symbol)
        self.address = int(self.desk.ctypes.data)

    def summary(self) -> dict[str, Any]:
        """Every level of the book, as `agreement` compares them."""
        head, lots, _, far = self.ladder.book
        sides = []
        for side, count in ((0, int(head["far_bids"])), (1, int(head["far_asks"]))):
            near = [(int(head["base_ticks"]) + int(slot), int(lots[side][slot])) for slot in np.flatnonzero(lots[side])]
            beyond = [(int(level["price_ticks"]), int(level["qty_lots"])) for level in far[side][:count]]
            sides.append([(ticks * self.tick, held * self.lot) for ticks, held in near + beyond])
        return book_summary(*sides, int(head["last_update_id"]))


def text_of(capture: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The frames of a capture that move the book: one text, and where each begins and ends.

    The first snapshot stands in front: what arrived before it waits for it, and the update ids say what it contains.
    """
    snapshots, diffs = [], []
    with gzip.open(capture, "rb") as lines:
        for line in lines:
            frame = line[20:].rstrip()
            if frame.startswith(b'{"lastUpdateId"'):
                snapshots.append(frame)
            elif b'"depthUpdate"' in frame:
                diffs.append(frame)
    frames = [*snapshots[:1], *diffs]
    ends = np.cumsum([len(frame) for frame in frames])
    return np.frombuffer(b"".join(frames), np.uint8), np.concatenate([[0], ends[:-1]]), ends


def calls(venue: str, capture: str, market_id: str, tick: str, lot: str) -> dict[str, Any]:
    """One call a frame; each frame that is applied is timed."""
    text, starts, ends = text_of(capture)
    desk = Desk(venue, market_id, tick, lot)
    address, durations_ns, clock = int(text.ctypes.data), [], time.perf_counter_ns
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        begun = clock()
        outcome = apply_frame(desk.address, address + start, end - start)
        took_ns = clock() - begun
        if outcome < 0:
            raise RuntimeError(f"frame at {start} was refused with {outcome}")
        if outcome == 1:
            durations_ns.append(took_ns)
    return {
        "messages": len(durations_ns),
        "messages_per_s": len(durations_ns) / (sum(durations_ns) / 1e9),
        **percentiles_us(durations_ns),
        "book": desk.summary(),
    }


def loop(venue: str, capture: str, market_id: str, tick: str, lot: str) -> dict[str, Any]:
    """All frames in one call."""
    text, starts, ends = text_of(capture)
    desk = Desk(venue, market_id, tick, lot)
    begun = time.perf_counter()
    applied = apply_frames(desk.address, int(text.ctypes.data), starts, ends)
    return {"messages": int(applied), "messages_per_s": applied / (time.perf_counter() - begun), "book": desk.summary()}


if __name__ == "__main__":
    serve({"calls": calls, "loop": loop})
