"""Figures of closed trades: how often they win, how much, for how long, and whether the mean is distinguishable from zero."""

import math

import numpy as np
import polars as pl

from b25.analytics.formulas import TRADES, measured, missing
from b25.analytics.honest import mean_p_values
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray, IntArray, Metric, all_equal

NO_TRADE = "no closed trade"
NO_LOSS = "no losing trade"
NO_BALANCE = "the starting balance was not given"


def streaks(profit: FloatArray) -> tuple[int, int, int]:
    """Longest winning and losing streak, and the current one (negative for losses); a zero ends both.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Net profit of each trade in order of exit.
    """
    signs = np.sign(np.asarray(profit, np.float64)).astype(np.int64)
    if not signs.size:
        return 0, 0, 0
    begins = np.concatenate(([0], np.flatnonzero(np.diff(signs)) + 1))
    lengths = np.diff(np.append(begins, signs.size))
    kinds = signs[begins]
    wins, losses = lengths[kinds > 0], lengths[kinds < 0]
    return int(wins.max(initial=0)), int(losses.max(initial=0)), int(kinds[-1] * lengths[-1])


def _ratio(name: str, above: float, below: float, why_not: str) -> Metric:
    return measured(name, above / below) if below > 0 else missing(name, why_not)


def profit_metrics(profit: FloatArray) -> dict[str, Metric]:
    """Every figure that needs nothing but the net profits, in order of exit.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Net profit of each closed trade in the settlement currency. Zero is a draw: it counts in N and is neither a win
        nor a loss.
    """
    values = np.asarray(profit, np.float64)
    names = (
        "win_rate", "average_win", "average_loss", "payoff", "profit_factor", "expectancy", "expectancy_ratio",
        "expected_100_trades", "sqn", "best_trade", "worst_trade", "streak_wins", "streak_losses", "streak_now",
        "trade_p_value", "trade_p_value_bootstrap",
    )  # fmt: skip
    fault = "" if np.all(np.isfinite(values)) else "a trade's profit is not a number"
    if not values.size or fault:
        return {"trades": measured("trades", values.size)} | {name: missing(name, fault or NO_TRADE) for name in names}
    wins, losses = values[values > 0], -values[values < 0]
    won, lost, mean = float(wins.sum()), float(losses.sum()), float(values.mean())
    average_loss = float(losses.mean()) if losses.size else 0.0
    longest_won, longest_lost, now = streaks(values)
    no_sqn = (
        "one closed trade; at least 2 are needed"
        if values.size < 2
        else ("all trades made the same" if all_equal(values) else "")
    )
    return {
        "trades": measured("trades", values.size),
        "win_rate": measured("win_rate", wins.size / values.size),
        "average_win": measured("average_win", float(wins.mean())) if wins.size else missing("average_win", "no winning trade"),
        "average_loss": measured("average_loss", average_loss) if losses.size else missing("average_loss", NO_LOSS),
        "payoff": _ratio("payoff", float(wins.mean()) if wins.size else 0.0, average_loss, NO_LOSS),
        "profit_factor": _ratio("profit_factor", won, lost, NO_LOSS),
        "expectancy": measured("expectancy", mean),
        "expectancy_ratio": _ratio("expectancy_ratio", mean, average_loss, NO_LOSS),
        "expected_100_trades": measured("expected_100_trades", 100.0 * mean),
        "sqn": missing("sqn", no_sqn)
        if no_sqn
        else measured("sqn", math.sqrt(values.size) * mean / float(values.std(ddof=1)), note=f"N {values.size}"),
        "best_trade": measured("best_trade", float(values.max())),
        "worst_trade": measured("worst_trade", float(values.min())),
        "streak_wins": measured("streak_wins", longest_won),
        "streak_losses": measured("streak_losses", longest_lost),
        "streak_now": measured("streak_now", now),
        **mean_p_values(values),
    }


def _holding(holding_ns: IntArray, profit: FloatArray) -> dict[str, Metric]:
    out: dict[str, Metric] = {}
    for suffix, chosen, why in (
        ("", holding_ns, NO_TRADE),
        ("_winners", holding_ns[profit > 0], "no winning trade"),
        ("_losers", holding_ns[profit < 0], NO_LOSS),
    ):
        for kind, value in (("mean", np.mean), ("min", np.min), ("max", np.max)):
            name = f"holding_{kind}{suffix}"
            out[name] = measured(name, float(value(chosen))) if chosen.size else missing(name, why)
    return out


def _sides(closed: pl.DataFrame, starting_balance: float | None) -> dict[str, Metric]:
    out: dict[str, Metric] = {}
    for side in ("long", "short"):
        net = closed.filter(pl.col("side") == side)["net"].to_numpy()
        out[f"trades_{side}"] = measured(f"trades_{side}", net.size)
        out[f"profit_{side}"] = measured(f"profit_{side}", float(net.sum()))
        share = f"profit_{side}_ratio"
        out[share] = measured(share, float(net.sum()) / starting_balance) if starting_balance else missing(share, NO_BALANCE)
        name = f"win_rate_{side}"
        out[name] = measured(name, float(np.mean(net > 0))) if net.size else missing(name, f"no closed {side} trade")
    return out


