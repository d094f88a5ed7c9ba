"""Options that the commands on bars share: what to run on, what the simulated venue assumes, and which points to try."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from b25.model.errors import Misuse

USAGE_EXIT_CODE: Final = 4
VALUES_MAX: Final = 1_000_000
BARS_HELP = "Timeframe to run on, then larger ones seen beside it: --bars 5m,1h."

Strategy = Annotated[str, typer.Argument(metavar="FILE.py:Class", help="The strategy class.")]
Frames = Annotated[list[str] | None, typer.Option("--bars", metavar="FRAME", help=BARS_HELP)]
Data = Annotated[
    list[str] | None, typer.Option("--data", metavar="FILE|SYMBOL", help="File of bars or trades, or a symbol of the catalog.")
]
Source = Annotated[Path | None, typer.Option(help="File or folder of bars or trades.")]
Symbol = Annotated[str | None, typer.Option(help="Unified symbol, e.g. ETH/USDT:USDT.")]
Venue = Annotated[str | None, typer.Option(help="ccxt id of the venue.")]
Catalog = Annotated[Path | None, typer.Option(help="Folder; else data/catalog.", envvar="B25_CATALOG")]
FeeMaker = Annotated[float, typer.Option(help="Ratio of the value, e.g. 0.0002; negative is a rebate.")]
FeeTaker = Annotated[float, typer.Option(help="Ratio of the value, e.g. 0.0005.")]
Slippage = Annotated[float | None, typer.Option(help="Basis points that an order pays beyond the price it meets.")]
Participation = Annotated[float | None, typer.Option(help="Share of a bar's volume that may be traded, e.g. 0.1.")]
Fill = Annotated[str | None, typer.Option(help="Market orders fill at the next open, or at the close they are sent at.")]
Leverage = Annotated[float | None, typer.Option(help="Largest multiple of the equity that may be held.")]
Margin = Annotated[str | None, typer.Option(help="cross or isolated.")]
Start = Annotated[str | None, typer.Option(help="First moment to trade at, UTC, e.g. 2024-01-01.")]
End = Annotated[str | None, typer.Option(help="Trade before this moment only.")]
Warmup = Annotated[int | None, typer.Option(help="Bars before the start that the strategy sees; else all.")]
Balance = Annotated[float | None, typer.Option(help="Settlement currency at the start.")]
Values = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter that is fixed.")]
Grid = Annotated[
    list[str] | None, typer.Option(metavar="NAME=A,B,…", help="Values of a parameter, once for each: fast=5,10 or fast=5:50:5.")
]
Search = Annotated[str | None, typer.Option(help="random or optuna, in place of a grid.")]
Points = Annotated[int | None, typer.Option(help="How many points a search takes.")]
Space = Annotated[list[str] | None, typer.Option(metavar="NAME=LOWEST:HIGHEST", help="Range of a search, once for each.")]
Seed = Annotated[int, typer.Option(help="Of a search.")]
Minimize = Annotated[bool, typer.Option("--minimize", help="Less of the objective is better.")]
Jobs = Annotated[int | None, typer.Option(help="Threads; else one a processor.")]
Cluster = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to run on, e.g. tcp://10.0.0.5:8786.")]
Objective = Annotated[str, typer.Option(help="Figure to choose by.")]
Table = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table to this Parquet file.")]


@contextmanager
def usage() -> Iterator[None]:
    """Count a misuse inside as one of the command line: it exits with 4."""
    try:
        yield
    except Misuse as fault:
        fault.exit_code = USAGE_EXIT_CODE  # type: ignore[attr-defined]
        raise


def frames_of(listed: Sequence[str]) -> list[str]:
    """Read ``--bars 5m,1h --bars 1d`` into ``["5m", "1h", "1d"]``."""
    found = [word.strip() for text in listed for word in text.split(",") if word.strip()]
    if not found:
        raise Misuse("--bars names no timeframe", remedy="write e.g. --bars 5m")
    return found


def open_bars(
    frames: Sequence[str],
    data: Sequence[str] | None = None,
    *,
    source: Path | None = None,
    symbol: str | None = None,
    venue: str | None = None,
    catalog: Path | None = None,
) -> list[Any]:
    """Open the bars of each instrument that the command line names.

    Parameters
    ----------
    frames : sequence of str
        Timeframes, the smallest first.
    data : sequence of str, optional
        Files, or symbols of the catalog; one instrument each.
    source, symbol, venue, catalog : optional
        Of one instrument, or of the only file in `data`.

    Returns
    -------
    list of Bars
    """
    from b25.research.bars import bars

    named = list(data or [])
    if source is not None:
        if named:
            raise Misuse("--source beside --data", remedy="give files with --data only")
        named = [str(source)]
    files = [text for text in named if source is not None or is_file(text)]
    if symbol is not None and len(named) > 1:
        raise Misuse(f"--symbol beside {len(named)} times --data", remedy="leave it out; a file's name says its symbol")
    if symbol is not None and files != named:
        raise Misuse(f"--symbol {symbol} beside --data {named[0]}", remedy="give the symbol once")
    if not named and symbol is None:
        raise Misuse("there is nothing to run on", remedy="give --source FILE, or --symbol of the catalog")
    found = []
    for text in named or [str(symbol)]:
        if text in files:
            found.append(bars(*frames, source=Path(text), symbol=symbol, venue=venue, catalog=catalog))
        else:
            found.append(bars(*frames, symbol=text, venue=venue, catalog=_catalog(catalog)))
    return found


def is_file(text: str) -> bool:
    """Whether a word means a file or folder rather than a symbol."""
    return Path(text).exists() or Path(text).suffix in (".csv", ".feather", ".parquet", ".json", ".gz")


def _catalog(catalog: Path | None) -> Path:
    from b25.research.dataset import default_catalog

    return catalog or default_catalog()


def assumed(
    *,
    fee_maker: float,
    fee_taker: float,
    slippage_bps: float | None = None,
    participation: float | None = None,
    fill: str | None = None,
    leverage: float | None = None,
    margin: str | None = None,
    balance: float | None = None,
    **span: Any,
) -> dict[str, Any]:
    """Keywords of `backtest` on bars; `span` are those that it takes as they are, left out where they are None."""
    from b25.venue.bar_models import Account, BarFills
    from b25.venue.models import Fees

    fills = {"slippage_bps": slippage_bps, "participation": participation, "price": fill}
    account = {"leverage": leverage, "margin": margin}
    found: dict[str, Any] = {
        "fees": Fees(fee_maker, fee_taker),
        "bar_fills": BarFills(**_given(fills)),
        "account": Account(**_given(account)),
        "balance": balance,
    }
    return found | _given(span)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def moment(text: str | None) -> Any:
    """Read a moment of the command line: text as it stands, a bare number as ns since 1970."""
    return int(text) if text is not None and len(text) > 8 and text.isdigit() else text


def parameters(values: Sequence[str] | None) -> dict[str, Any]:
    """Read ``--set NAME=VALUE`` into a dict; the strategy's own parameters say what kind of value each is."""
    out: dict[str, Any] = {}
    for text in values or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Misuse(f"--set {text!r} is no NAME=VALUE", remedy="write e.g. --set half_ticks=2.0")
        out[name.strip()] = value.strip()
    return out


