"""Every metric's definition in one place: what `explain` prints, the tear sheet's glossary shows, and the code computes."""

from typing import Final

from b25.analytics.cost_formulas import COSTS
from b25.analytics.honest_formulas import HONEST
from b25.analytics.metric import Formula, Metric, plain

BASIS: Final = "starting balance is point 0; daily points at 00:00 UTC plus the end; flows taken out"


def _fall(prefix: str, which: str) -> dict[str, Formula]:
    """When and where a largest drawdown was."""
    return {
        f"{prefix}_peak_time": Formula(f"{which}: peak", "time_ns", "when the peak was last held"),
        f"{prefix}_trough_time": Formula(f"{which}: trough", "time_ns", "when the lowest value was reached"),
        f"{prefix}_recovery_time": Formula(f"{which}: recovered", "time_ns", "when the peak was reached again"),
        f"{prefix}_duration": Formula(f"{which}: duration", "ns", "from the peak to the recovery, or to the end"),
        f"{prefix}_profit_at_peak": Formula(f"{which}: profit at peak", "money", "P - E_0"),
        f"{prefix}_profit_at_trough": Formula(f"{which}: profit at trough", "money", "E_trough - E_0"),
    }


EQUITY: Final[dict[str, Formula]] = {
    "starting_balance": Formula("Starting balance", "money", "E_0"),
    "final_balance": Formula("Final balance", "money", "E_n, open positions at mark"),
    "start_time": Formula("From", "time_ns", "time of E_0"),
    "end_time": Formula("To", "time_ns", "time of E_n"),
    "days": Formula("Length", "days", "(t_n - t_0) / 86 400 s"),
    "net_profit": Formula("Net profit", "money", "E_n - E_0 - sum of flows"),
    "total_return": Formula("Total return", "ratio", "product of (1 + r_t) - 1", BASIS),
    "average_daily_profit": Formula("Average daily profit", "ratio", "net profit / E_0 / days"),
    "daily_return_mean": Formula("Mean daily return", "ratio", "mean(r), r daily"),
    "cagr": Formula("CAGR", "ratio", "(E_n / E_0)^(365 / days) - 1; n/a if E_n <= 0", "compound annual growth rate", True),
    "volatility": Formula("Volatility", "ratio", "std(r, ddof 1) * sqrt(365), r daily", BASIS, True),
    "sharpe": Formula("Sharpe", "number", "mean(r - r_f) / std(r, ddof 1) * sqrt(365), r daily", "Sharpe 1994", True),
    "sortino": Formula(
        "Sortino",
        "number",
        "mean(r - MAR) / sqrt(mean(min(r - MAR, 0)^2)) * sqrt(365), mean over all n days",
        "Sortino and Price 1994",
        True,
    ),
    "smart_sharpe": Formula("Smart Sharpe", "number", "sharpe / sqrt(1 + 2 * sum((1 - k/n) * |rho_1|^k), k = 1..n-1)", "", True),
    "smart_sortino": Formula(
        "Smart Sortino", "number", "sortino / sqrt(1 + 2 * sum((1 - k/n) * |rho_1|^k), k = 1..n-1)", "", True
    ),
    "max_drawdown": Formula(
        "Max drawdown", "ratio", "max over t of (P_t - E_t) / P_t, P_t = max(E_0..E_t), every point of the curve"
    ),
    "max_drawdown_money": Formula("Max drawdown, absolute", "money", "max over t of P_t - E_t, every point of the curve"),
    "max_drawdown_amount": Formula("Max drawdown: in money", "money", "P - E at the trough of the largest relative fall"),
    "max_drawdown_money_ratio": Formula(
        "Max drawdown, absolute: of its peak", "ratio", "(P - E) / P at the trough of the largest absolute fall"
    ),
    **_fall("max_drawdown", "Max drawdown"),
    **_fall("max_drawdown_money", "Max drawdown, absolute"),
    "drawdown_daily_close": Formula("Max drawdown, daily closes", "ratio", "max over daily points of (P_t - E_t) / P_t"),
    "drawdown_daily": Formula(
        "Worst fall from a day's start", "ratio", "max over days of 1 - min(E of the day) / E at its start"
    ),
    "underwater_now": Formula("Under water at the end", "ratio", "(P_n - E_n) / P_n"),
    "time_under_water": Formula("Time under water", "ratio", "share of the time with E_t < P_t"),
    "longest_under_water": Formula("Longest under water", "ns", "longest span from a peak to its recovery, or to the end"),
    "calmar": Formula("Calmar", "number", "CAGR / max drawdown", "Young 1991", True),
    "ulcer": Formula("Ulcer index", "ratio", "sqrt(mean(dd_t^2)) over daily points 1..n", "Martin and McCann 1989"),
    "martin": Formula("Martin", "number", "(CAGR - r_f) / Ulcer", "Martin and McCann 1989", True),
    "serenity": Formula("Serenity", "number", "(sum(r) - r_f) / (Ulcer * CVaR95(dd) / std(r))", "KeyQuant"),
    "omega": Formula(
        "Omega", "number", "sum(max(r - theta, 0)) / sum(max(theta - r, 0)), theta = 0", "Keating and Shadwick 2002"
    ),
    "var_95": Formula("VaR 95 %, one day, historical", "ratio", "-quantile(r, 0.05), linear interpolation"),
    "var_99": Formula("VaR 99 %, one day, historical", "ratio", "-quantile(r, 0.01), linear interpolation"),
    "cvar_95": Formula("CVaR 95 %, one day, historical", "ratio", "-mean of the floor((n - 1) * 0.05) + 1 worst r"),
    "cvar_99": Formula("CVaR 99 %, one day, historical", "ratio", "-mean of the floor((n - 1) * 0.01) + 1 worst r"),
    "var_95_normal": Formula("VaR 95 %, one day, normal", "ratio", "1.65 * std(r, ddof 1)"),
    "var_99_normal": Formula("VaR 99 %, one day, normal", "ratio", "2.33 * std(r, ddof 1)"),
    "cvar_95_normal": Formula("CVaR 95 %, one day, normal", "ratio", "phi(1.65) / 0.05 * std(r, ddof 1), phi the normal density"),
    "cvar_99_normal": Formula("CVaR 99 %, one day, normal", "ratio", "phi(2.33) / 0.01 * std(r, ddof 1), phi the normal density"),
    "best_day": Formula("Best day", "ratio", "max(r_t)"),
    "worst_day": Formula("Worst day", "ratio", "min(r_t)"),
    "best_day_profit": Formula("Best day's profit", "money", "max(E_t - F_t - E_(t-1)) over days"),
    "worst_day_profit": Formula("Worst day's profit", "money", "min(E_t - F_t - E_(t-1)) over days"),
    "days_won": Formula("Days won", "count", "days with a P&L above zero"),
    "days_drawn": Formula("Days drawn", "count", "days with a P&L of zero"),
    "days_lost": Formula("Days lost", "count", "days with a P&L below zero"),
    "max_equity": Formula("Highest equity", "money", "max(E_t)"),
    "min_equity": Formula("Lowest equity", "money", "min(E_t)"),
    "max_equity_time": Formula("Highest equity at", "time_ns", "first time of max(E_t)"),
    "min_equity_time": Formula("Lowest equity at", "time_ns", "first time of min(E_t)"),
    "exposure_gross": Formula("Exposure, gross", "ratio", "time-weighted mean of |position value| / E"),
    "exposure_net": Formula("Exposure, net", "ratio", "time-weighted mean of position value / E"),
    "hold_value": Formula("Value held at the end", "money", "sum of |position| at the last mid"),
    "turnover": Formula("Turnover", "number", "traded notional / mean E"),
    "turnover_year": Formula("Turnover a year", "number", "traded notional / mean E * 365 / days", "", True),
    "market_change": Formula("Market change", "ratio", "equal-weight mean of last mid / first mid - 1 over the same span"),
    "beta": Formula("Beta to the market", "number", "cov(r, m) / var(m), daily, m = equal-weight buy and hold"),
    "correlation": Formula("Correlation to the market", "number", "cov(r, m) / (std(r) * std(m)), daily"),
    "profit_minute": Formula("Profit a minute", "money", "net profit / minutes of the curve"),
    "profit_volatility_minute": Formula(
        "P&L volatility, √minute",
        "money",
        "std of equity changes over a fixed step, ddof 1, times sqrt(60 s / step); not annualised",
    ),
    "profit_low": Formula(
        "Net profit, 95 % from", "money", "2.5 % quantile, stationary block bootstrap of the steps' P&L", "Politis, Romano 1994"
    ),
    "profit_high": Formula(
        "Net profit, 95 % to", "money", "97.5 % quantile, stationary block bootstrap of the steps' P&L", "Politis, Romano 1994"
    ),
}

