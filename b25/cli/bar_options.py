"""Options that the commands on bars share: what to run on, what the simulated venue assumes, and which points to try."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from b25.model.errors import Misuse
from b25.research.asked import frames_of, grid_of, is_file, moment, open_bars, parameters, space_of

__all__ = ["frames_of", "grid_of", "is_file", "moment", "open_bars", "parameters", "space_of"]  # read as `options.frames_of`

USAGE_EXIT_CODE: Final = 4
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


def write_table(table: Any, path: Path) -> None:
    """Write a polars table as Parquet. Raises Misuse where it cannot be."""
    try:
        table.write_parquet(path)
    except OSError as fault:
        why = fault.strerror or fault
        raise Misuse(f"{path} cannot be written: {why}", remedy="give a file in a folder that exists") from None
