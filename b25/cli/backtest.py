"""Run a strategy class over recorded data or bars and print what came of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

FAULT_EXIT_CODE = 1
EXAMPLE = (
    "Examples: b25 backtest strategies/market_maker.py:MarketMaker --symbol ETH/USDT:USDT; "
    "b25 backtest my.py:Cross --bars 5m,1h --source BTC_USDT-5m.feather --leverage 3 --check"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest", epilog=EXAMPLE)(run)


def run(
    strategy: options.Strategy,
    symbol: options.Symbol = None,
    bars: options.Frames = None,
    data: options.Data = None,
    source: options.Source = None,
    venue: options.Venue = None,
    catalog: options.Catalog = None,
    profile: Annotated[str | None, typer.Option(help="bridged, or hftbacktest for that engine's rules.")] = None,
    queue: Annotated[str | None, typer.Option(help="Queue model, e.g. risk_adverse, power_prob_3:3.0, log_prob_2.")] = None,
    latency_ns: Annotated[int | None, typer.Option(help="Nanoseconds to the venue, and again back; else 10 ms.")] = None,
    feed_latency_ns: Annotated[int | None, typer.Option(help="Nanoseconds of market data; else as recorded.")] = None,
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
    python: Annotated[bool, typer.Option("--python", help="Run the class as plain Python.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Look for bias, with all checks; exit 1 where one is proven.")] = False,
    breakdown: Annotated[str | None, typer.Option(metavar="BY", help="Sum trades by day, month, weekday, side, ….")] = None,
    fills: Annotated[Path | None, typer.Option(help="Write every fill to this Parquet file.")] = None,
    equity: Annotated[Path | None, typer.Option(help="Write the equity curve to this Parquet file.")] = None,
    tearsheet: Annotated[Path | None, typer.Option(help="Write the tear sheet to this HTML file.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run a strategy class over recorded data, or over bars with --bars, and print what came of it."""
    _say_if_cold()
    ticks = {"profile": profile, "queue": queue, "latency_ns": latency_ns, "feed_latency_ns": feed_latency_ns}
    on_bars = {
        "source": source, "data": data or None, "slippage_bps": slippage_bps, "participation": participation, "fill": fill,
        "leverage": leverage, "margin": margin, "warmup": warmup,
    }  # fmt: skip
    span = {"start": options.moment(start), "end": options.moment(end)}
    with options.usage():
        from b25.research.strategy_file import load_strategy

        cls = load_strategy(strategy)
        if bars:
            _refuse(ticks, "on bars", "leave it out; it is for recorded messages")
            sets = options.open_bars(options.frames_of(bars), data, source=source, symbol=symbol, venue=venue, catalog=catalog)
            how = options.assumed(
                fee_maker=fee_maker, fee_taker=fee_taker, slippage_bps=slippage_bps, participation=participation, fill=fill,
                leverage=leverage, margin=margin, balance=balance, warmup=warmup, **span,
            )  # fmt: skip
        else:
            _refuse(on_bars, "on recorded messages", "say which bars, e.g. --bars 5m")
            sets, how = _recorded(symbol, venue, catalog, ticks, fee_maker, fee_taker, balance, span)
        how |= options.parameters(values)
        result, report = _run(cls, sets, how, python, check)
        if result.made.why_plain and not python:
            progress(f"b25: runs as plain Python: {result.made.why_plain}")
        table = _breakdown(result, breakdown) if breakdown else None
        written = _write_fills(result, fills) if fills else None
        if equity:
            options.write_table(result.equity, equity)
        if tearsheet:
            result.tearsheet(tearsheet)
    known = facts(result) if json else {}
    lines = [
        repr(result),
        *([f"\nfills: {fills}"] if written else []),
        *([f"equity: {equity}"] if equity else []),
        *([f"tear sheet: {tearsheet}"] if tearsheet else []),
    ]
    if table is not None:
        known["breakdown"] = table.to_dicts()
        lines.append(str(table))
    if report is not None:
        known |= {"ok": report.ok, "code": 0 if report.ok else FAULT_EXIT_CODE, "check": report.as_dict()}
        lines += ["", repr(report)]
    elif bars:
        lines += [f"{finding}" for finding in result.bias.findings]
    answer(known, json=json, lines=lines if not json else ())
    if report is not None and not report.ok:
        raise typer.Exit(FAULT_EXIT_CODE)


