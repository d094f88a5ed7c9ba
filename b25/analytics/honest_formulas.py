"""Definitions of the honest statistics: what a figure is worth after all the trials, chances and choices behind it."""

from typing import Final

from b25.analytics.metric import Formula

_STATIONARY = "Politis and Romano 1994; block length: Politis and White 2004"
_CSCV = "Bailey, Borwein, Lopez de Prado and Zhu 2014"

HONEST: Final[dict[str, Formula]] = {
    "trials": Formula("Trials on this data", "count", "distinct (strategy, parameters, models) ever run on it, from the run log"),
    "psr": Formula(
        "Probabilistic Sharpe against 0",
        "ratio",
        "Phi((S - S*) * sqrt(n - 1) / sqrt(1 - skew*S + (kurt - 1)/4 * S^2)), S daily, population moments",
        "Bailey and Lopez de Prado 2012",
        True,
    ),
    "sharpe_by_luck": Formula(
        "Sharpe of the luckiest trial",
        "number",
        "sqrt(Var(S_k)) * ((1 - g) * Phi^-1(1 - 1/K) + g * Phi^-1(1 - 1/(K*e))) * sqrt(365), g = 0.5772, K trials, S_k daily",
        "Bailey and Lopez de Prado 2014",
        True,
    ),
    "deflated_sharpe": Formula(
        "Deflated Sharpe",
        "ratio",
        "probabilistic Sharpe against S* = Sharpe of the luckiest of the K trials of the run log, daily",
        "Bailey and Lopez de Prado 2014",
        True,
    ),
    "min_track_record_days": Formula(
        "Minimum track record",
        "days",
        "1 + (1 - skew*S + (kurt - 1)/4 * S^2) * (z / (S - S*))^2, z = Phi^-1(0.95), S* = 0, S daily",
        "Bailey and Lopez de Prado 2012",
        True,
    ),
    "sharpe_low": Formula("Sharpe, 95 % from", "number", "2.5 % quantile, stationary block bootstrap of days", _STATIONARY, True),
    "sharpe_high": Formula("Sharpe, 95 % to", "number", "97.5 % quantile, stationary block bootstrap of days", _STATIONARY, True),
    "cagr_low": Formula("CAGR, 95 % from", "ratio", "2.5 % quantile, stationary block bootstrap of days", _STATIONARY, True),
    "cagr_high": Formula("CAGR, 95 % to", "ratio", "97.5 % quantile, stationary block bootstrap of days", _STATIONARY, True),
    "drawdown_low": Formula(
        "Drawdown, 95 % from", "ratio", "2.5 % quantile of the largest drawdown on daily points, block bootstrap", _STATIONARY
    ),
    "drawdown_high": Formula(
        "Drawdown, 95 % to", "ratio", "97.5 % quantile of the largest drawdown on daily points, block bootstrap", _STATIONARY
    ),
    "paths_return_05": Formula("Return of paths, 5 %", "ratio", "5 % quantile of the total return of bootstrapped paths of days"),
    "paths_return_50": Formula("Return of paths, median", "ratio", "median of the total return of bootstrapped paths of days"),
    "paths_return_95": Formula(
        "Return of paths, 95 %", "ratio", "95 % quantile of the total return of bootstrapped paths of days"
    ),
    "paths_drawdown_95": Formula("Drawdown of paths, 95 %", "ratio", "95 % quantile of the paths' largest drawdown"),
    "paths_loss_probability": Formula("Paths that lose", "ratio", "share of paths that end below their start"),
    "paths_ruin_probability": Formula("Paths that lose half", "ratio", "share of paths that ever fall to half of their start"),
    "monte_carlo_drawdown_05": Formula(
        "Drawdown, trades shuffled, 5 %", "ratio", "5 % quantile of the largest drawdown of closed trades in random order"
    ),
    "monte_carlo_drawdown_50": Formula(
        "Drawdown, trades shuffled", "ratio", "median of the largest drawdown of closed trades in random order"
    ),
    "monte_carlo_drawdown_95": Formula(
        "Drawdown, trades shuffled, 95 %", "ratio", "95 % quantile of the largest drawdown of closed trades in random order"
    ),
    "monte_carlo_profit_05": Formula(
        "Profit, trades resampled, 5 %", "money", "5 % quantile of the sum of N trades drawn with replacement"
    ),
    "monte_carlo_profit_50": Formula("Profit, trades resampled", "money", "median of the sum of N trades drawn with replacement"),
    "monte_carlo_profit_95": Formula(
        "Profit, trades resampled, 95 %", "money", "95 % quantile of the sum of N trades drawn with replacement"
    ),
    "monte_carlo_loss_probability": Formula(
        "Resampled trades that lose", "ratio", "share of sums of N trades drawn with replacement that are below 0"
    ),
    "random_entry_profit": Formula(
        "Profit of random entries",
        "money",
        "median profit of the same trades (as many, as long, as large) at random times",
    ),
    "random_entry_percentile": Formula(
        "Better than random entries", "ratio", "share of random draws whose profit is below that of the strategy's closed trades"
    ),
    "random_entry_p_value": Formula(
        "p-value against random entries", "number", "(1 + draws with at least the strategy's profit) / (1 + draws)"
    ),
    "best_regime_share": Formula(
        "Gain in the best trend", "ratio", "largest share of the sum of daily returns made in one of: market up, sideways, down"
    ),
    "best_month_share": Formula("Gain in the best month", "ratio", "largest share of the sum of daily returns made in one month"),
    "pbo": Formula(
        "Probability of overfitting",
        "ratio",
        "share of halves of 16 blocks whose best point has, in the other half, logit(rank / (points + 1)) <= 0",
        _CSCV,
    ),
    "pbo_loss_probability": Formula(
        "Winner loses out of sample", "ratio", "share of halves whose best point has a Sharpe below 0 in the other half", _CSCV
    ),
    "pbo_slope": Formula(
        "Performance degradation", "number", "least-squares slope of the winners' Sharpe out of sample on that in sample", _CSCV
    ),
}
