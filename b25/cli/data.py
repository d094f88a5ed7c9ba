"""Market data: import captures and bars, download history, record live, list and check the catalog, show the book at the end.

b25 data import capture.gz --venue binanceusdm --symbol ETH/USDT:USDT --catalog data/catalog
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from b25.cli.output import JSON, answer, progress, recording_line, share_bar
from b25.model.errors import Misuse

VENUE = typer.Option("--venue", help="binanceusdm, binancecoinm or binance.")
SYMBOL = typer.Option("--symbol", help="Unified symbol, e.g. ETH/USDT:USDT, ETH/USD:ETH, ETH/USDT.")
CATALOG = typer.Option("--catalog", help="Folder of the catalog.", envvar="B25_CATALOG")
STEP = "as a decimal; else the catalog's, the published one, or inferred."
PROGRESS_BYTES = 8 << 20

group = typer.Typer(
    help="Import captures and bars, download, record live; list, check and read the catalog.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands `b25 data …`."""
    app.add_typer(group, name="data")


@group.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Bars or trades (.csv, .feather, .parquet, .json, .json.gz), or a raw capture.")],
    catalog: Annotated[Path, CATALOG],
    venue: Annotated[str | None, VENUE] = None,
    symbol: Annotated[str | None, SYMBOL] = None,
    timeframe: Annotated[str | None, typer.Option("--timeframe", help="Of bars; else as the file's name or times say.")] = None,
    tick: Annotated[str | None, typer.Option("--tick", help=f"Price step {STEP}")] = None,
    lot: Annotated[str | None, typer.Option("--lot", help=f"Quantity step {STEP}")] = None,
    contract_size: Annotated[str | None, typer.Option("--contract-size", help="Base (linear) or quote (inverse) units.")] = None,
    on_bad: Annotated[Literal["error", "skip"], typer.Option("--on-bad", help="Stop at a bad line, or set it aside.")] = "error",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Import bars, trades or a raw capture ('<19 digits of ns> <message>' a line, plain or gzip) of one symbol.

    What is there already must be equal; a capture of the same file replaces itself.
    """
    from b25.market.bar_import import is_table

    steps = (_decimal(tick, "--tick"), _decimal(lot, "--lot"), _decimal(contract_size, "--contract-size"))
    if is_table(file):
        facts = _import_table(file, catalog, timeframe, venue, symbol, steps)
        answer(facts, json=json, lines=_table_lines(facts))
        return
    if venue is None or symbol is None:
        raise typer.BadParameter(f"a raw capture does not say what it is of: give {'--symbol' if venue else '--venue'}")
    from b25.market.import_capture import Wanted, import_capture

    wanted = Wanted(*steps)
    begun = time.perf_counter()
    with _progress(f"import {file.name}") as told:
        done = import_capture(file, venue=venue, symbol=symbol, catalog=catalog, wanted=wanted, on_bad=on_bad, progress=told)
    facts = {**done.as_dict(), "import_s": time.perf_counter() - begun}
    answer(facts, json=json, lines=_import_lines(facts))


@group.command("list")
def list_(catalog: Annotated[Path, CATALOG], json: Annotated[bool, JSON] = False) -> None:
    """List the instruments in the catalog with their rows, spans and sources."""
    from b25.market.bar_catalog import summaries
    from b25.market.catalog import Catalog

    rows, series = Catalog(catalog).list(), summaries(Catalog(catalog))
    answer(
        {"catalog": str(catalog), "instruments": rows, "series": series},
        json=json,
        lines=[*map(_list_line, rows), *map(_series_line, series)] or [f"the catalog {catalog} is empty"],
    )


@group.command()
def check(catalog: Annotated[Path, CATALOG], json: Annotated[bool, JSON] = False) -> None:
    """Compare every file with its manifest, and show what is wrong with the data, or missing from them."""
    from b25.market import bar_catalog
    from b25.market.catalog import Catalog

    found = Catalog(catalog)
    quality = [
        {"venue": one.instrument.venue, "symbol": one.instrument.symbol, "source": source.name, **source.quality}
        for one in found.manifests()
        for source in one.sources
    ]
    faults = [*found.check(), *bar_catalog.faults(found)]
    if faults:
        raise Misuse("; ".join(faults), remedy="import what these files are from again")
    gaps = bar_catalog.gaps(found)
    lines = [line for one in quality for line in _quality_lines(one)] + [line for one in gaps for line in _gap_lines(one)]
    facts = {"catalog": str(catalog), "faults": [], "quality": quality, "bars": gaps}
    answer(facts, json=json, lines=[*lines, "all files are as imported"])


@group.command(epilog="Example: b25 data download BTC/USDT --timeframe 5m --timerange 20240101-20240201 --catalog data/catalog")
def download(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Unified symbols, e.g. BTC/USDT or BTC/USDT:USDT.")],
    catalog: Annotated[Path, CATALOG],
    venue: Annotated[str | None, typer.Option("--venue", help="ccxt id; else Binance's market for such symbols.")] = None,
    timeframe: Annotated[list[str] | None, typer.Option("--timeframe", "-i", help="Again for more; default 1m.")] = None,
    timerange: Annotated[
        str | None, typer.Option("--timerange", help="E.g. 20240101-20240201; else 30 days, or on from there.")
    ] = None,
    trades: Annotated[bool, typer.Option("--trades", help="Public trades, too.")] = False,
    funding: Annotated[bool, typer.Option("--funding", help="Funding rates, too.")] = False,
    api_url: Annotated[str | None, typer.Option("--api-url", help="Ask this address instead of the venue's own.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Fetch a venue's bars, on from what is there already. Stopped by Ctrl-C, it keeps what it fetched."""
    from b25.market.bar_folder import default_venue
    from b25.market.catalog import Catalog
    from b25.market.download import History
    from b25.market.exchange import open_exchange
    from b25.market.timeframe import timeframe as read_timeframe
    from b25.market.timerange import timerange as read_range

    kinds = [read_timeframe(name).name for name in timeframe or ["1m"]]
    kinds += [name for name, wanted in (("trades", trades), ("funding", funding)) if wanted]
    span = read_range(timerange) if timerange else None
    start_ms, end_ms = (_ms(span.start_ns), _ms(span.end_ns)) if span else (None, None)
    done: list[dict[str, Any]] = []
    for symbol in symbols:
        where = venue or default_venue(symbol)
        exchange = open_exchange(where, api_url=api_url)
        exchange.told = progress
        for kind in kinds:
            with share_bar(f"{symbol} {kind}") as told:
                found = History(exchange, Catalog(catalog), symbol, told).fetch(kind, start_ms, end_ms)
            done.append({"venue": where, "symbol": symbol, **asdict(found)})
    answer({"catalog": str(catalog), "fetched": done}, json=json, lines=[_fetched_line(one) for one in done])


