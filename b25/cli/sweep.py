"""Try many parameter sets, and say which was best and how much of that may be chance."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

EXAMPLE = (
    "Example: b25 sweep my.py:Cross --bars 5m --data BTC_USDT-5m.feather --grid fast=5:50:5 --grid slow=60,90 --heatmap map.html"
)
ROWS_TOLD = 10
PICTURES = (".html", ".png")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sweep", epilog=EXAMPLE)(run)


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
    objective: options.Objective = "sharpe",
    minimize: options.Minimize = False,
    undefined: Annotated[str, typer.Option(help="stop or show, where a point has no objective.")] = "stop",
    jobs: options.Jobs = None,
    cluster: options.Cluster = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on with an interrupted sweep.")] = False,
    fee_maker: options.FeeMaker = 0.0002,
    fee_taker: options.FeeTaker = 0.0005,
    slippage_bps: options.Slippage = None,
    participation: options.Participation = None,
    fill: options.Fill = None,
    leverage: options.Leverage = None,
    margin: options.Margin = None,
    start: options.Start = None,
    end: options.End = None,
    warmup: options.Warmup = None,
    values: options.Values = None,
    balance: options.Balance = None,
    heatmap: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the heat map: .html or .png.")] = None,
    table: options.Table = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run a strategy class at many points of its parameters, and compare what came of it."""
    with options.usage():
        from b25.research.strategy_file import load_strategy
        from b25.research.sweep import sweep

        if heatmap is not None and heatmap.suffix not in PICTURES:
            raise Misuse(f"--heatmap {heatmap} is no picture", remedy="give a file that ends in .html or .png")
        cls = load_strategy(strategy)
        sets = options.open_bars(options.frames_of(bars or []), data, source=source, symbol=symbol, venue=venue, catalog=catalog)
        how = options.assumed(
            fee_maker=fee_maker, fee_taker=fee_taker, slippage_bps=slippage_bps, participation=participation, fill=fill,
            leverage=leverage, margin=margin, balance=balance, warmup=warmup, start=options.moment(start),
            end=options.moment(end),
        )  # fmt: skip
        found = sweep(
            cls,
            sets if len(sets) > 1 else sets[0],
            grid=options.grid_of(grid) or None,
            search=search,
            points=points,
            space=options.space_of(space),
            seed=seed,
            objective=objective,
            maximize=not minimize,
            undefined=undefined,
            jobs=jobs,
            cluster=cluster,
            resume=not fresh,
            **how,
            **options.parameters(values),
        )
        if table:
            options.write_table(found.table, table)
        if heatmap:
            _draw(found, heatmap)
    lines = [repr(found)]
    lines += [f"{name}: {path}" for name, path in (("table", table), ("heat map", heatmap)) if path]
    answer(facts(found) if json else {}, json=json, lines=lines if not json else ())


def facts(found: Any) -> dict[str, Any]:
    """What other people's scripts read of a sweep."""
    from b25.analytics.overfitting import overfitting_fault

    defined = found.table[found.objective].is_not_null().any()
    fault = overfitting_fault(found.blocks[found.results["status"] == 0])
    ranked = found.table.sort(found.objective, descending=found.maximize, nulls_last=True)
    return {
        "strategy": found.name,
        "points": len(found),
        "parameters": found.parameters,
        "objective": found.objective,
        "maximize": found.maximize,
        "best": found.best if defined else None,
        "best_row": found.best_row if defined else None,
        "top": ranked.head(ROWS_TOLD).to_dicts(),
        "undefined": int(found.table[found.objective].null_count()),
        "raised": int((found.table["status"] == "raised").sum()),
        "overfitting_probability": None if fault else found.overfitting.probability,
        "overfitting_reason": fault or None,
        "trials": found.trials.count,
        "hash": found.hash,
    }


def _draw(found: Any, path: Path) -> None:
    """Write the heat map of the first two parameters: one that moves as HTML, a still one as PNG."""
    try:
        if path.suffix == ".png":
            from b25.analytics.heatmap import plot_heatmap

            if len(found.parameters) < 2:
                raise Misuse("a heat map needs two searched parameters", remedy="search two, or leave --heatmap out")
            x, y = found.parameters[:2]
            plot_heatmap(found.parameter_grid(x, y), title=f"{found.name}: {found.objective}").save(path)
        else:
            picture = found.heatmap()
            if not hasattr(picture, "document"):
                raise Misuse(f"--heatmap {path}: there is only a still picture of this", remedy="give a .png, or install bokeh")
            picture.save(path)
    except OSError as fault:
        why = fault.strerror or fault
        raise Misuse(f"{path} cannot be written: {why}", remedy="give a file in a folder that exists") from None