TRADES: Final[dict[str, Formula]] = {
    "trades": Formula(
        "Trades", "count", "closed excursions of the position from flat to flat; a reversal ends one and begins the next"
    ),
    "trades_open": Formula("Open trades", "count", "excursions not closed at the end"),
    "open_profit": Formula("Open P&L", "money", "net P&L at mark of the open trades"),
    "trades_day": Formula("Trades a day", "number", "closed trades / days of the curve"),
    "trades_week": Formula("Trades a week", "number", "closed trades / days of the curve * 7"),
    "trades_month": Formula("Trades a month", "number", "closed trades / days of the curve * 365 / 12"),
    "trades_won": Formula("Trades won", "count", "closed trades with net P&L > 0"),
    "trades_drawn": Formula("Trades drawn", "count", "closed trades with net P&L = 0"),
    "trades_lost": Formula("Trades lost", "count", "closed trades with net P&L < 0"),
    "max_open_trades": Formula("Most trades open at once", "count", "largest number of excursions open at one time"),
    "trades_long": Formula("Long trades", "count", "closed trades that began with a buy"),
    "trades_short": Formula("Short trades", "count", "closed trades that began with a sell"),
    "profit_long": Formula("Profit long", "money", "sum of net P&L of long trades"),
    "profit_short": Formula("Profit short", "money", "sum of net P&L of short trades"),
    "profit_long_ratio": Formula("Profit long, of balance", "ratio", "sum of net P&L of long trades / E_0"),
    "profit_short_ratio": Formula("Profit short, of balance", "ratio", "sum of net P&L of short trades / E_0"),
    "win_rate": Formula("Win rate", "ratio", "trades with net P&L > 0 / all closed trades"),
    "win_rate_long": Formula("Win rate, long", "ratio", "the same over long trades"),
    "win_rate_short": Formula("Win rate, short", "ratio", "the same over short trades"),
    "average_win": Formula("Average win", "money", "mean of net P&L > 0"),
    "average_loss": Formula("Average loss", "money", "mean of -net P&L where < 0"),
    "payoff": Formula("Payoff", "number", "average win / average loss"),
    "profit_factor": Formula("Profit factor", "number", "sum of wins / sum of losses"),
    "expectancy": Formula("Expectancy", "money", "sum of net P&L / N"),
    "expectancy_ratio": Formula("Expectancy ratio", "number", "expectancy / average loss"),
    "expected_100_trades": Formula("Expected per 100 trades", "money", "100 * expectancy"),
    "sqn": Formula("SQN", "number", "sqrt(N) * mean(P&L) / std(P&L, ddof 1), not capped", "Tharp 1998"),
    "trade_p_value": Formula(
        "p-value of the mean trade", "number", "two-sided Student t test of mean(P&L) = 0, N - 1 degrees", "Student 1908"
    ),
    "trade_p_value_bootstrap": Formula(
        "p-value, bootstrap",
        "number",
        "share of stationary bootstrap means of centred P&L at least as far from 0",
        "Politis, Romano 1994",
    ),
    "mean_profit": Formula("Mean profit", "ratio", "mean of net P&L / entry value"),
    "median_profit": Formula("Median profit", "ratio", "median of net P&L / entry value"),
    "best_trade": Formula("Best trade", "money", "max(net P&L)"),
    "worst_trade": Formula("Worst trade", "money", "min(net P&L)"),
    "best_trade_gross": Formula("Best trade, gross", "money", "P&L before fees of the trade with max(net P&L)"),
    "worst_trade_gross": Formula("Worst trade, gross", "money", "P&L before fees of the trade with min(net P&L)"),
    "best_pair": Formula("Best pair", "money", "largest sum of net P&L of one instrument's closed trades"),
    "worst_pair": Formula("Worst pair", "money", "smallest sum of net P&L of one instrument's closed trades"),
    "holding_mean": Formula("Average holding", "ns", "mean flat-to-flat time"),
    "holding_mean_winners": Formula("Average holding, winners", "ns", "mean flat-to-flat time of winners"),
    "holding_mean_losers": Formula("Average holding, losers", "ns", "mean flat-to-flat time of losers"),
    "holding_min": Formula("Shortest holding", "ns", "min flat-to-flat time"),
    "holding_max": Formula("Longest holding", "ns", "max flat-to-flat time"),
    "holding_min_winners": Formula("Shortest holding, winners", "ns", "min flat-to-flat time of winners"),
    "holding_max_winners": Formula("Longest holding, winners", "ns", "max flat-to-flat time of winners"),
    "holding_min_losers": Formula("Shortest holding, losers", "ns", "min flat-to-flat time of losers"),
    "holding_max_losers": Formula("Longest holding, losers", "ns", "max flat-to-flat time of losers"),
    "streak_wins": Formula("Longest winning streak", "count", "most wins in a row; a zero ends it"),
    "streak_losses": Formula("Longest losing streak", "count", "most losses in a row; a zero ends it"),
    "streak_now": Formula("Current streak", "count", "wins (+) or losses (-) in a row at the end"),
    "mae": Formula("Mean worst excursion", "ratio", "mean over trades of the worst open P&L / entry value, gross, at mid"),
    "mfe": Formula("Mean best excursion", "ratio", "mean over trades of the best open P&L / entry value, gross, at mid"),
    "trade_volume": Formula("Average stake", "money", "mean of the entry value"),
    "max_wallet": Formula("Highest wallet balance", "money", "max(E_0 + net P&L of the trades closed so far)"),
    "min_wallet": Formula("Lowest wallet balance", "money", "min(E_0 + net P&L of the trades closed so far)"),
    "max_wallet_time": Formula("Highest wallet balance at", "time_ns", "first time of the highest wallet balance"),
    "min_wallet_time": Formula("Lowest wallet balance at", "time_ns", "first time of the lowest wallet balance"),
}

