"""The text of a capture in pieces of whole lines, from a plain or gzip file; memory is bounded by the piece.

Unpacking runs in a thread of its own, beside the kernel that reads the piece before: both leave Python's lock.
"""

import queue
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from b25.model.errors import Misuse

PIECE_BYTES = 4 << 20
PACKED_BYTES = 256 << 10
LINE_BYTES_MAX = 64 << 20
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31
SALVAGE_BYTES = 256
AHEAD = 2  # pieces that may wait


class Damaged(Misuse):
    """The file itself is broken: it ends too early or does not unpack."""


def pieces(path: Path, *, salvage: bool = False) -> Iterator[bytes]:
    """Yield the text of a capture, each piece ending with a line feed.

    A last line without one gets it. After the last whole line of a damaged gzip file comes Damaged.

    Parameters
    ----------
    path : Path
        Plain or gzip.
    salvage : bool
        Unpack a corrupt file as near to the damage as possible; what comes out there may be garbage.

    Raises
    ------
    Misuse
        When the file cannot be read, or a line is longer than 64 MB.
    Damaged
        When a gzip file is truncated or corrupt.
    """
    waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(item: bytes | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for piece in _whole_lines(path, salvage=salvage):
                if not put(piece):
                    return
            put(None)
        except BaseException as fault:  # handed to the reader, who raises it
            put(fault)

    thread = threading.Thread(target=work, name="unpack", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _whole_lines(path: Path, *, salvage: bool) -> Iterator[bytes]:
    rest = b""
    fault: Damaged | None = None
    text = _blocks(path, salvage=salvage)
    while True:
        try:
            block = next(text, None)
        except Damaged as damage:
            block, fault = None, damage
        if block is None:
            break
        cut = block.rfind(b"\n") + 1
        if cut == 0:
            rest += block
            if len(rest) > LINE_BYTES_MAX:
                raise Misuse(
                    f"{path.name}: a line is longer than {LINE_BYTES_MAX >> 20} MB", remedy="check that this is a raw capture"
                )
            continue
        yield rest + block[:cut] if rest else block[:cut]
        rest = block[cut:]
    if fault is not None:
        raise fault  # the half line before the damage is part of it
    if rest:
        yield rest + b"\n"


def _blocks(path: Path, *, salvage: bool) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
            if packed:
                yield from _unpacked(path, file, salvage=salvage)
            else:
                while block := file.read(PIECE_BYTES):
                    yield block
    except OSError as fault:
        raise Misuse(f"{path}: {fault.strerror or fault}", remedy="give a file that can be read") from None


def _unpacked(path: Path, file: BinaryIO, *, salvage: bool) -> Iterator[bytes]:
    remedy = "fetch the file again, or keep what is before the damage with --on-bad skip"
    parts: list[bytes] = []
    size = 0
    unpack = zlib.decompressobj(GZIP_WINDOW)
    fault: Damaged | None = None
    while packed := file.read(PACKED_BYTES):
        while packed:
            if unpack.eof:  # gzip files may be written one after another
                unpack = zlib.decompressobj(GZIP_WINDOW)
            before = unpack.copy() if salvage else None
            try:
                parts.append(unpack.decompress(packed))
            except zlib.error as damage:
                fault = Damaged(f"{path.name}: the gzip data are corrupt near byte {file.tell():,} ({damage})", remedy=remedy)
                if before is not None:
                    parts.append(_salvaged(before, packed))
                break
            size += len(parts[-1])
            packed = unpack.unused_data
        if fault is not None:
            break
        if size >= PIECE_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)
    if fault is None and not unpack.eof:
        fault = Damaged(f"{path.name}: the gzip file is truncated, it ends at byte {file.tell():,}", remedy=remedy)
    if fault is not None:
        raise fault


def _salvaged(unpack: Any, packed: bytes) -> bytes:
    """Text of a corrupt block up to the damage."""
    text = b""
    for at in range(0, len(packed), SALVAGE_BYTES):
        try:
            text += unpack.decompress(packed[at : at + SALVAGE_BYTES])
        except zlib.error:
            break
    return text
