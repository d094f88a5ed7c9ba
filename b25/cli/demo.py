"""Trade live on a simulated venue for a minute and prove it afterwards; or read a capture and backtest a market maker on it."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.demo_live import step
from b25.cli.output import JSON, answer, progress

ROOT = Path(__file__).resolve().parent.parent.parent
STRATEGY = ROOT / "strategies" / "market_maker.py"
LIVE_S, SMOKE_S = 60.0, 20.0
FAILED_EXIT_CODE = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: b25 demo --capture data/capture.gz --symbol ETH/USDT:USDT")(demo)


def demo(
    smoke: Annotated[int, typer.Option(help="1: the short form, 20 seconds, as the tests run it.")] = 0,
    seconds: Annotated[float, typer.Option(help="How long it trades; 0 runs until interrupted.")] = LIVE_S,
    capture: Annotated[Path | None, typer.Option(help="Backtest on a raw capture instead.")] = None,
    sample: Annotated[int, typer.Option(help="1: backtest on the sample market instead.")] = 0,
    symbol: Annotated[str, typer.Option(help="Unified symbol of the capture.")] = "",
    venue: Annotated[str, typer.Option(help="ccxt id of the capture's venue.")] = "",
    folder: Annotated[Path, typer.Option(help="Where everything goes that it makes.")] = Path("data"),
    json: Annotated[bool, JSON] = False,
) -> None:
    """Trade live on a simulated venue for a minute and prove it afterwards; or backtest on a capture or on the sample market."""
    if capture is not None or sample:
        _backtest(capture, symbol, venue, folder, json=json)
    else:
        _live(SMOKE_S if smoke else seconds, folder, json=json)


def _live(seconds: float, folder: Path, *, json: bool) -> None:
    from b25.cli.demo_live import run_demo, summary_lines

    begun = time.perf_counter()
    facts = run_demo(STRATEGY, folder / "demo", seconds)
    progress(f"b25: done in {time.perf_counter() - begun:.1f} s\n")
    result = facts["result"]
    told = {name: value for name, value in facts.items() if name != "result"} | {"fills": len(result.outcome.fills)}
    answer({**told, "metrics": result.summary} if json else {}, json=json, lines=summary_lines(facts))
    if facts["halt"] or facts["live_orders"] or facts["held"] or facts["not_certainly_cancelled"] or not facts["replay_agrees"]:
        raise typer.Exit(FAILED_EXIT_CODE)


def _backtest(capture: Path | None, symbol: str, venue: str, folder: Path, *, json: bool) -> None:
    begun = time.perf_counter()
    with step("kernels", "compile for this machine, or load from the cache"):
        from b25.research.backtest import backtest
        from b25.research.strategy_file import load_strategy
        from b25.venue.models import Fees
    with step("data", str(capture) if capture else "the sample market, made by our own order-flow simulator, seed 25"):
        data = _data(capture, symbol, venue, folder / "catalog")
        progress(f"        {data!r}")
    with step("backtest", f"{STRATEGY.stem}: MarketMaker, compiled"):
        # The sample's tick is 0.02 bps: a maker lives there on the rebate of a top tier, as makers do.
        result = backtest(load_strategy(f"{STRATEGY}:MarketMaker"), data, fees=Fees(-0.00005, 0.0003))
    with step("report", "tear sheet"):
        sheet = result.tearsheet(folder / "reports" / "demo.html")
    rate = result.outcome.rows / max(result.made.run_s, 1e-9) / 1e6
    progress(f"b25: done in {time.perf_counter() - begun:.1f} s; the backtest itself ran {rate:.0f} million rows a second\n")
    link = sheet.resolve().as_uri()
    out: dict[str, Any] = {
        "tearsheet": str(sheet),
        "hash": result.hash,
        "rows": result.outcome.rows,
        "fills": len(result.outcome.fills),
    }
    answer({**out, "metrics": result.summary} if json else {}, json=json, lines=[repr(result), "", f"tear sheet: {link}"])


def _data(capture: Path | None, symbol: str, venue: str, catalog: Path) -> Any:
    from b25.model.errors import Misuse
    from b25.research.dataset import dataset, sample

    if capture is None:
        return sample(catalog=catalog)
    if not symbol:
        raise Misuse(f"the capture {capture} needs a symbol", remedy="write make demo CAPTURE=file SYMBOL=ETH/USDT:USDT")
    from b25.market.import_capture import import_capture

    where = venue or _venue_of(symbol)
    import_capture(capture, venue=where, symbol=symbol, catalog=catalog)
    return dataset(symbol, venue=where, catalog=catalog)


def _venue_of(symbol: str) -> str:
    """Guess Binance's market from the unified symbol: BASE/QUOTE spot, :QUOTE linear, :BASE inverse."""
    base = symbol.split("/")[0]
    settle = symbol.partition(":")[2]
    return "binance" if not settle else "binancecoinm" if settle == base else "binanceusdm"