FILLS: Final[dict[str, Formula]] = {
    "fills": Formula("Fills", "count", "executions"),
    "fills_buy": Formula("Buys", "count", "executions on the buy side"),
    "fills_sell": Formula("Sells", "count", "executions on the sell side"),
    "volume": Formula("Volume", "money", "sum of notional"),
    "maker_share": Formula("Maker share", "ratio", "maker notional / notional"),
    "fees": Formula("Fees", "money", "sum of fees; negative is a rebate"),
    "fees_bps": Formula("Fees on volume", "bps", "fees / volume * 10 000"),
    "profit_fill": Formula("Profit a fill", "money", "net profit / fills"),
    "profit_bps": Formula("Profit on volume", "bps", "net profit / volume * 10 000"),
    "spread_capture": Formula("Spread capture", "money", "sum of side * (mid at the fill - price) * quantity"),
    "spread_capture_bps": Formula("Spread capture on volume", "bps", "spread capture / volume * 10 000"),
    "markout_1s": Formula(
        "Mark-out after 1 s", "bps", "sum of side * (mid 1 s later - price) * quantity / notional * 10 000; before fees"
    ),
    "markout_10s": Formula(
        "Mark-out after 10 s", "bps", "sum of side * (mid 10 s later - price) * quantity / notional * 10 000; before fees"
    ),
    "markout_60s": Formula(
        "Mark-out after 60 s", "bps", "sum of side * (mid 60 s later - price) * quantity / notional * 10 000; before fees"
    ),
    "inventory_profit": Formula(
        "Inventory P&L", "money", "gross P&L - spread capture: what the held position earned as the mid moved"
    ),
    "gross_profit": Formula("Gross P&L", "money", "net profit + fees - funding"),
    "funding": Formula("Funding", "money", "sum of funding received; negative is paid"),
    "submits": Formula("Orders sent", "count", "submissions that passed the gate"),
    "cancels": Formula("Cancels sent", "count", "cancel requests that passed the gate"),
    "amends": Formula("Amends sent", "count", "amend requests that passed the gate"),
    "refused": Formula("Refused by the gate", "count", "intents that never left, all reasons"),
    "rejected": Formula("Rejected by the venue", "count", "orders that the venue did not accept, all reasons"),
    "signals": Formula("Signals", "count", "submissions asked for: those that passed the gate and those it refused"),
    "timeouts_entry": Formula("Entry timeouts", "count", "entry orders withdrawn because they waited too long"),
    "timeouts_exit": Formula("Exit timeouts", "count", "exit orders withdrawn because they waited too long"),
    "cancelled_entries": Formula("Cancelled entries", "count", "entry orders cancelled before they were filled whole"),
    "replaced_entries": Formula("Replaced entries", "count", "entry orders amended, or cancelled and placed anew"),
    "fill_ratio": Formula("Fill ratio", "ratio", "filled quantity / placed quantity"),
    "order_to_fill": Formula("Order-to-fill", "number", "(submits + cancels + amends) / fills"),
    "wait_p50": Formula("Wait for a fill, median", "ns", "median of fill time - submission time"),
    "wait_p95": Formula("Wait for a fill, p95", "ns", "95 % quantile of fill time - submission time"),
    "wait_p99": Formula("Wait for a fill, p99", "ns", "99 % quantile of fill time - submission time"),
    "position_end": Formula("Final position", "base", "signed quantity held at the end"),
    "position_mean": Formula("Mean position", "base", "time-weighted mean of the signed position"),
    "position_abs_mean": Formula("Mean size of position", "base", "time-weighted mean of |position|"),
    "position_std": Formula("Position volatility", "base", "time-weighted standard deviation of the position"),
    "position_max": Formula("Largest long", "base", "max(position)"),
    "position_min": Formula("Largest short", "base", "min(position)"),
    "time_flat": Formula("Time flat", "ratio", "share of the time with position 0"),
    "inventory_turns": Formula("Inventory turns", "count", "how often the position changed its sign, through flat or not"),
}

