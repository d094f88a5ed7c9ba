"""Market data: import raw captures, list and check the catalog, show the book at the end.

b25 data import capture.gz --venue binanceusdm --symbol ETH/USDT:USDT --catalog data/catalog
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

VENUE = typer.Option("--venue", help="binanceusdm, binancecoinm or binance.")
SYMBOL = typer.Option("--symbol", help="Unified symbol, e.g. ETH/USDT:USDT, ETH/USD:ETH, ETH/USDT.")
CATALOG = typer.Option("--catalog", help="Folder of the catalog.", envvar="B25_CATALOG")
STEP = "as a decimal; else the catalog's, the published one, or inferred."
PROGRESS_BYTES = 8 << 20

group = typer.Typer(help="Import raw captures; list, check and read the catalog.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands `b25 data …`."""
    app.add_typer(group, name="data")


@group.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Raw capture, plain or gzip: '<19 digits of ns> <message>' a line.")],
    venue: Annotated[str, VENUE],
    symbol: Annotated[str, SYMBOL],
    catalog: Annotated[Path, CATALOG],
    tick: Annotated[str | None, typer.Option("--tick", help=f"Price step {STEP}")] = None,
    lot: Annotated[str | None, typer.Option("--lot", help=f"Quantity step {STEP}")] = None,
    contract_size: Annotated[str | None, typer.Option("--contract-size", help="Base (linear) or quote (inverse) units.")] = None,
    on_bad: Annotated[Literal["error", "skip"], typer.Option("--on-bad", help="Stop at a bad line, or set it aside.")] = "error",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Import a raw capture of one symbol; the same file again replaces itself, another one is added."""
    from b25.market.import_capture import Wanted, import_capture

    wanted = Wanted(_decimal(tick, "--tick"), _decimal(lot, "--lot"), _decimal(contract_size, "--contract-size"))
    begun = time.perf_counter()
    with _progress(f"import {file.name}") as told:
        done = import_capture(file, venue=venue, symbol=symbol, catalog=catalog, wanted=wanted, on_bad=on_bad, progress=told)
    facts = {**done.as_dict(), "import_s": time.perf_counter() - begun}
    answer(facts, json=json, lines=_import_lines(facts))


@group.command("list")
def list_(catalog: Annotated[Path, CATALOG], json: Annotated[bool, JSON] = False) -> None:
    """List the instruments in the catalog with their rows, spans and sources."""
    from b25.market.catalog import Catalog

    rows = Catalog(catalog).list()
    answer(
        {"catalog": str(catalog), "instruments": rows},
        json=json,
        lines=[_list_line(row) for row in rows] or [f"the catalog {catalog} is empty"],
    )


@group.command()
def check(catalog: Annotated[Path, CATALOG], json: Annotated[bool, JSON] = False) -> None:
    """Compare every file with its manifest, and show what the imports found wrong with the data."""
    from b25.market.catalog import Catalog

    found = Catalog(catalog)
    quality = [
        {"venue": one.instrument.venue, "symbol": one.instrument.symbol, "source": source.name, **source.quality}
        for one in found.manifests()
        for source in one.sources
    ]
    faults = found.check()
    if faults:
        raise Misuse("; ".join(faults), remedy="import the captures of these files again")
    lines = [line for one in quality for line in _quality_lines(one)]
    answer({"catalog": str(catalog), "faults": [], "quality": quality}, json=json, lines=[*lines, "all files are as imported"])


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
