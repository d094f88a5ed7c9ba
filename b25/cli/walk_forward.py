"""Choose parameters on the past, trade them on what came next, window by window."""

from typing import Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer, progress

EXAMPLE = (
    "Example: b25 walk-forward my.py:Cross --bars 1h --source data.csv --symbol BTC/USDT --grid fast=5:50:5 --grid slow=60,90"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("walk-forward", epilog=EXAMPLE)(run)


def run(
    strategy: options.Strategy,
    bars: options.Frames = None,
    data: options.Data = None,
    source: options.Source = None,
    symbol: options.Symbol = None,
    venue: options.Venue = None,
    catalog: options.Catalog = None,
    grid: options.Grid = None,
    search: options.Search = None,
    points: options.Points = None,
    space: options.Space = None,
    seed: options.Seed = 25,
    train: Annotated[str, typer.Option(help="Length of a training span, e.g. 90d; a bare number counts bars.")] = "90d",
    test: Annotated[str, typer.Option(help="Length of a test, e.g. 30d; a bare number counts bars.")] = "30d",
    step: Annotated[str | None, typer.Option(help="From one test to the next; else the test's length.")] = None,
    embargo: Annotated[str, typer.Option(help="Left out between training and test.")] = "0",
    anchored: Annotated[bool, typer.Option("--anchored", help="Train from the beginning each time.")] = False,
    objective: options.Objective = "sharpe",
    minimize: options.Minimize = False,
    fee_maker: options.FeeMaker = 0.0002,
    fee_taker: options.FeeTaker = 0.0005,
    slippage_bps: options.Slippage = None,
    participation: options.Participation = None,
    fill: options.Fill = None,
    leverage: options.Leverage = None,
    margin: options.Margin = None,
    warmup: options.Warmup = None,
    values: options.Values = None,
    balance: options.Balance = None,
    jobs: options.Jobs = None,
    cluster: options.Cluster = None,
    table: options.Table = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Search on each training span, trade the best on the test after it, and print how much of it survived."""
    with options.usage():
        from b25.research.strategy_file import load_strategy
        from b25.research.walk_forward import walk_forward

        sets = options.open_bars(
            options.frames_of(bars or ["1h"]), data, source=source, symbol=symbol, venue=venue, catalog=catalog
        )
        how = options.assumed(
            fee_maker=fee_maker, fee_taker=fee_taker, slippage_bps=slippage_bps, participation=participation, fill=fill,
            leverage=leverage, margin=margin, balance=balance, warmup=warmup,
        )  # fmt: skip
        found = walk_forward(
            load_strategy(strategy),
            sets if len(sets) > 1 else sets[0],
            grid=options.grid_of(grid) or None,
            search=search,
            points=points,
            space=options.space_of(space),
            seed=seed,
            train=_length(train),
            test=_length(test),
            step=None if step is None else _length(step),
            embargo=_length(embargo),
            anchored=anchored,
            objective=objective,
            maximize=not minimize,
            jobs=jobs,
            cluster=cluster,
            progress=lambda text: progress(f"b25: {text}"),
            **how,
            **options.parameters(values),
        )
        if table:
            options.write_table(found.table, table)
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


def _length(text: str) -> int | str:
    return int(text) if text.isdigit() else text