def _recorded(
    symbol: str | None,
    venue: str | None,
    catalog: Path | None,
    ticks: dict[str, Any],
    fee_maker: float,
    fee_taker: float,
    balance: float | None,
    span: dict[str, Any],
) -> tuple[list[Any], dict[str, Any]]:
    """Recorded messages of one instrument, and keywords of `backtest` on them."""
    from b25.research.dataset import dataset
    from b25.venue.models import ConstantLatency, Fees

    if symbol is None:
        raise Misuse("there is nothing to run on", remedy="give --symbol of a recording, or --bars 5m with --source FILE")
    found = dataset(symbol, venue=venue or "binanceusdm", catalog=catalog, profile=ticks["profile"] or "bridged")
    how = {
        "fees": Fees(fee_maker, fee_taker),
        "latency": ConstantLatency(10_000_000 if ticks["latency_ns"] is None else ticks["latency_ns"]),
        "feed_latency": ticks["feed_latency_ns"],
        "queue": ticks["queue"] or "risk_adverse",
        "balance": balance,
    }
    return [found], how | {name: value for name, value in span.items() if value is not None}


def _run(cls: Any, sets: list[Any], how: dict[str, Any], python: bool, check: bool) -> tuple[Any, Any]:
    """Run, and check the run when that is asked for."""
    from b25.research import bias
    from b25.research.backtest import backtest

    data = sets if len(sets) > 1 else sets[0]
    plain = False if python else None
    result = backtest(cls, data, compiled=plain, progress=lambda rows: progress(f"b25: {rows:,} rows"), **how)
    if not check:
        return result, None
    report = bias.check(
        cls, data, result=result, progress=lambda text: progress(f"b25: {text}"), **({"compiled": False} if python else {}), **how
    )
    return result, report


def _refuse(given: dict[str, Any], where: str, remedy: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise Misuse(f"--{name.replace('_', '-')} means nothing {where}", remedy=remedy)


def _breakdown(result: Any, by: str) -> Any:
    from b25.analytics.breakdowns import breakdown

    return breakdown(result.trades, by=by)  # type: ignore[arg-type]


def facts(result: Any) -> dict[str, Any]:
    """What other people's scripts read of a result."""
    head = result.outcome.world.head[0]
    unit = [float(i.money_unit) for i in result.instruments]
    held = result.outcome.world.positions
    lots = [int(p["position_lots"]) * float(i.lot) for p, i in zip(held, result.instruments, strict=True)]
    known = known_fills(result)
    from b25.market.bars import Bars

    return {
        "position": lots[0],
        "positions": {i.symbol: quantity for i, quantity in zip(result.instruments, lots, strict=True)},
        "cash": float(sum(u * int(p["cash"]) for u, p in zip(unit, held, strict=True))),
        "fees": float(sum(u * (int(p["fees"]) + int(p["fees_e8"]) / 1e8) for u, p in zip(unit, held, strict=True))),
        "funding": result.funding,
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
        **(_bar_facts(result) if isinstance(result.made.datasets[0], Bars) else {}),
    }


def _bar_facts(result: Any) -> dict[str, Any]:
    seen, first, end = result.made.steps
    return {
        "bars": end - first,
        "warmup_bars": first - seen,
        "timeframes": [b.timeframe for b in (result.made.datasets[0], *result.made.datasets[0].larger)],
        "gaps": [f"{d.symbol} {gap}" for d in result.made.datasets for gap in d.gaps],
        "assumptions": dict(result.assumptions),
        "bias": result.bias.as_dict(),
    }


def known_fills(result: Any) -> Any:
    """Which fills the strategy knew when it last acted: the hftbacktest profile counts no others."""
    known = result.outcome.fills["local_ns"] >= 0
    if getattr(result.made.datasets[0], "profile", "") == "hftbacktest" and result.outcome.world.head[0]["steps"] > 0:
        known &= result.outcome.fills["local_ns"] <= result.outcome.end_ns
    return known


def _write_fills(result: Any, path: Path) -> Path:
    table = result.fills.filter(known_fills(result)).select(
        "order_id", "venue_ns", "side", "price_ticks", "qty_lots", "maker", "fee"
    )
    options.write_table(table, path)
    return path


def _say_if_cold() -> None:
    """Say that kernels will be compiled, when they will be: the first run takes its time."""
    from b25.kernels.build import cache_directory

    if not any(cache_directory().iterdir()):
        progress("b25: compiling the kernels for this machine, once; this takes some 20 s …")
