"""Record a venue's live market data into the catalog: Binance by the fast path, every other venue by ccxt.pro.

A recording may end in any way. What was received is on the disk as text within a tenth of a second; the next run, or the end of
this one, brings it into the catalog.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from b25.market.catalog import Catalog
from b25.market.feed.binance_streams import Stream, address_of
from b25.market.feed.compiled import compile_feed
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.live_io import LiveIo, SteadyClock, run, run_loop
from b25.market.feed.settings import FeedSettings
from b25.market.manifest import Source, read_manifest
from b25.market.record_instruments import FAST_VENUES, fast_instruments, other_instruments
from b25.market.record_listener import Progress, Recorder
from b25.market.record_settle import settle
from b25.market.venue_names import market_of
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

KINDS: tuple[Stream, ...] = ("depth", "trades", "bookTicker")
OTHER_KINDS: tuple[Stream, ...] = ("depth", "trades")
PROGRESS_S = 1.0
SUMMED = ("gaps", "repeated_diffs", "repeated_trades", "unbridged_diffs", "crossed_messages", "stale_stretches", "bad_lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPlan:
    """What to record, where to, and for how long.

    Attributes
    ----------
    venue : str
        Ccxt id.
    symbols : sequence of str
        Unified symbols, all of this venue.
    kinds : sequence of str, optional
        Of ``depth``, ``trades``, ``bookTicker``; else all that the venue's feed gives.
    seconds : float, optional
        Else until it is interrupted.
    api_url : str, optional
        A venue like Binance at another address, e.g. ``http://127.0.0.1:18080``.
    rotate_s, rotate_bytes : float, int
        Age and size (of text) at which a file is closed and brought into the catalog.
    """

    venue: str
    symbols: Sequence[str]
    catalog: Path
    kinds: Sequence[str] | None = None
    seconds: float | None = None
    api_url: str | None = None
    rotate_s: float = 3600.0
    rotate_bytes: int = 512 << 20
    settings: FeedSettings = field(default_factory=lambda: FeedSettings(spin_s=0.0))


class Runs(Protocol):
    """A feed with its outside, ready to run until an event."""

    async def __call__(self, recorder: Recorder, until: asyncio.Event) -> None:
        """Run."""


def record(plan: RecordPlan, tell: Callable[[Progress], None], say: Callable[[str], None]) -> dict[str, Any]:
    """Record; return what came, and its quality.

    Parameters
    ----------
    plan : RecordPlan
    tell : callable
        Told once a second how it stands.
    say : callable
        Told what somebody should read now.

    Raises
    ------
    Misuse
        Nothing such can be recorded, or the disk is full: then everything until there is kept.
    Retry
        The venue cannot be asked for the grid.
    """
    kinds = _kinds(plan)
    if len(set(plan.symbols)) != len(plan.symbols) or not plan.symbols:
        raise Misuse("a symbol is named twice" if plan.symbols else "no symbol is named", remedy="name each symbol once")
    if plan.api_url is not None and plan.venue not in FAST_VENUES:
        raise Misuse(f"--api-url is for Binance; {plan.venue} is asked at its own address", remedy="leave --api-url out")
    catalog = Catalog(plan.catalog)
    if plan.venue in FAST_VENUES:
        instruments = asyncio.run(fast_instruments(plan.venue, list(plan.symbols), catalog, plan.api_url))
    else:
        instruments = other_instruments(plan.venue, list(plan.symbols), catalog, plan.api_url)
    begun_ns = time.time_ns()
    recorder, seconds = run_loop(_recorded(plan, kinds, catalog, instruments, tell, say))
    if recorder.failure is not None:
        raise Misuse(
            f"writing to {plan.catalog} failed after {seconds:.0f} s: {recorder.failure.strerror or recorder.failure}; "
            "everything until there is kept",
            remedy="free some space, then start it again: it brings what was recorded into the catalog, and goes on",
        )
    say("bringing the last file into the catalog")
    for instrument, raw_name in instruments:
        settle(catalog, instrument, raw_name, also_open=True)
    return _report(plan, catalog, recorder, seconds, begun_ns)


def _kinds(plan: RecordPlan) -> tuple[Stream, ...]:
    possible = KINDS if plan.venue in FAST_VENUES else OTHER_KINDS
    wanted = plan.kinds or possible
    wrong = [kind for kind in wanted if kind not in possible]
    if wrong:
        raise Misuse(f"{plan.venue} is not recorded by kind {wrong[0]!r}", remedy=f"use some of {', '.join(possible)}")
    if not {"depth", "trades"} & set(wanted):
        raise Misuse("a catalog holds depth or trades", remedy="add depth or trades to --kinds")
    return cast("tuple[Stream, ...]", tuple(kind for kind in possible if kind in wanted))


async def _recorded(
    plan: RecordPlan,
    kinds: tuple[Stream, ...],
    catalog: Catalog,
    instruments: list[tuple[Instrument, str]],
    tell: Callable[[Progress], None],
    say: Callable[[str], None],
) -> tuple[Recorder, float]:
    recorder = Recorder(catalog, instruments, rotate_s=plan.rotate_s, rotate_bytes=plan.rotate_bytes)
    clock = SteadyClock()
    try:
        for instrument, raw_name in instruments:
            _resume(catalog, instrument, raw_name, clock(), say)
    except BaseException:
        recorder.release()
        raise
    compile_feed(instruments[0][0])
    until = recorder.until
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, until.set)
    if plan.seconds is not None:
        loop.call_later(plan.seconds, until.set)
    begun = time.monotonic()
    work = [loop.create_task(recorder.write_on()), loop.create_task(_tell_on(recorder, begun, tell))]
    try:
        await _runner(plan, kinds, instruments, clock)(recorder, until)
    finally:
        until.set()
        await asyncio.gather(*work)
        await recorder.finish()
    for fault in recorder.faults:
        say(f"a closed file did not get into the catalog at once: {fault}")
    return recorder, time.monotonic() - begun


def _resume(catalog: Catalog, instrument: Instrument, raw_name: str, now_ns: int, say: Callable[[str], None]) -> None:
    """Bring into the catalog what an earlier run left; refuse a clock that is behind it."""
    if left := settle(catalog, instrument, raw_name, also_open=True):
        say(f"{instrument.symbol}: brought {len(left)} files of an earlier run into the catalog")
    known = read_manifest(catalog.instrument_folder(instrument.venue, instrument.symbol))
    newest_ns = max((one.last_recv_ns for one in known.sources), default=0) if known else 0
    if now_ns <= newest_ns:
        raise Misuse(
            f"the catalog holds {instrument.symbol} received until {newest_ns} ns, and this machine's clock says {now_ns}",
            remedy="set the clock, or record into another catalog",
        )


async def _tell_on(recorder: Recorder, begun: float, tell: Callable[[Progress], None]) -> None:
    while not recorder.until.is_set():
        tell(recorder.progress(time.monotonic() - begun))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(recorder.until.wait(), PROGRESS_S)


def _runner(plan: RecordPlan, kinds: tuple[Stream, ...], instruments: list[tuple[Instrument, str]], clock: SteadyClock) -> Runs:
    chance = random.SystemRandom().random

    async def fast(recorder: Recorder, until: asyncio.Event) -> None:
        market = market_of(plan.venue)
        address = address_of(market, plan.api_url)
        io = LiveIo(address.snapshot_url, plan.settings.snapshot_levels, clock_ns=clock)
        wanted = [Wanted(instrument, market, raw_name, kinds) for instrument, raw_name in instruments]
        feed = Feed(wanted, address, plan.settings, io, recorder, chance)
        recorder.books = feed.books
        recorder.refresh = feed.refresh
        await run(feed, io, until)

    async def other(recorder: Recorder, until: asyncio.Event) -> None:
        from b25.market.feed.ccxt_feed import CcxtFeed

        feed = CcxtFeed(plan.venue, instruments, kinds, plan.settings, recorder, chance, clock_ns=clock)
        recorder.books = feed.books
        recorder.refresh = feed.refresh
        await feed.run(until)

    return fast if plan.venue in FAST_VENUES else other


def _report(plan: RecordPlan, catalog: Catalog, recorder: Recorder, seconds: float, begun_ns: int) -> dict[str, Any]:
    instruments: list[dict[str, Any]] = []
    for one in recorder.recorded:
        known = read_manifest(catalog.instrument_folder(one.instrument.venue, one.instrument.symbol))
        sources = [source for source in known.sources if source.first_recv_ns >= begun_ns] if known else []
        instruments.append(
            {
                "symbol": one.instrument.symbol,
                "tick": f"{one.instrument.tick:f}",
                "lot": f"{one.instrument.lot:f}",
                "messages": one.messages,
                "rows": sum(source.facts.get("rows", 0) for source in sources),
                "bbo_rows": sum(source.facts.get("bbo_rows", 0) for source in sources),
                **{name: sum(source.facts.get(name, 0) for source in sources) for name in ("diffs", "trades", "snapshots")},
                "files": [source.name for source in sources],
                "refused": dict(one.refused),
                "news": dict(one.news),
                "quality": _quality(sources),
            }
        )
    return {
        "venue": plan.venue,
        "catalog": str(plan.catalog),
        "seconds": round(seconds, 3),
        "messages": sum(one.messages for one in recorder.recorded),
        "rows": sum(one["rows"] for one in instruments),
        "gaps": sum(one.gaps for one in recorder.recorded),
        "reconnects": recorder.reconnects(),
        "instruments": instruments,
    }


def _quality(sources: Sequence[Source]) -> dict[str, Any]:
    """Counts of all files of this run together, and the clock's error of the last."""
    summed: dict[str, Any] = {name: sum(int(source.quality.get(name, 0)) for source in sources) for name in SUMMED}
    if sources:
        summed |= {name: sources[-1].quality[name] for name in ("clock_offset_ns", "clock_drift_ppm")}
    return summed
