"""The journal: everything that entered a session and everything that it decided, in one file that is only ever appended to.

A file is `MAGIC` and then records. A record is 16 bytes of header (its number, its payload's length and CRC-32, and a CRC-32 of
those three), and the payload, whose first byte says what it is. What enters is written before it is applied, with one `write`
call, so that nothing which a session acted on is lost when the process is killed. A record that was being written at that moment
is cut off when the file is opened again; damage anywhere else is told and never skipped.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from zlib import crc32

import numpy as np
import orjson

from b25.model.errors import Misuse, Resync
from b25.model.event import EVENT
from b25.model.order import EFFECT
from b25.model.world import NOTE

MAGIC: Final = b"B25JRNL1"
HEAD: Final = struct.Struct("<IIII")
SEQ: Final = struct.Struct("<Bq")
PAYLOAD_BYTES_MAX: Final = 1 << 28

# What a record is.
HEADER: Final = 1  # JSON: all that a replay needs beside the events
EVENTS: Final = 2  # EVENT rows that entered together
EFFECTS: Final = 3  # what one event led to: its number, then EFFECT rows
STATE: Final = 4  # the positions after one event: its number, then POSITION rows
NOTES: Final = 5  # what the strategy noted: NOTE rows
END: Final = 6  # JSON: why the session ended, and the sums of what it left behind


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its number in the file, its kind, and its payload without the kind's byte."""

    number: int
    kind: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The object of a HEADER or END."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def events(self) -> np.ndarray[Any, Any]:
        """The rows of an EVENTS record, in memory of their own."""
        return np.frombuffer(self.body, EVENT).copy()

    @property
    def seq(self) -> int:
        """Number of the event that an EFFECTS or STATE record belongs to."""
        return int.from_bytes(self.body[:8], "little", signed=True)

    @property
    def rows(self) -> bytes:
        """The rows of an EFFECTS or STATE record."""
        return self.body[8:]

    @property
    def effects(self) -> np.ndarray[Any, Any]:
        """The rows of an EFFECTS record."""
        return np.frombuffer(self.body, EFFECT, offset=8).copy()

    @property
    def notes(self) -> np.ndarray[Any, Any]:
        """The rows of a NOTES record."""
        return np.frombuffer(self.body, NOTE).copy()


