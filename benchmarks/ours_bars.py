"""b25 runs the crossing of two moving averages: one run, a sweep, a sweep of very many points, a tear sheet."""

import resource
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from bar_data import BEGIN_NS, MINUTE_NS, TICK, columns
from bar_strategies import MaCross
from serving import seconds, serve

import b25

DATA: dict[tuple[str, int], Any] = {}
# What the peers assume: vectorbt fills at the close that shows the signal, backtesting.py at the next open.
AT_CLOSE = b25.BarFills(price="close")


def bars(data: str, count: int) -> Any:
    if (data, count) not in DATA:
        kept = columns(data, count)
        dated = pl.Series("date", kept.pop("open_ns")).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
        DATA[data, count] = b25.bars(
            "1m", source=pl.DataFrame({"date": dated, **kept}), venue="sim", symbol="MA/USD", tick=str(TICK), lot="1"
        )
    return DATA[data, count]


def backtest(data: str, count: int, fast: int, slow: int, fee: float, balance: float) -> dict[str, Any]:
    """One run under backtesting.py's rules: its closed trades as (entry bar, exit bar, entry, exit, profit after fees)."""
    held = bars(data, count)
    call_s, run = seconds(lambda: b25.backtest(MaCross, held, fast=fast, slow=slow, fees=b25.Fees(fee, fee), balance=balance))
    told_s, _ = seconds(lambda: (run.summary, run.trades))
    closed = run.trades.filter(~pl.col("is_open"))
    bar_of = {
        name: ((closed[f"{name}_time"].dt.epoch("ns") - BEGIN_NS) // MINUTE_NS).cast(pl.Float64) for name in ("entry", "exit")
    }
    rows = pl.DataFrame([bar_of["entry"], bar_of["exit"], closed["entry_price"], closed["exit_price"], closed["net"]])
    return {
        "run_s": run.made.run_s,
        "call_s": call_s,
        "told_s": told_s,  # its metrics and its table of trades
        "trades": [list(row) for row in rows.rows()],
        "equity": float(run.curve.equity[-1]),
    }


def sweep(
    data: str,
    count: int,
    grid: dict[str, list[Any]],
    fee: float,
    balance: float,
    jobs: int,
    returns: bool = True,
    resume: bool = False,
) -> dict[str, Any]:
    """All points of a grid in one call, under vectorbt's rule; the total return of each in the grid's order."""
    held = bars(data, count)
    took_s, found = seconds(
        lambda: b25.sweep(
            MaCross,
            held,
            grid=grid,
            bar_fills=AT_CLOSE,
            fees=b25.Fees(fee, fee),
            balance=balance,
            jobs=jobs,
            objective="net_profit",
            resume=resume,
            progress=False,
            log=False,
        )
    )
    table = found.table
    return {
        "run_s": took_s,
        "points": len(table),
        "hash": found.hash,
        "total_returns": table.sort(list(grid))["total_return"].to_list() if returns else [],
        # Of all processes together, and not less than that: the largest child counts for each of them.
        "tree_rss_bytes": 1024
        * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + jobs * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss),
    }


def tearsheet(data: str, count: int) -> dict[str, Any]:
    """The tear sheet of one run."""
    held = bars(data, count)
    backtest_s, run = seconds(lambda: b25.backtest(MaCross, held, fast=50, slow=250, balance=1e6))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.html"
        took_s, _ = seconds(lambda: run.tearsheet(path))
        size = path.stat().st_size
    return {"run_s": took_s, "backtest_s": backtest_s, "bytes": size, "trades": len(run.trades)}


if __name__ == "__main__":
    serve({"backtest": backtest, "sweep": sweep, "tearsheet": tearsheet})
