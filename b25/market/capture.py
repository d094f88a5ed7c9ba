"""Read a raw capture into rows: the compiled reader takes what it knows, the slow path the rest, and both are counted."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from b25.kernels.wire_rows import ROWS_FULL, append_message, read_lines
from b25.kernels.wire_text import NO_ROOM, READ
from b25.market.capture_text import Damaged, pieces
from b25.market.slow_path import BadLine, Ignored, OffGrid, SlowReader, TooLarge, split_line
from b25.model.book import LEVEL
from b25.model.errors import Misuse
from b25.model.message import CURSOR, GRID, MESSAGE, RAW_ROW

OnBad = Literal["error", "skip"]
Progress = Callable[[int], None]  # told the bytes of text read so far

LEVELS_AT_FIRST = 16_384
BYTES_PER_ROW_MIN = 10  # the shortest level is ["1","0"],
ROWS_SPARE = 64
BAD_KEPT_MAX = 10_000  # lines kept aside; the rest is only counted


@dataclass(slots=True)
class Capture:
    """What a capture holds, before ticks and lots.

    Attributes
    ----------
    parts : list of ndarray of RAW_ROW
        The rows in file order; prices and quantities in steps of the grid that it was read with.
    text_bytes : int
        Unpacked size.
    ignored : Counter of str
        Sound messages that are not archived, by kind.
    bad : list of (line number, why, text)
        Lines set aside.
    """

    grid: np.ndarray
    parts: list[np.ndarray] = field(default_factory=list)
    lines: int = 0
    text_bytes: int = 0
    diffs: int = 0
    trades: int = 0
    tickers: int = 0
    snapshots: int = 0
    slow_messages: int = 0
    bad_lines: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str, bytes]] = field(default_factory=list)
    damage: str = ""


def grid_of(market: int, price: tuple[int, int], qty: tuple[int, int]) -> np.ndarray:
    """Return one GRID row from (places, step) of prices and of quantities."""
    grid = np.zeros(1, GRID)
    grid[0] = (*price, *qty, market)
    return grid


def read_capture(
    path: Path,
    symbol: str,
    grid: np.ndarray,
    *,
    on_bad: OnBad = "error",
    tentative: bool = False,
    progress: Progress | None = None,
) -> Capture:
    """Read the lines of a capture.

    Parameters
    ----------
    path : Path
        Plain or gzip.
    symbol : str
        The venue's own name of the symbol.
    grid : ndarray of GRID, shape (1,)
        How numbers are read, and the market.
    on_bad : {"error", "skip"}
        Stop at the first line that cannot be what it should, or set such lines aside.
    tentative : bool
        Raise OffGrid at the first value off the grid, whatever `on_bad` says: the caller knows another grid to try.
    progress : callable, optional
        Told the number of bytes read, after each piece.

    Raises
    ------
    Misuse
        Naming file, line and value.
    """
    reader = _Reader(path, symbol, grid, on_bad, tentative=tentative)
    parts: list[np.ndarray] = []
    for piece in _undamaged(pieces(path, salvage=on_bad == "skip"), reader.capture, on_bad):
        parts += reader.read(piece)
        if progress is not None:
            progress(reader.capture.text_bytes)
    return reader.finish(parts)


def _undamaged(text: Iterator[bytes], capture: Capture, on_bad: OnBad) -> Iterator[bytes]:
    try:
        yield from text
    except Damaged as damage:
        if on_bad == "error":
            raise
        capture.damage = damage.what


class _Reader:
    """Alternates between the compiled reader and the slow path over the pieces of one file."""

    def __init__(self, path: Path, symbol: str, grid: np.ndarray, on_bad: OnBad, *, tentative: bool) -> None:
        self.path = path
        self.tentative = tentative
        self.on_bad = on_bad
        self.symbol = np.frombuffer(symbol.encode(), np.uint8)
        self.slow = SlowReader(symbol, grid[0])
        self.capture = Capture(grid)
        self.cursor = np.zeros(1, CURSOR)
        self.cursor["empty_first_id"] = -1
        self.message = np.zeros(1, MESSAGE)
        self.levels = np.zeros(LEVELS_AT_FIRST, LEVEL)

    def read(self, piece: bytes) -> list[np.ndarray]:
        """Rows of one piece of whole lines, in one or more arrays."""
        text = np.frombuffer(piece, np.uint8)
        cursor = self.cursor[0]
        cursor["at"] = cursor["rows"] = 0
        rows = np.empty(len(piece) // BYTES_PER_ROW_MIN + ROWS_SPARE, RAW_ROW)
        done: list[np.ndarray] = []
        while True:
            status = read_lines(text, len(piece), self.symbol, self.capture.grid[0], cursor, self.message[0], self.levels, rows)
            if status == READ:
                break
            if status == NO_ROOM:
                self.levels = np.zeros(2 * len(self.levels), LEVEL)
            elif status == ROWS_FULL:
                done.append(rows[: cursor["rows"]])
                rows = np.empty(len(rows), RAW_ROW)
                cursor["rows"] = 0
            else:
                start = int(cursor["at"])
                stop = piece.index(b"\n", start)
                self._read_slowly(piece[start:stop], rows)
                cursor["at"] = stop + 1
                cursor["lines"] += 1
        self.capture.text_bytes += len(piece)
        done.append(rows[: cursor["rows"]])
        return done

    def _read_slowly(self, line: bytes, rows: np.ndarray) -> None:
        number = int(self.cursor[0]["lines"]) + 1
        try:
            recv_ns, text = split_line(line)
            self.levels = self.slow.read(text, self.message[0], self.levels)
        except Ignored as kind:
            self.capture.ignored[str(kind)] += 1
        except TooLarge:
            raise
        except BadLine as fault:
            if self.on_bad == "error" or (self.tentative and isinstance(fault, OffGrid)):
                raise type(fault)(f"{self.path.name}, line {number:,}: {fault.what}", remedy=fault.remedy) from None
            self.capture.bad_lines += 1
            if len(self.capture.bad) < BAD_KEPT_MAX:
                self.capture.bad.append((number, fault.what, line))
        else:
            self.capture.slow_messages += 1
            append_message(self.message[0], self.levels, recv_ns, self.cursor[0], rows)

    def finish(self, parts: list[np.ndarray]) -> Capture:
        """Give untimed rows at the beginning the first time that is known; refuse an empty capture."""
        capture, cursor = self.capture, self.cursor[0]
        capture.lines = int(cursor["lines"])
        if capture.lines == 0:
            raise Misuse(f"{self.path.name}: the capture is empty", remedy="give a capture with at least one message")
        capture.parts = [part for part in parts if len(part)]
        capture.diffs, capture.trades = int(cursor["diffs"]), int(cursor["prints"])
        capture.tickers, capture.snapshots = int(cursor["tickers"]), int(cursor["full_books"])
        _time_the_beginning(capture.parts)
        return capture


def _time_the_beginning(parts: list[np.ndarray]) -> None:
    """Spot snapshots and tickers bear no time; before the first timed message they get its time, or none else the receipt's."""
    first = next((int(part["exch_ns"][part["exch_ns"] != 0][0]) for part in parts if part["exch_ns"].any()), None)
    for part in parts:
        untimed = part["exch_ns"] == 0
        if not untimed.any():
            return
        part["exch_ns"][untimed] = part["recv_ns"][untimed] if first is None else first