def grid_of(listed: Sequence[str] | None) -> dict[str, list[Any]]:
    """Read ``--grid fast=5:50:5 --grid slow=20,50,100`` into values by name; both ends of a range belong to it."""
    found: dict[str, list[Any]] = {}
    for text in listed or []:
        name, words = _named(text, "--grid", "fast=5,10,20 or --grid fast=5:50:5")
        if name in found:
            raise Misuse(f"--grid {name} is given twice", remedy="list all values in one: --grid fast=5,10,20:50:10")
        found[name] = [value for word in words.split(",") if word.strip() for value in _range(word.strip(), text)]
        if not found[name]:
            raise Misuse(f"--grid {text!r} holds no value", remedy="write e.g. --grid fast=5,10,20")
    return found


def space_of(listed: Sequence[str] | None) -> dict[str, tuple[Any, Any]] | None:
    """Read ``--space fast=5:50`` into a range by name; None without any."""
    found: dict[str, tuple[Any, Any]] = {}
    for text in listed or []:
        name, words = _named(text, "--space", "fast=5:50")
        ends = [_number(word.strip(), text) for word in words.split(":")]
        if len(ends) != 2:
            raise Misuse(f"--space {text!r} is no NAME=LOWEST:HIGHEST", remedy="write e.g. --space fast=5:50")
        found[name] = (_plain(ends[0]), _plain(ends[1]))
    return found or None


def _named(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, words = text.partition("=")
    if not equals or not name.strip():
        raise Misuse(f"{option} {text!r} names no parameter", remedy=f"write e.g. {option} {example}")
    return name.strip(), words


def _range(word: str, text: str) -> list[Any]:
    if word.lower() in ("true", "false"):
        return [word.lower() == "true"]
    ends = [_number(part.strip(), text) for part in word.split(":")]
    if len(ends) == 1:
        return [_plain(ends[0])]
    low, high, step = ends[0], ends[1], ends[2] if len(ends) == 3 else Decimal(1)
    if len(ends) > 3 or step <= 0 or high < low:
        raise Misuse(f"{word!r} in {text!r} is no range", remedy="write LOWEST:HIGHEST:STEP with a step above 0, e.g. 5:50:5")
    count = int((high - low) / step) + 1
    if count > VALUES_MAX:
        raise Misuse(f"{word!r} in {text!r} holds {count:,} values", remedy="take a larger step")
    return [_plain(low + k * step) for k in range(count)]


def _number(word: str, text: str) -> Decimal:
    try:
        found = Decimal(word)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise Misuse(f"{word!r} in {text!r} is no number", remedy="give numbers, ranges such as 5:50:5, true or false")
    return found


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def write_table(table: Any, path: Path) -> None:
    """Write a polars table as Parquet. Raises Misuse where it cannot be."""
    try:
        table.write_parquet(path)
    except OSError as fault:
        why = fault.strerror or fault
        raise Misuse(f"{path} cannot be written: {why}", remedy="give a file in a folder that exists") from None
