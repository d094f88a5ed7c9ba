"""Where trades won and lost: summed by instrument, side, reason, and calendar."""

from typing import Final, Literal

import polars as pl

from b25.model.errors import Misuse

By = Literal[
    "instrument", "strategy", "side", "entry_reason", "exit_reason", "reasons", "day", "week", "month", "year", "weekday", "hour"
]
_AT: Final = pl.col("exit_time")


def _known(reason: str) -> pl.Expr:
    return pl.col(reason).fill_null("?")


# What a row stands for, the columns it needs, and how it is made of them.
KEYS: Final[dict[str, tuple[tuple[str, ...], pl.Expr]]] = {
    "instrument": (("instrument",), pl.col("instrument")),
    "strategy": (("strategy",), pl.col("strategy")),
    "side": (("side",), pl.col("side")),
    "entry_reason": (("entry_reason",), pl.col("entry_reason")),
    "exit_reason": (("exit_reason",), pl.col("exit_reason")),
    "reasons": (("entry_reason", "exit_reason"), pl.format("{} → {}", _known("entry_reason"), _known("exit_reason"))),
    "day": (("exit_time",), _AT.dt.truncate("1d")),
    "week": (("exit_time",), _AT.dt.truncate("1w")),
    "month": (("exit_time",), _AT.dt.truncate("1mo")),
    "year": (("exit_time",), _AT.dt.year()),
    "weekday": (("exit_time",), _AT.dt.weekday()),
    "hour": (("exit_time",), _AT.dt.hour()),
}


def breakdown(trades: pl.DataFrame, *, by: By) -> pl.DataFrame:
    """Closed trades summed by what they have in common.

    Parameters
    ----------
    trades : polars.DataFrame
        As made by `trades_from_fills`; `strategy`, `entry_reason` and `exit_reason` are columns that a table may have besides.
    by : {"instrument", "strategy", "side", "entry_reason", "exit_reason", "reasons", "day", "week", "month", "year",
          "weekday", "hour"}
        What a row stands for; calendar times are of the exit, in UTC; weekday 1 is Monday; "reasons" are the pairs of both.

    Returns
    -------
    polars.DataFrame
        The key, then `trades, wins, draws, losses, win_rate, net, gross, fees, ratio_sum, mean_profit, holding_ns,
        profit_factor, drawdown`. `holding_ns` is a mean. The profit factor is null without a losing trade; the drawdown is
        the largest fall of the group's summed net profit from its peak, beginning at 0.

    Raises
    ------
    Misuse
        When the table does not have the column, e.g. because the strategy gave no reasons.
    """
    if by not in KEYS:
        raise Misuse(f"trades cannot be summed by {by!r}", remedy=f"choose one of {', '.join(KEYS)}")
    needs, key = KEYS[by]
    absent = [name for name in needs if name not in trades.columns]
    if absent:
        raise Misuse(
            f"trades cannot be summed by {by}: the table has no {absent[0]}", remedy="give each trade one, or choose another key"
        )
    net = pl.col("net")
    running = net.cum_sum()
    closed = trades.filter(~pl.col("is_open")).sort("exit_time", maintain_order=True)
    lost = -net.filter(net < 0).sum()
    return (
        closed.group_by(key.alias(by), maintain_order=True)
        .agg(
            pl.len().alias("trades"),
            (net > 0).sum().alias("wins"),
            (net == 0).sum().alias("draws"),
            (net < 0).sum().alias("losses"),
            (net > 0).mean().alias("win_rate"),
            net.sum().alias("net"),
            pl.col("gross").sum().alias("gross"),
            pl.col("fees").sum().alias("fees"),
            pl.col("return_ratio").sum().alias("ratio_sum"),
            pl.col("return_ratio").mean().alias("mean_profit"),
            pl.col("holding_ns").mean().alias("holding_ns"),
            pl.when(lost > 0).then(net.filter(net > 0).sum() / lost).alias("profit_factor"),
            (pl.max_horizontal(running.cum_max(), pl.lit(0.0)) - running).max().alias("drawdown"),
        )
        .sort(by, nulls_last=True)
    )


def breakdowns(trades: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every breakdown that the table has the columns for, by name."""
    return {by: breakdown(trades, by=by) for by, (needs, _) in KEYS.items() if set(needs) <= set(trades.columns)}  # type: ignore[arg-type]


def left_open(trades: pl.DataFrame) -> pl.DataFrame:
    """Trades that were not closed at the end: instrument, side, since when, size, entry price, P&L at mark."""
    names = ("instrument", "side", "entry_time", "max_quantity", "entry_price", "entry_value", "gross", "fees", "net")
    return trades.filter(pl.col("is_open")).select(names)
