"""Write a live feed's messages as they came, in the format of a raw capture: what is on the disk is readable after any end.

A file grows as `<start>.part`, whole lines at a time. When it is closed it becomes `<start>.txt`; what the catalog does with it
is the matter of `record_settle`. Nothing here waits for the disk except the calls that write.
"""

import fcntl
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from b25.model.errors import Misuse

FLUSH_BYTES = 1 << 18
FOLDER = "raw"
OPEN, CLOSED, ASIDE = ".part", ".txt", ".set-aside.log"
TIMED = (b'"e":"depthUpdate"', b'"e":"trade"')  # what the reader of a capture takes the time of untimed messages from
HEAD = 120


class RawFolder:
    """The folder of one instrument's raw text, held by one recorder at a time.

    Raises
    ------
    Misuse
        When another recorder holds it, or it cannot be written.
    """

    def __init__(self, instrument_folder: Path) -> None:
        self.path = instrument_folder / FOLDER
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise Misuse(f"another recorder writes to {self.path}", remedy="let it end, or record into another catalog") from None
        except OSError as fault:
            raise Misuse(
                f"{self.path} cannot be written: {fault.strerror}", remedy="give a folder that you can write to with --catalog"
            ) from None

    def close(self) -> None:
        """Let another recorder have it."""
        self._lock.close()


class RawText:
    """One instrument's file, and the one after it.

    Parameters
    ----------
    folder : RawFolder
    rotate_ns, rotate_bytes : int
        Age and size after which the next file begins, at a message that bears a time.
    closed : callable
        Is told that a file is closed.
    """

    def __init__(self, folder: RawFolder, *, rotate_ns: int, rotate_bytes: int, closed: Callable[[Path], None]) -> None:
        self.folder, self.rotate_ns, self.rotate_bytes, self.closed = folder, rotate_ns, rotate_bytes, closed
        self.path: Path | None = None
        self.handle = -1
        self.waiting: list[bytes] = []
        self.waiting_bytes = self.size = self.total_bytes = 0
        self.begun_ns = self.last_ns = 0
        self.may_rotate = True  # nothing before this line belongs together with one after it
        self.aside = 0

    def line(self, recv_ns: int, text: bytes, *, is_whole: bool) -> None:
        """Write one message.

        Parameters
        ----------
        recv_ns : int
            When it was received.
        text : bytes
            As it came; a line feed in it becomes a space.
        is_whole : bool
            Whether a file may end after it.

        Raises
        ------
        OSError
            When the disk does not take it.
        """
        # Two files of a catalog must not share an instant, and what came in one piece has one time.
        may_end = self.may_rotate and recv_ns > self.last_ns
        if self.path is not None and may_end and self._is_due(recv_ns) and _is_timed(text):
            self.finish()
        if self.path is None:
            self._begin(recv_ns)
        if b"\n" in text or b"\r" in text:
            text = text.strip().replace(b"\n", b" ").replace(b"\r", b" ")
        line = b"%019d %s\n" % (recv_ns, text)
        self.waiting.append(line)
        self.waiting_bytes += len(line)
        self.may_rotate, self.last_ns = is_whole, recv_ns
        if self.waiting_bytes >= FLUSH_BYTES:
            self.flush()

    def set_aside(self, recv_ns: int, text: bytes, why: str) -> None:
        """Keep a message that was refused, beside the others, for whoever wants to know."""
        self.aside += 1
        name = (self.path or self.folder.path / _name(recv_ns)).with_suffix("").name
        with (self.folder.path / f"{name}{ASIDE}").open("ab") as file:
            file.write(b"# %s\n%019d %s\n" % (why.encode(), recv_ns, text.replace(b"\n", b" ")))

    def _is_due(self, recv_ns: int) -> bool:
        return recv_ns - self.begun_ns >= self.rotate_ns or self.size + self.waiting_bytes >= self.rotate_bytes

    def _begin(self, recv_ns: int) -> None:
        self.path = self.folder.path / f"{_name(recv_ns)}{OPEN}"
        self.handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self.begun_ns, self.size = recv_ns, 0

    def flush(self, *, force: bool = False) -> None:
        """Give what waits to the system, where the end of this process does not touch it; with `force` to the disk."""
        if self.waiting:
            data = b"".join(self.waiting)
            self.waiting, self.waiting_bytes = [], 0
            view = memoryview(data)
            while view:
                view = view[os.write(self.handle, view) :]
            self.size += len(data)
            self.total_bytes += len(data)
        if force and self.handle >= 0:
            os.fsync(self.handle)

    def disk(self) -> int | None:
        """Return another handle of the open file, for a thread that forces it to the disk and closes the handle."""
        return os.dup(self.handle) if self.handle >= 0 else None

    def finish(self) -> None:
        """Close the file; the next line begins another."""
        if self.path is None:
            return
        path, self.path = self.path, None
        try:
            self.flush(force=True)
        finally:
            os.close(self.handle)
            self.handle = -1
        done = path.with_suffix(CLOSED)
        path.rename(done)
        self.closed(done)

    def abandon(self) -> None:
        """Leave the file as it is on the disk, to be settled by the next run."""
        self.waiting, self.waiting_bytes = [], 0
        if self.handle >= 0:
            os.close(self.handle)
            self.handle, self.path = -1, None


def _name(recv_ns: int) -> str:
    at = datetime.fromtimestamp(recv_ns // 1_000_000_000, UTC)
    return f"{at:%Y%m%dT%H%M%S}-{recv_ns % 1_000_000_000:09d}Z"


def _is_timed(text: bytes) -> bool:
    head = text[:HEAD]
    return any(mark in head for mark in TIMED)