def _extremes(closed: pl.DataFrame) -> dict[str, Metric]:
    """Gross P&L of the best and the worst trade, and the instruments that made most and least."""
    names = ("best_trade_gross", "worst_trade_gross", "best_pair", "worst_pair")
    if not closed.height:
        return {name: missing(name, NO_TRADE) for name in names}
    net = closed["net"].to_numpy()
    rows = (int(np.argmax(net)), int(np.argmin(net)))
    pairs = closed.group_by("instrument", maintain_order=True).agg(pl.col("net").sum()).sort("net", maintain_order=True).rows()
    ends = (pairs[-1], pairs[0])
    unknown = "gross P&L is not known"
    return {
        **{name: measured(name, closed["gross"][row], why_not=unknown) for name, row in zip(names[:2], rows, strict=True)},
        **{name: measured(name, pair[1], note=pair[0]) for name, pair in zip(names[2:], ends, strict=True)},
    }


def most_open(trades: pl.DataFrame) -> int:
    """Largest number of trades open at one time; one that ends when another begins does not overlap it."""
    begins = np.sort(trades["entry_time"].dt.epoch("ns").to_numpy())
    ends = np.sort(trades["exit_time"].drop_nulls().dt.epoch("ns").to_numpy())
    if not begins.size:
        return 0
    return int(np.max(np.arange(1, begins.size + 1) - np.searchsorted(ends, begins, side="right"), initial=0))


def _wallet(closed: pl.DataFrame, starting_balance: float | None) -> dict[str, Metric]:
    """Highest and lowest wallet balance as trades were closed, with their times; the start has no time of its own."""
    names = ("max_wallet", "min_wallet")
    if starting_balance is None or not closed.height:
        why = NO_BALANCE if starting_balance is None else NO_TRADE
        return {name: missing(name, why) for name in (*names, *(f"{name}_time" for name in names))}
    balance = starting_balance + np.concatenate(([0.0], np.cumsum(closed["net"].to_numpy())))
    times = closed["exit_time"].dt.epoch("ns").to_numpy()
    out: dict[str, Metric] = {}
    for name, row in zip(names, (int(np.argmax(balance)), int(np.argmin(balance))), strict=True):
        out[name] = measured(name, float(balance[row]))
        at = f"{name}_time"
        out[at] = measured(at, int(times[row - 1])) if row else missing(at, "it is the starting balance")
    return out


def trade_metrics(
    trades: pl.DataFrame, *, span_days: float | None = None, starting_balance: float | None = None
) -> dict[str, Metric]:
    """Figures of a table of trades.

    Parameters
    ----------
    trades : polars.DataFrame
        As made by `trades_from_fills`, of any number of instruments. Open trades are counted and valued apart.
    span_days : float, optional
        Length of the whole curve, for trades a day, week and month.
    starting_balance : float, optional
        Account value at the start, for the wallet balance and for shares of it.

    Returns
    -------
    dict of str to Metric
        Every metric of `formulas.TRADES`.
    """
    closed = trades.filter(~pl.col("is_open")).sort("exit_time", maintain_order=True)
    opened = trades.filter(pl.col("is_open"))
    net, holding = closed["net"].to_numpy(), closed["holding_ns"].to_numpy()
    out = profit_metrics(net) | _sides(closed, starting_balance) | _holding(holding, net) | _extremes(closed)
    out |= _wallet(closed, starting_balance)
    for name, count in (("won", np.sum(net > 0)), ("drawn", np.sum(net == 0)), ("lost", np.sum(net < 0))):
        out[f"trades_{name}"] = measured(f"trades_{name}", int(count))
    out["max_open_trades"] = measured("max_open_trades", most_open(trades))
    out["trades_open"] = measured("trades_open", opened.height)
    unmarked = opened["net"].null_count()
    out["open_profit"] = (
        missing("open_profit", "there is no mark") if unmarked else measured("open_profit", float(opened["net"].sum()))
    )
    for name, days in (("trades_day", 1.0), ("trades_week", 7.0), ("trades_month", DAYS_PER_YEAR / 12)):
        rate = closed.height / span_days * days if span_days else None
        out[name] = measured(name, rate, why_not="the curve has no length")
    ratio = closed["return_ratio"].drop_nulls().to_numpy()
    for name, value in (("mean_profit", np.mean), ("median_profit", np.median)):
        out[name] = measured(name, float(value(ratio))) if ratio.size else missing(name, NO_TRADE)
    for name in ("mae", "mfe"):
        share = (closed[name] / closed["entry_value"]).drop_nulls().to_numpy()
        out[name] = (
            measured(name, float(share.mean())) if share.size else missing(name, "no mid prices" if closed.height else NO_TRADE)
        )
    entry = closed["entry_value"].to_numpy()
    out["trade_volume"] = measured("trade_volume", float(entry.mean())) if entry.size else missing("trade_volume", NO_TRADE)
    return {name: out[name] for name in TRADES}
