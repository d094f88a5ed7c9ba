"""One live instrument: its book, the chain of its updates, and the rows that came of what was received."""

import ctypes
from collections import Counter
from dataclasses import dataclass

import numpy as np

from b25.kernels.book import make_ladder
from b25.kernels.bridging import BY_FIRST, BY_PREVIOUS, RECENT, STRADDLE, SYNCED, WAITING
from b25.kernels.wire_text import OFF_GRID as OFF_GRID_STATUS
from b25.kernels.wire_text import READ
from b25.market.capture import grid_of
from b25.market.feed import desk_layout as outcome
from b25.market.feed.agg_trade import read_agg_trade
from b25.market.feed.desk_layout import DESK, SKEWS
from b25.market.feed.live_desk import break_chain, take, take_read
from b25.market.grid import places_and_step
from b25.market.slow_path import BadLine, Ignored, OffGrid, SlowReader
from b25.model.book import CROSSED, LEVEL
from b25.model.event import ROW
from b25.model.instrument import Instrument
from b25.model.message import GRID, MESSAGE, SPOT, USDM

LADDER_TICKS, FAR_CAP = 65_536, 4_096
LEVELS_CAP, WAITING_CAP = 16_384, 32_768
ROWS_CAP = LEVELS_CAP + WAITING_CAP + 16_384
LEVELS_MAX = 262_144
SKEW_SAMPLES_MIN = 5
MALFORMED, IGNORED = -20, -21  # outcomes beside those of the kernel: no message of this instrument; sound, and not for us


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the last message was set aside."""

    what: str


class Desk:
    """Takes one instrument's messages as bytes.

    Parameters
    ----------
    instrument : Instrument
        Grid of prices and quantities.
    market : int
        SPOT or USDM: how its messages are laid out and its diffs numbered.
    raw_name : str
        The venue's own name of the symbol, as it stands in the messages.
    ahead_ns : int
        A message whose venue time is further ahead than this, beyond the measured skew, is refused; 0 lets all pass.

    Attributes
    ----------
    ladder : Ladder
        The book.
    refused : Counter of str
        Messages set aside, by reason.
    ignored : Counter of str
        Sound messages that have no place here, by kind.
    """

    def __init__(self, instrument: Instrument, market: int, raw_name: str, *, ahead_ns: int = 0) -> None:
        self.instrument, self.market, self.raw_name = instrument, market, raw_name
        self.ladder = make_ladder(LADDER_TICKS, FAR_CAP)
        self.grid = grid_of(market, places_and_step(instrument.tick), places_and_step(instrument.lot)).astype(GRID)
        self.message, self.levels = np.zeros(1, MESSAGE), np.zeros(LEVELS_CAP, LEVEL)
        self.symbol = np.frombuffer(raw_name.encode(), np.uint8)
        self.skews = np.zeros(SKEWS, np.int64)
        self._rows, self.waiting = np.zeros(ROWS_CAP, ROW), np.zeros(WAITING_CAP, ROW)
        self.recent = np.full(RECENT, -1, np.int64)
        self.slow = SlowReader(raw_name, self.grid[0])
        self.refused: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.fault = ""
        self.desk = np.zeros(1, DESK)
        self.state = self.desk[0]
        self.state["rule"] = BY_FIRST if market == SPOT else BY_PREVIOUS
        self.state["newest_trade"] = self.state["newest_quote"] = self.state["last_id"] = -1
        self.state["empty_first_id"] = self.state["empty_last_id"] = -1
        self.state["ahead_ns"] = 0
        self.ahead_ns = ahead_ns
        self._lay_out()

    def _lay_out(self) -> None:
        for name, array in (
            ("grid", self.grid),
            ("message", self.message),
            ("levels", self.levels),
            ("symbol", self.symbol),
            ("skews", self.skews),
            ("head", self.ladder.head),
            ("lots", self.ladder.lots),
            ("bits", self.ladder.bits),
            ("far", self.ladder.far),
            ("rows", self._rows),
            ("waiting", self.waiting),
            ("recent", self.recent),
        ):
            self.state[name] = array.ctypes.data
        self.state["levels_cap"], self.state["symbol_bytes"] = len(self.levels), len(self.symbol)
        self.state["ladder_ticks"], self.state["far_cap"] = LADDER_TICKS, FAR_CAP
        self.state["rows_cap"], self.state["waiting_cap"] = len(self._rows), len(self.waiting)
        self.address = int(self.desk.ctypes.data)

    def take(self, address: int, size: int, recv_ns: int) -> int:
        """Take the message of `size` bytes at an address; see `desk_layout` for what is returned."""
        done: int = take(self.address, address, size, recv_ns)
        if done > 0:
            return done
        return self._refuse(done, address, size, recv_ns)

    def take_text(self, text: bytes, recv_ns: int) -> int:
        """Take a message that is a bytes object."""
        held = np.frombuffer(text, np.uint8)
        return self.take(int(held.ctypes.data), len(text), recv_ns)

    def _refuse(self, done: int, address: int, size: int, recv_ns: int) -> int:
        if done in (outcome.UNUSUAL, outcome.LEVELS_FULL):
            done = self._take_slowly(ctypes.string_at(address, size), recv_ns)
        if done == outcome.OFF_GRID:
            self.fault = "a price or quantity off the grid"
        if done in REASONS:
            self.refused[REASONS[done]] += 1
        return done

    def _take_slowly(self, text: bytes, recv_ns: int) -> int:
        held = np.frombuffer(text, np.uint8)
        status = read_agg_trade(held, len(text), self.symbol, self.message[0], self.grid[0], self.levels)
        if status == OFF_GRID_STATUS:
            return outcome.OFF_GRID
        if status != READ:
            try:
                levels = self.slow.read(text, self.message[0], self.levels)
            except Ignored as kind:
                self.ignored[str(kind)] += 1
                return IGNORED
            except BadLine as fault:
                self.fault = fault.what
                return outcome.OFF_GRID if isinstance(fault, OffGrid) else MALFORMED
            if len(levels) > LEVELS_MAX:
                self.fault = f"{len(levels):,} levels"
                return MALFORMED
            if levels is not self.levels:
                self._grow(levels)
        return int(take_read(self.address, recv_ns))

    def _grow(self, levels: np.ndarray) -> None:
        """Take over a larger array of levels, and make room for as many rows; nothing may wait in the rows."""
        self.levels = levels
        kept = self.rows().copy()
        self._rows = np.zeros(len(levels) + WAITING_CAP + LEVELS_CAP + len(kept), ROW)
        self._rows[: len(kept)] = kept
        self._lay_out()

    def break_chain(self, recv_ns: int) -> None:
        """Declare a gap before the diff that was BROKEN; it waits for the next snapshot."""
        if break_chain(self.address, recv_ns) == outcome.ROWS_FULL:
            self._rows = np.concatenate([self._rows, np.zeros(len(self._rows), ROW)])
            self._lay_out()
            break_chain(self.address, recv_ns)

    def begin_anew(self) -> None:
        """Let the next new diff be set aside, so that the chain breaks there, live and in a replay, and a snapshot is taken."""
        self.state["discard_next"] = 1

    def distrust(self) -> None:
        """Mark the book as not to be traded on; the next snapshot lifts it."""
        self.ladder.head[0]["health"] |= CROSSED

    def forget_waiting(self) -> None:
        """Drop the diffs that wait for a snapshot."""
        self.state["waiting_rows"] = self.state["waiting_diffs"] = 0

    def rows(self) -> np.ndarray:
        """Rows since the last `drain`, a view into memory that is written again."""
        return self._rows[: int(self.state["row_count"])]

    def drain(self) -> None:
        """Let the rows go."""
        self.state["row_count"] = 0

    def measure_skew(self) -> int | None:
        """Median of venue time minus ours over the newest messages, ns; None before there are enough.

        It is also the measure of what is too far in the future.
        """
        count = min(int(self.state["skew_count"]), SKEWS)
        if count < SKEW_SAMPLES_MIN:
            return None
        skew_ns = int(np.median(self.skews[:count]))
        # After a backlog at the start the venue's clock looks as if it were behind; were that taken for true, every message
        # in time would be refused as one from the future, and never be measured.
        self.state["skew_ns"], self.state["ahead_ns"] = max(skew_ns, 0), self.ahead_ns
        return skew_ns

    @property
    def is_synced(self) -> bool:
        """Whether the book is a snapshot and an unbroken chain of diffs after it."""
        return int(self.state["state"]) == SYNCED

    @property
    def is_healthy(self) -> bool:
        """Whether the book may be traded on, as far as it alone can tell."""
        return self.is_synced and int(self.ladder.head[0]["health"]) == 0 and int(self.state["discard_next"]) == 0

    @property
    def needs_snapshot(self) -> bool:
        """Whether diffs wait for a snapshot."""
        return int(self.state["state"]) == WAITING


REASONS = {
    MALFORMED: "malformed",
    outcome.OFF_GRID: "off the grid",
    outcome.ABSURD: "absurd price",
    outcome.FUTURE: "time in the future",
    outcome.CROSSED: "crossed book",
    outcome.BAD_SNAPSHOT: "crossed snapshot",
    outcome.UNTIMED: "before any time is known",
    outcome.DISCARDED: "to begin the book anew",
}
MARKETS = (SPOT, USDM)
BRIDGE_STATES = {WAITING: "waiting", STRADDLE: "straddling", SYNCED: "synced"}
