"""Listen to a feed and keep all of it: raw text at once, the catalog after each closed file, counts for whoever looks."""

import asyncio
import ctypes
import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from b25.market.catalog import Catalog
from b25.market.feed.live_book import LiveBook
from b25.market.feed.news import Kind, News
from b25.market.record_settle import command
from b25.market.record_text import RawFolder, RawText
from b25.model.event import GAP
from b25.model.instrument import Instrument

FLUSH_S = 0.1
FORCE_EVERY = 50  # flushes
NEWS_KEPT = 200


@dataclass(slots=True)
class Recorded:
    """One instrument being recorded, and what came so far."""

    instrument: Instrument
    raw_name: str
    folder: RawFolder
    text: RawText
    messages: int = 0
    rows: int = 0
    gaps: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    news: Counter[str] = field(default_factory=Counter)
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Progress:
    """How a recording stands.

    Attributes
    ----------
    lag_ms : float or None
        Median of our time of receipt minus the venue's time: latency and the error of both clocks together.
    held : list of str
        Books that are not whole and fresh now, and why.
    """

    seconds: float
    messages: int
    rows: int
    messages_per_s: float
    gaps: int
    refused: int
    raw_bytes: int
    lag_ms: float | None
    held: list[str]


class Recorder:
    """A feed's listener that writes.

    Parameters
    ----------
    catalog : Catalog
    instruments : sequence of (Instrument, raw name)
        In the order of the feed's books.
    rotate_s, rotate_bytes : float, int
        When the next file begins.
    """

    def __init__(
        self, catalog: Catalog, instruments: Sequence[tuple[Instrument, str]], *, rotate_s: float, rotate_bytes: int
    ) -> None:
        self.catalog = catalog
        self.books: Sequence[LiveBook] = ()
        self.refresh: Callable[[int], None] = lambda number: None
        self.recorded: list[Recorded] = []
        self.failure: OSError | None = None
        self.until = asyncio.Event()
        self.latest: deque[News] = deque(maxlen=NEWS_KEPT)
        self.settling: set[asyncio.Task[None]] = set()
        self.faults: list[str] = []
        try:
            for number, (instrument, raw_name) in enumerate(instruments):
                folder = RawFolder(catalog.instrument_folder(instrument.venue, instrument.symbol))
                when = {"rotate_ns": round(rotate_s * 1e9), "rotate_bytes": rotate_bytes}
                text = RawText(folder, **when, closed=self._closer(number))
                self.recorded.append(Recorded(instrument, raw_name, folder, text))
        except BaseException:
            self.release()
            raise

    # What a feed tells.

    def rows(self, book: int, rows: np.ndarray) -> None:
        """Count rows."""
        one = self.recorded[book]
        one.rows += len(rows)
        one.gaps += int((rows["kind"] == GAP).sum())

    def text(self, book: int, recv_ns: int, address: int, size: int, why: str) -> None:
        """Write a message."""
        if self.failure is not None:
            return
        one = self.recorded[book]
        data = ctypes.string_at(address, size)
        try:
            if why:
                one.refused[why] += 1
                one.text.set_aside(recv_ns, data, why)
                return
            one.messages += 1
            one.text.line(recv_ns, data, is_whole=self._is_whole(book))
        except OSError as fault:
            self.fail(fault)

    def news(self, news: News) -> None:
        """Remember news."""
        self.latest.append(news)
        for number, one in enumerate(self.recorded):
            if news.book is None or news.book == number:
                one.news[str(news.kind)] += 1

    # What the recording does besides.

    def fail(self, fault: OSError) -> None:
        """The disk does not take any more: end the recording, keep what is there."""
        self.failure = self.failure or fault
        self.until.set()

    async def write_on(self) -> None:
        """Flush several times a second, force to the disk every few seconds, until the recording ends."""
        count = 0
        while not self.until.is_set():
            count += 1
            try:
                for one in self.recorded:
                    one.text.flush()
                if count % FORCE_EVERY == 0:
                    handles = [handle for one in self.recorded if (handle := one.text.disk()) is not None]
                    await asyncio.to_thread(_force, handles)
            except OSError as fault:
                self.fail(fault)
                return
            await asyncio.sleep(FLUSH_S)

    async def finish(self) -> None:
        """Close the files and wait for what is being settled."""
        for one in self.recorded:
            if self.failure is not None:
                one.text.abandon()
                continue
            try:
                one.text.finish()
            except OSError as fault:
                self.fail(fault)
        if self.settling:
            await asyncio.gather(*self.settling)
        self.release()

    def release(self) -> None:
        """Let another recorder have the folders."""
        for one in self.recorded:
            one.folder.close()

    def progress(self, seconds: float) -> Progress:
        """How it stands after so many seconds."""
        skews = [book.skew_ns for book in self.books if book.skew_ns is not None]
        messages = sum(one.messages for one in self.recorded)
        return Progress(
            seconds=seconds,
            messages=messages,
            rows=sum(one.rows for one in self.recorded),
            messages_per_s=messages / seconds if seconds > 0 else 0.0,
            gaps=sum(one.gaps for one in self.recorded),
            refused=sum(one.refused.total() for one in self.recorded),
            raw_bytes=sum(one.text.total_bytes + one.text.waiting_bytes for one in self.recorded),
            lag_ms=-float(np.median(skews)) / 1e6 if skews else None,
            held=[f"{book.name}: {next(iter(book.held.values()))}" for book in self.books if book.held],
        )

    def reconnects(self) -> int:
        """Connections that were lost."""
        return max((one.news[str(Kind.LOST)] for one in self.recorded), default=0)

    def _is_whole(self, book: int) -> bool:
        """Whether a file may end after the message that was just taken: no diff without levels waits for the next one."""
        return not self.books or int(self.books[book].desk.state["empty_first_id"]) < 0

    def _closer(self, number: int) -> Callable[[Path], None]:
        def closed(path: Path) -> None:
            if self.until.is_set():
                return  # at the end everything is settled at once
            task = asyncio.get_running_loop().create_task(self._settle(number))
            self.settling.add(task)
            task.add_done_callback(self.settling.discard)
            self.refresh(number)  # a file that begins with a snapshot can be used without the one before it

        return closed

    async def _settle(self, number: int) -> None:
        """Bring the closed file into the catalog, in a process of its own: compiling and packing would hold up the feed."""
        one = self.recorded[number]
        async with one.settling:
            process = await asyncio.create_subprocess_exec(
                *command(self.catalog.folder, one.instrument, one.raw_name),
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C ends the recording, not what is half in the catalog
            )
            _, said = await process.communicate()
        if process.returncode:
            self.faults.append(f"{one.instrument.symbol}: {said.decode('utf-8', 'replace').strip()[-300:]}")


def _force(handles: list[int]) -> None:
    for handle in handles:
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
