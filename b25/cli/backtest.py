"""Run a strategy class over recorded data and print what came of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest", epilog="Example: b25 backtest strategies/market_maker.py:MarketMaker --symbol ETH/USDT:USDT")(run)


def run(
    strategy: Annotated[str, typer.Argument(metavar="FILE.py:Class", help="The strategy class.")],
    symbol: Annotated[str, typer.Option(help="Unified symbol, e.g. ETH/USDT:USDT.")],
    venue: Annotated[str, typer.Option(help="ccxt id of the venue it was recorded on.")] = "binanceusdm",
    catalog: Annotated[Path | None, typer.Option(help="Folder; else data/catalog.", envvar="B25_CATALOG")] = None,
    profile: Annotated[str, typer.Option(help="bridged, or hftbacktest for that engine's rules.")] = "bridged",
    queue: Annotated[str, typer.Option(help="Queue model, e.g. risk_adverse, power_prob_3:3.0, log_prob_2.")] = "risk_adverse",
    latency_ns: Annotated[int, typer.Option(help="Nanoseconds to the venue, and again back.")] = 10_000_000,
    feed_latency_ns: Annotated[int | None, typer.Option(help="Nanoseconds of market data; else as recorded.")] = None,
    fee_maker: Annotated[float, typer.Option(help="Ratio of the value, e.g. 0.0002; negative is a rebate.")] = 0.0002,
    fee_taker: Annotated[float, typer.Option(help="Ratio of the value, e.g. 0.0005.")] = 0.0005,
    values: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")] = None,
    balance: Annotated[float | None, typer.Option(help="Settlement currency at the start.")] = None,
    python: Annotated[bool, typer.Option("--python", help="Run the class as plain Python.")] = False,
    fills: Annotated[Path | None, typer.Option(help="Write every fill to this Parquet file.")] = None,
    tearsheet: Annotated[Path | None, typer.Option(help="Write the tear sheet to this HTML file.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Look for look-ahead, warm-up and other bias, too.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run a strategy class over recorded data and print what came of it."""
    _say_if_cold()
    from b25.research.backtest import backtest
    from b25.research.dataset import dataset
    from b25.research.strategy_file import load_strategy
    from b25.venue.models import ConstantLatency, Fees

    cls, data = load_strategy(strategy), dataset(symbol, venue=venue, catalog=catalog, profile=profile)
    how = {
        "fees": Fees(fee_maker, fee_taker),
        "latency": ConstantLatency(latency_ns),
        "feed_latency": feed_latency_ns,
        "queue": queue,
        "balance": balance,
        "compiled": False if python else None,
        **_parameters(values or []),
    }
    result = backtest(cls, data, progress=lambda rows: progress(f"b25: {rows:,} rows"), **how)
    if result.made.why_plain and not python:
        progress(f"b25: runs as plain Python: {result.made.why_plain}")
    written = _write_fills(result, fills) if fills else None
    if tearsheet:
        result.tearsheet(tearsheet)
    lines = [repr(result), *([f"\nfills: {fills}"] if written else []), *([f"tear sheet: {tearsheet}"] if tearsheet else [])]
    found = facts(result) if json else {}
    if check:
        report = _checked(cls, data, result, how)
        lines += ["", repr(report)]
        found |= {"check": report.as_dict()} if json else {}
    answer(found, json=json, lines=lines if not json else ())


def _checked(cls: Any, data: Any, result: Any, how: dict[str, Any]) -> Any:
    """Do the whole of the bias checks on a finished run."""
    from b25.research.bias import check

    return check(cls, data, result=result, progress=lambda text: progress(f"b25: {text}"), **how)


def facts(result: Any) -> dict[str, Any]:
    """What other people's scripts read of a result."""
    head = result.outcome.world.head[0]
    unit = [float(i.money_unit) for i in result.instruments]
    held = result.outcome.world.positions
    known = known_fills(result)
    return {
        "position": float(held[0]["position_lots"] * float(result.instruments[0].lot)),
        "cash": float(sum(u * int(p["cash"]) for u, p in zip(unit, held, strict=True))),
        "fees": float(sum(u * (int(p["fees"]) + int(p["fees_e8"]) / 1e8) for u, p in zip(unit, held, strict=True))),
        "fills": int(known.sum()),
        "submits": int(head["submits"]),
        "cancels": int(head["cancels"]),
        "amends": int(head["amends"]),
        "refused": int(head["refused"]),
        "steps": int(head["steps"]),
        "rows": int(result.outcome.rows),
        "compiled": result.made.compiled,
        "compile_s": result.made.compile_s,
        "run_s": result.made.run_s,
        "hash": result.hash,
        "parameters": result.parameters,
        "metrics": result.summary,
    }


def known_fills(result: Any) -> Any:
    """Which fills the strategy knew when it last acted: the hftbacktest profile counts no others."""
    known = result.outcome.fills["local_ns"] >= 0
    if result.made.datasets[0].profile == "hftbacktest" and result.outcome.world.head[0]["steps"] > 0:
        known &= result.outcome.fills["local_ns"] <= result.outcome.end_ns
    return known


def _write_fills(result: Any, path: Path) -> Path:
    table = result.fills.filter(known_fills(result)).select(
        "order_id", "venue_ns", "side", "price_ticks", "qty_lots", "maker", "fee"
    )
    try:
        table.write_parquet(path)
    except OSError as fault:
        raise Misuse(
            f"{path} cannot be written: {fault.strerror or fault}", remedy="give a file in a folder that exists"
        ) from None
    return path


def _parameters(values: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Misuse(f"--set {text!r} is no NAME=VALUE", remedy="write e.g. --set half_ticks=2.0")
        out[name.strip()] = value.strip()
    return out


def _say_if_cold() -> None:
    """Say that kernels will be compiled, when they will be: the first run takes its time."""
    from b25.kernels.build import cache_directory

    if not any(cache_directory().iterdir()):
        progress("b25: compiling the kernels for this machine, once; this takes some 20 s …")
