"""What a cell shows of data and books, and the small print of a result: costs by kind, checks, trials, data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.analytics.card import GOOD, WARN, Card, Figure, Table
from b25.analytics.figures import metric_text
from b25.market.timerange import length_text, time_text

if TYPE_CHECKING:
    from b25.market.bars import Bars
    from b25.research.book import Book
    from b25.research.dataset import Dataset
    from b25.research.result import Backtest

LADDER_LEVELS: Final = 8
HASH_CHARS: Final = 16


def dataset_card(data: Dataset) -> Card:
    """Span, rows, gaps, repeats, sources, hash, and how far the venue's clock and ours are apart."""
    tape, manifest = data.tape, data.catalog.manifest(data.venue, data.symbol)
    quality = [source.quality for source in manifest.sources]
    gaps, repeats = _sum(quality, "gaps"), _sum(quality, "repeated_diffs", "repeated_trades")
    crossed, bad = _sum(quality, "crossed_messages"), _sum(quality, "bad_lines")
    faults = [f"{count:,} {what}" for count, what in ((gaps, "gaps"), (repeats, "repeats"), (bad, "bad lines")) if count]
    return Card(
        title=f"{data.symbol} on {data.venue}",
        subtitle=f"{data.profile} · {time_text(data.start_ns)} to {time_text(data.end_ns)}",
        badges=tuple((text, WARN) for text in faults) or (("no gap", GOOD),),
        figures=(
            Figure(name="span", text=length_text(data.end_ns - data.start_ns)),
            Figure(name="rows", text=f"{tape.venue.size:,}"),
            Figure(name="messages", text=f"{tape.messages.size:,}"),
            Figure(name="crossed books", text=f"{crossed:,}"),
        ),
        facts=(
            ("gaps, repeats", f"{gaps:,} gaps, {repeats:,} repeated messages, {bad:,} lines that could not be read"),
            ("event to arrival", _delay(tape.messages, data)),
            ("sources", ", ".join(source.name for source in manifest.sources) or "none"),
            ("grid", f"tick {data.instrument.tick:f}, lot {data.instrument.lot:f}"),
            ("hash", short(data.hash)),
        ),
    )


def bars_card(bars: Bars) -> Card:
    """Span, rows, gaps, source, hash."""
    longest = max(bars.gaps, key=lambda gap: gap.length_ns, default=None)
    frames = ", ".join(one.timeframe for one in (bars, *bars.larger))
    gaps = f"{len(bars.gaps):,}, the longest {longest}" if longest else "none"
    last = bars.rows[-5:]
    tick = float(bars.instrument.tick)
    rows = [
        (
            time_text(int(row["open_ns"])),
            *(f"{float(row[f'{name}_ticks']) * tick:.10g}" for name in ("open", "high", "low", "close")),
        )
        for row in last
    ]
    return Card(
        title=f"{bars.symbol} on {bars.venue}",
        subtitle=f"bars of {frames} · {time_text(bars.start_ns)} to {time_text(bars.end_ns)}",
        badges=((f"{len(bars.gaps):,} gaps", WARN),) if bars.gaps else (("no gap", GOOD),),
        figures=(
            Figure(name="bars", text=f"{len(bars):,}"),
            Figure(name="span", text=length_text(bars.end_ns - bars.start_ns)),
            Figure(name="funding payments", text=f"{bars.funding.size:,}"),
        ),
        facts=(("gaps", gaps), ("source", bars.source), ("labelled by", "open, UTC"), ("hash", short(bars.hash))),
        tables=(Table(caption="the last bars", heads=("open time", "open", "high", "low", "close"), rows=rows, is_folded=True),),
        notes=bars.notes,
    )


def book_card(book: Book) -> Card:
    """The best levels of both sides, spread, imbalance, and the moment at which the trader knew them."""
    bids, asks = (levels[:LADDER_LEVELS] for levels in (book.bid_levels, book.ask_levels))
    tick, lot = float(book.instrument.tick), float(book.instrument.lot)
    rows = [
        (*_level(bids, k, tick, lot)[::-1], *_level(asks, k, tick, lot)) for k in range(max(len(bids), len(asks)))
    ]  # fmt: skip
    mid = book.mid
    bps = f"{book.spread_ticks * tick / mid * 1e4:.2f} bps" if mid == mid and mid > 0 else "n/a"
    return Card(
        title=f"Book of {book.instrument.symbol}",
        subtitle=f"as the trader knew it at {time_text(book.time_ns)}",
        badges=() if bids.size and asks.size else (("a side is empty", WARN),),
        figures=(
            Figure(name="mid", text=f"{mid:.10g}" if mid == mid else "n/a"),
            Figure(name="spread", text=f"{book.spread_ticks} ticks, {bps}"),
            Figure(name="microprice", text=f"{book.microprice:.10g}" if book.microprice == book.microprice else "n/a"),
            *(Figure(name=f"imbalance, {n} levels", text=f"{value:+.2f}") for n, value in book.imbalance_by_levels.items()),
        ),
        tables=(Table(heads=("quantity", "bid", "ask", "quantity"), rows=rows),),
        notes=(f"{book.bid_levels.size:,} bids and {book.ask_levels.size:,} asks in all",),
    )


def small_print(result: Backtest) -> list[tuple[str, str]]:
    """Costs by kind, trials on these data, and the data themselves, for the end of a result's display."""
    trials = result.trials
    hashes = ", ".join(short(data.hash) for data in result.made.datasets)
    found = [("costs", costs_text(result)), ("data hash", hashes)]
    tried = f"{trials.count:,} on these data" if not trials.reason else f"n/a ({trials.reason})"
    return [*found, ("trials", tried)]


def costs_text(result: Backtest) -> str:
    """What was paid, by kind."""
    return ", ".join(f"{name} {metric_text(one, currency=result.currency)}" for name, one in _costs(result))


def short(digest: str) -> str:
    """The beginning of a hash, with the profile that stands before it, if one does."""
    before, colon, rest = digest.rpartition(":")
    return f"{before}{colon}{rest[:HASH_CHARS]}"


def _costs(result: Backtest) -> list[tuple[str, Any]]:
    metrics = result.costs.metrics
    return [(name, metrics[name]) for name in ("fees", "slippage", "funding") if name in metrics]


def _level(levels: np.ndarray, k: int, tick: float, lot: float) -> tuple[Any, Any]:
    if k >= len(levels):
        return "", ""
    return f"{float(levels['price_ticks'][k]) * tick:.10g}", f"{float(levels['qty_lots'][k]) * lot:.10g}"


def _delay(messages: np.ndarray, data: Dataset) -> str:
    if "exch_ns" not in (messages.dtype.names or ()) or not messages.size:
        return "as recorded" if data.feed is None else str(data.feed)
    late = (messages["local_ns"] - messages["exch_ns"]) / 1e6
    middle, high = np.quantile(late, (0.5, 0.99)).tolist()
    return f"{middle:.3g} ms in the middle, {high:.3g} ms at the 99th percentile"


def _sum(found: list[dict[str, Any]], *names: str) -> int:
    return sum(int(one.get(name) or 0) for one in found for name in names)