@group.command(epilog="Example: b25 data record binanceusdm BTC/USDT:USDT ETH/USDT:USDT --for 1h --catalog data/catalog")
def record(
    venue: Annotated[str, typer.Argument(metavar="VENUE", help="ccxt id: binance, binanceusdm by the fast path; or any other.")],
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Unified symbols of this venue.")],
    catalog: Annotated[Path, CATALOG],
    for_: Annotated[str | None, typer.Option("--for", help="How long: 90s, 30m, 1h, 2d; else until Ctrl-C.")] = None,
    kinds: Annotated[str | None, typer.Option("--kinds", help="Of depth,trades,bookTicker; else all the venue gives.")] = None,
    rotate: Annotated[str, typer.Option("--rotate", help="Age at which a file goes into the catalog.")] = "1h",
    rotate_mb: Annotated[int, typer.Option("--rotate-mb", min=1, help="Size, in MB of text, at which it does.")] = 512,
    sockets: Annotated[int, typer.Option("--sockets", min=1, max=2, help="2: two independent ones for the same streams.")] = 1,
    api_url: Annotated[str | None, typer.Option("--api-url", help="A venue like Binance, e.g. http://127.0.0.1:18080.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Record live books, trades and tickers. Ctrl-C ends it cleanly; after any other end the next run takes up what is there."""
    from b25.market.feed.settings import FeedSettings
    from b25.market.record import RecordPlan
    from b25.market.record import record as run

    plan = RecordPlan(
        venue=venue,
        symbols=symbols,
        catalog=catalog,
        kinds=[kind.strip() for kind in kinds.split(",") if kind.strip()] if kinds else None,
        seconds=_seconds(for_, "--for") if for_ else None,
        api_url=api_url,
        rotate_s=_seconds(rotate, "--rotate"),
        rotate_bytes=rotate_mb << 20,
        settings=FeedSettings(sockets=sockets, spin_s=0.0),
    )
    with recording_line(f"{venue} {', '.join(symbols)}") as told:
        facts = run(plan, told, progress)
    answer(facts, json=json, lines=_recorded_lines(facts))


@group.command()
def book(
    venue: Annotated[str, VENUE],
    symbol: Annotated[str, SYMBOL],
    catalog: Annotated[Path, CATALOG],
    json: Annotated[bool, JSON] = False,
) -> None:
    """Replay an instrument's rows, bridged to their snapshot, and show the book at the end."""
    from b25.market.catalog import Catalog
    from b25.market.final_book import final_book

    facts = final_book(Catalog(catalog), venue, symbol)
    answer(facts, json=json, lines=_book_lines(facts))


def _import_table(
    file: Path, catalog: Path, timeframe: str | None, venue: str | None, symbol: str | None, steps: tuple[Decimal | None, ...]
) -> dict[str, Any]:
    from b25.market.bar_grid import Grid
    from b25.market.bar_import import import_table
    from b25.market.catalog import Catalog

    return import_table(file, catalog=Catalog(catalog), frame=timeframe, venue=venue, symbol=symbol, grid=Grid(*steps))


def _seconds(text: str, option: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    number, unit = (text[:-1], text[-1:]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise Misuse(f"{option} {text} is no span of time", remedy=f"write it like {option} 90s, 30m, 1h or 2d")
    return seconds


def _decimal(text: str | None, option: str) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise Misuse(f"{option} {text} is no positive decimal", remedy=f"write it like {option} 0.01")
    return value


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """A line on standard error that is rewritten every few megabytes, if somebody is looking."""
    seen = sys.stderr.isatty()
    shown = -PROGRESS_BYTES

    def tell(size: int) -> None:
        nonlocal shown
        if seen and size - shown >= PROGRESS_BYTES:
            shown = size
            print(f"\r{what}: {size / 1e6:,.0f} MB read", end="", file=sys.stderr, flush=True)

    try:
        tell(0)  # at once, for the first import on a machine compiles for some seconds
        yield tell
    finally:
        if seen:
            print(file=sys.stderr)


def _ms(ns: int | None) -> int | None:
    return None if ns is None else ns // 1_000_000


def _time(ns: int | None) -> str:
    return "never" if ns is None else datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _import_lines(facts: dict[str, Any]) -> list[str]:
    return [
        f"{facts['venue']} {facts['symbol']}, tick {facts['tick']}, lot {facts['lot']}",
        f"{facts['rows']:,} rows from {facts['diffs']:,} diffs, {facts['trades']:,} trades and {facts['snapshots']} snapshots",
        f"{_time(facts['first_ns'])} to {_time(facts['last_ns'])} UTC",
        *_quality_lines({**facts["quality"], "source": facts["source"]}),
        *([f"lines set aside: {facts['bad_lines_file']}"] if facts["bad_lines_file"] else []),
    ]


def _list_line(row: dict[str, Any]) -> str:
    span = f"{_time(row['first_ns'])} to {_time(row['last_ns'])} UTC"
    return f"{row['venue']} {row['symbol']}: {row['rows']:,} rows, {span}, {row['gaps']} gaps, {', '.join(row['sources'])}"


def _series_line(row: dict[str, Any]) -> str:
    span = f"{_time(row['first_ns'])} to {_time(row['last_ns'])} UTC"
    return f"{row['venue']} {row['symbol']} {row['kind']}: {row['rows']:,} rows, {span}, {', '.join(row['sources'])}"


def _table_lines(facts: dict[str, Any]) -> list[str]:
    gaps = facts["gaps"]
    return [
        f"{facts['venue']} {facts['symbol']} {facts['kind']}, tick {facts['tick']}, lot {facts['lot']}",
        f"{facts['added']:,} new rows, {facts['rows']:,} in all, {_time(facts['first_ns'])} to {_time(facts['last_ns'])} UTC",
        *([f"{facts['funding_rows']:,} funding rates"] if facts["funding_rows"] else []),
        *([f"{len(gaps):,} gaps, never filled:", *(f"  {gap}" for gap in gaps[:5])] if gaps else []),
        *([f"  and {len(gaps) - 5:,} more"] if len(gaps) > 5 else []),
        *facts["notes"],
    ]


def _recorded_lines(facts: dict[str, Any]) -> list[str]:
    rate = facts["messages"] / facts["seconds"] if facts["seconds"] else 0.0
    lines = [f"{facts['messages']:,} messages in {facts['seconds']:,.0f} s ({rate:,.0f}/s), {facts['reconnects']} reconnects"]
    for one in facts["instruments"]:
        head = f"{facts['venue']} {one['symbol']}: {one['rows']:,} rows from {one['diffs']:,} diffs, {one['trades']:,} trades"
        lines.append(f"{head} and {one['snapshots']} snapshots in {len(one['files'])} files")
        refused = [f"{why} {count:,}" for why, count in one["refused"].items()]
        lines += [f"  set aside: {'; '.join(refused)}"] if refused else []
        lines += [f"  {line}" for line in _quality_lines({**one["quality"], "source": "quality"})] if one["files"] else []
    return lines


def _gap_lines(row: dict[str, Any]) -> list[str]:
    idle = f", {row['idle']:,} without volume" if row["idle"] else ""
    missing = f"{row['gaps']:,} gaps, {row['missing']:,} bars missing" if row["gaps"] else "no gap"
    head = f"{row['venue']} {row['symbol']} {row['kind']}: {row['rows']:,} bars, {missing}{idle}"
    return [head, *(f"  {gap}" for gap in row["longest"])]


def _fetched_line(one: dict[str, Any]) -> str:
    span = f"{_time(one['first_ns'])} to {_time(one['last_ns'])} UTC"
    return f"{one['venue']} {one['symbol']} {one['kind']}: {one['added']:,} new rows, {one['rows']:,} in all, {span}"


def _quality_lines(quality: dict[str, Any]) -> list[str]:
    """Only what somebody should know; a clean capture is one line."""
    counted = {
        name: value
        for name, value in quality.items()
        if value and type(value) is int and not name.startswith(("clock_", "latency_"))
    }
    wrong = [f"{name.replace('_', ' ')} {value:,}" for name, value in counted.items()]
    wrong += [f"ignored {kind} {count:,}" for kind, count in quality.get("ignored", {}).items()]
    wrong += [quality["damage"]] if quality.get("damage") else []
    if "clock_offset_ns" in quality:
        wrong = wrong or ["no gap, no repeat, never crossed"]
        wrong.append(f"clock {quality['clock_offset_ns'] / 1e9:+.3f} s, drift {quality['clock_drift_ppm']} ppm")
    return [f"{quality['source']}: {'; '.join(wrong) or 'simulated'}"]


def _book_lines(facts: dict[str, Any]) -> list[str]:
    lines = [f"{facts['venue']} {facts['symbol']}, {facts['bid_levels']:,} bids, {facts['ask_levels']:,} asks"]
    lines += [f"{'':>24}  {price:>12}  {qty}" for price, qty in reversed(facts["asks"][:10])]
    lines += [f"{qty:>24}  {price:>12}" for price, qty in facts["bids"][:10]]
    return lines
