"""Choose parameters on the past, trade them on what came next, window by window."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

EXAMPLE = "Example: b25 walk-forward my.py:Cross --bars 1h --source data.csv --symbol BTC/USDT --grid fast=5,10 --grid slow=20,40"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("walk-forward", epilog=EXAMPLE)(run)


def run(
    strategy: Annotated[str, typer.Argument(metavar="FILE.py:Class", help="The strategy class.")],
    grid: Annotated[list[str], typer.Option(metavar="NAME=A,B,…", help="Values of a parameter; once for each parameter.")],
    bars: Annotated[str, typer.Option(help="Timeframe, e.g. 5m.")] = "1h",
    source: Annotated[str | None, typer.Option(help="File or folder of bars.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Unified symbol, where the source does not say it.")] = None,
    venue: Annotated[str | None, typer.Option(help="ccxt id of the venue, where the source does not say it.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="Folder of bars; else data/catalog.", envvar="B25_CATALOG")] = None,
    train: Annotated[str, typer.Option(help="Length of a training span, e.g. 90d; a bare number counts bars.")] = "90d",
    test: Annotated[str, typer.Option(help="Length of a test, e.g. 30d; a bare number counts bars.")] = "30d",
    step: Annotated[str | None, typer.Option(help="From one test to the next; else the test's length.")] = None,
    embargo: Annotated[str, typer.Option(help="Left out between training and test.")] = "0",
    anchored: Annotated[bool, typer.Option("--anchored", help="Train from the beginning each time.")] = False,
    objective: Annotated[str, typer.Option(help="Metric to choose by.")] = "sharpe",
    fee_maker: Annotated[float, typer.Option(help="Ratio of the value, e.g. 0.0002; negative is a rebate.")] = 0.0002,
    fee_taker: Annotated[float, typer.Option(help="Ratio of the value, e.g. 0.0005.")] = 0.0005,
    values: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter that is fixed.")] = None,
    balance: Annotated[float | None, typer.Option(help="Settlement currency at the start.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; else one a core.")] = None,
    table: Annotated[Path | None, typer.Option(help="Write the windows to this Parquet file.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Search on each training span, trade the best on the test after it, and print how much of it survived."""
    from b25.cli.backtest import _parameters
    from b25.research.bars import bars as open_bars
    from b25.research.strategy_file import load_strategy
    from b25.research.walk_forward import walk_forward
    from b25.venue.models import Fees

    found = walk_forward(
        load_strategy(strategy),
        open_bars(bars, source=source, symbol=symbol, venue=venue, catalog=catalog),
        grid={name: numbers for name, numbers in map(grid_axis, grid)},
        train=_length(train),
        test=_length(test),
        step=None if step is None else _length(step),
        embargo=_length(embargo),
        anchored=anchored,
        objective=objective,
        jobs=jobs,
        fees=Fees(fee_maker, fee_taker),
        balance=balance,
        progress=lambda text: progress(f"b25: {text}"),
        **_parameters(values or []),
    )
    if table:
        _write(found, table)
    lines = [repr(found), "", str(found.table), *([f"windows: {table}"] if table else [])]
    answer(facts(found) if json else {}, json=json, lines=lines if not json else ())


def facts(found: Any) -> dict[str, Any]:
    """What other people's scripts read of a walk-forward."""
    return {
        "strategy": found.name,
        "objective": found.objective,
        "hash": found.hash,
        "metrics": found.summary,
        "windows": [
            {
                "train": [one.window.train_start_ns // 1_000_000, one.window.train_end_ns // 1_000_000],
                "test": [one.window.test_start_ns // 1_000_000, one.window.test_end_ns // 1_000_000],
                "parameters": one.parameters,
                "objective_train": one.train_score,
                "objective_test": one.test_score,
                "test_return": one.test_return,
                "fills": one.fills,
            }
            for one in found.steps
        ],
    }


def grid_axis(text: str) -> tuple[str, list[Any]]:
    """Read ``NAME=A,B,…`` into the name and its values."""
    name, equals, listed = text.partition("=")
    values = [_number(word.strip()) for word in listed.split(",") if word.strip()]
    if not equals or not name.strip() or not values:
        raise Misuse(f"--grid {text!r} is no NAME=A,B,…", remedy="write e.g. --grid fast=5,10,20")
    return name.strip(), values


def _number(word: str) -> Any:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    raise Misuse(f"{word!r} in --grid is no number", remedy="give numbers, true or false")


def _length(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _write(found: Any, path: Path) -> None:
    try:
        found.table.write_parquet(path)
    except OSError as fault:
        raise Misuse(
            f"{path} cannot be written: {fault.strerror or fault}", remedy="give a file in a folder that exists"
        ) from None