class Journal:
    """Appends to one file.

    Parameters
    ----------
    path : Path
        Must not exist: a session never writes over another's journal.
    header : dict
        JSON values.

    Raises
    ------
    Misuse
        When the file is there already, or cannot be made.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path, self.number, self.bytes = path, 0, 0
        self._waiting = bytearray()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise Misuse(f"there is a journal {path} already", remedy="give the session another name") from None
        except OSError as fault:
            raise Misuse(f"the journal {path} cannot be made: {fault.strerror}", remedy="choose another folder") from None
        _claim(self._file, path)
        self._waiting += MAGIC
        self._put(bytes([HEADER]) + orjson.dumps(header))
        self.flush()

    @classmethod
    def resume(cls, path: Path) -> Self:
        """Open a journal to go on with it; what was torn at its end is cut off first.

        Raises
        ------
        Resync
            When it is damaged elsewhere.
        Misuse
            When a process writes it.
        """
        made = cls.__new__(cls)
        made._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            _claim(made._file, path)
            count, whole = 0, len(MAGIC)
            for record in (reading := Reading(path)):
                count, whole = record.number + 1, reading.at
            os.ftruncate(made._file, whole)
        except BaseException:
            made.close()
            raise
        made.path, made.number, made.bytes, made._waiting = path, count, whole, bytearray()
        return made

    def events(self, rows: np.ndarray[Any, Any]) -> None:
        """Write events that enter together, before they are applied: on return they are with the operating system."""
        self._put(b"\x02" + rows.tobytes())
        self.flush()

    def effects(self, seq: int, rows: bytes) -> None:
        """Write what event `seq` led to; goes out with `flush` or the next events."""
        self._put(SEQ.pack(EFFECTS, seq) + rows)

    def state(self, seq: int, rows: bytes) -> None:
        """Write the positions after event `seq`; likewise."""
        self._put(SEQ.pack(STATE, seq) + rows)

    def notes(self, rows: bytes) -> None:
        """Write what the strategy noted; likewise."""
        self._put(bytes([NOTES]) + rows)

    def end(self, facts: dict[str, Any]) -> None:
        """Write the last record, and close."""
        self._put(bytes([END]) + orjson.dumps(facts))
        self.flush()
        self.sync()
        self.close()

    def flush(self) -> None:
        """Hand what waits to the operating system, where it survives this process.

        Raises
        ------
        OSError
            When the disk is full or gone. Nothing that was to follow may then be done.
        """
        waiting = self._waiting
        while waiting:
            written = os.write(self._file, waiting)
            self.bytes += written
            if written == len(waiting):
                waiting.clear()
            else:
                del waiting[:written]

    def sync(self) -> None:
        """Wait until the disk has it, where it survives the machine. Takes milliseconds: not for the loop's own thread."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file as it stands."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _put(self, payload: bytes) -> None:
        head = struct.pack("<III", self.number, len(payload), crc32(payload))
        self._waiting += head
        self._waiting += crc32(head).to_bytes(4, "little")
        self._waiting += payload
        self.number += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _claim(file: int, path: Path) -> None:
    """Be the one process that writes a journal, for as long as the file is open."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Misuse(f"another process writes the journal {path}", remedy="stop that session first") from None


class Reading:
    """The whole records of a journal, in order.

    Attributes
    ----------
    at : int
        Where the last record that was given ends.
    torn_bytes : int
        How much of an unfinished record follows the last whole one; known at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.at, self.torn_bytes = path, 0, 0

    def __iter__(self) -> Iterator[Record]:
        """Give record by record.

        Raises
        ------
        Misuse
            When it is no journal, or cannot be read.
        Resync
            When it is damaged elsewhere than in the record that was being written last.
        """
        try:
            with self.path.open("rb") as file:
                yield from self._records(file, self.path.stat().st_size)
        except OSError as fault:
            raise Misuse(f"the journal {self.path} cannot be read: {fault.strerror}", remedy="check the path") from None

    def _records(self, file: Any, size: int) -> Iterator[Record]:
        begin = file.read(len(MAGIC))
        if begin != MAGIC and not (MAGIC.startswith(begin) and size < len(MAGIC)):
            raise Misuse(
                f"{self.path} is no journal of b25", remedy="give the journal of a session, e.g. data/sessions/ID.journal"
            )
        self.at, number = len(begin), 0
        while self.at < size:
            head = file.read(HEAD.size)
            if len(head) < HEAD.size or not head.strip(b"\0"):
                break
            told, length, check, own = HEAD.unpack(head)
            if own != crc32(head[:12]) or told != number or not 0 < length <= PAYLOAD_BYTES_MAX:
                raise self._damaged(number, "its header is wrong")
            payload = file.read(length)
            if len(payload) < length:
                break
            if crc32(payload) != check:
                if self.at + HEAD.size + length == size:
                    break  # the system may have written the length of the file before the rest of the bytes
                raise self._damaged(number, "its bytes are not those that were written")
            self.at += HEAD.size + length
            yield Record(number, payload[0], payload[1:])
            number += 1
        self.torn_bytes = size - self.at

    def _damaged(self, number: int, why: str) -> Resync:
        return Resync(
            f"{self.path}: record {number} at byte {self.at} is damaged: {why}",
            remedy="take the journal from a copy; what stands before that byte is whole, what follows cannot be trusted",
        )


def read_header(path: Path) -> dict[str, Any]:
    """Return the header of a journal. Raises Misuse when it has none."""
    for record in Reading(path):
        if record.kind == HEADER:
            return record.json
        break
    raise Misuse(f"{path} has no header: the session ended before it began", remedy="give another journal")