FORMULAS: Final[dict[str, Formula]] = {**EQUITY, **TRADES, **FILLS, **COSTS, **HONEST}


def measured(name: str, value: float | None, *, why_not: str = "the result is not a finite number", note: str = "") -> Metric:
    """Make a metric of a number, or an n/a of anything that is not a finite one."""
    number = None if value is None else plain(value)
    if number is None or not -float("inf") < number < float("inf"):
        return Metric(name, None, why_not, FORMULAS[name], None, note)
    return Metric(name, number, "", FORMULAS[name], number, note)


def missing(name: str, reason: str) -> Metric:
    """Make the n/a of a metric."""
    return Metric(name, None, reason, FORMULAS[name])


def explain(name: str) -> str:
    """Formula of a metric as text.

    Parameters
    ----------
    name : str
        Key of the metric, e.g. ``"sharpe"``.

    Raises
    ------
    Misuse
        When no metric has this name; the remedy lists the nearest ones.
    """
    from difflib import get_close_matches

    from b25.model.errors import Misuse

    formula = FORMULAS.get(name)
    if formula is None:
        near = get_close_matches(name, FORMULAS, n=3) or sorted(FORMULAS)[:3]
        raise Misuse(f"no metric is called {name!r}", remedy=f"did you mean {', '.join(near)}?")
    lines = [f"{formula.title} ({name}) = {formula.text}"]
    if formula.source:
        lines.append(f"  {formula.source}")
    if formula.annualised:
        lines.append("  annualised with 365 days; shown as n/a when the curve spans less than 30 days")
    return "\n".join(lines)
