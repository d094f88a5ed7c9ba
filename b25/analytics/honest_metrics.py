"""How far to trust a result: every honest statistic of it in one call, cheap enough to stand beside every result."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from b25.analytics.curve import DailyPoints, EquityCurve
from b25.analytics.deflated import TrialSummary, deflated_sharpe, min_track_record, probabilistic_sharpe
from b25.analytics.formulas import measured, missing
from b25.analytics.honest import SEED
from b25.analytics.honest_formulas import HONEST
from b25.analytics.metric import FloatArray, Metric
from b25.analytics.monte_carlo import monte_carlo_metrics
from b25.analytics.random_entry import random_entry_metrics
from b25.analytics.regimes import regime_metrics
from b25.analytics.resampling import resampling_metrics
from b25.analytics.series import InstrumentTrace
from b25.analytics.shown import shown
from b25.analytics.trades import COLUMNS

PBO_NAMES: Final = ("pbo", "pbo_loss_probability", "pbo_slope")
NO_CHOICE: Final = "needs a sweep: nothing was picked from this run"


def honest_metrics(
    curve: EquityCurve,
    *,
    trades: pl.DataFrame | None = None,
    traces: Sequence[InstrumentTrace] = (),
    trials: TrialSummary | None = None,
    blocks: FloatArray | None = None,
    seed: int = SEED,
) -> dict[str, Metric]:
    """Every statistic that says how much of a result may be chance, choice or luck.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time; its daily returns are what is judged.
    trades : polars.DataFrame, optional
        As made by `metrics.trades_of`; for the Monte Carlo of trades and the random entries.
    traces : sequence of InstrumentTrace
        Mid prices of what was traded; for the random entries and the regimes.
    trials : TrialSummary, optional
        What was ever tried on the same data, from the run log.
    blocks : ndarray of float64, shape (points, blocks, 3), optional
        Block sums of the sweep that this result is the best point of; see `overfitting`.
    seed : int
        Of everything that is drawn; noted with each figure.

    Returns
    -------
    dict of str to Metric
        Every metric of `honest_formulas.HONEST`; n/a with a reason where undefined or the sample is too small.
    """
    daily = curve.daily()
    table = trades if trades is not None else pl.DataFrame(schema=COLUMNS)
    closed = table.filter(~pl.col("is_open"))["net"].to_numpy()
    found = (
        _of_days(daily, curve, traces, trials, seed)
        | monte_carlo_metrics(closed, starting_balance=curve.starting_balance, seed=seed)
        | random_entry_metrics(table, traces, seed=seed)
        | overfitting_metrics(blocks)
    )
    return shown({name: found[name] for name in HONEST}, curve)


def _of_days(
    daily: DailyPoints, curve: EquityCurve, traces: Sequence[InstrumentTrace], trials: TrialSummary | None, seed: int
) -> dict[str, Metric]:
    """Whatever is judged by daily returns; all n/a when the account was worth nothing on a day."""
    found = {
        "psr": probabilistic_sharpe(daily.returns),
        **deflated_sharpe(daily.returns, trials),
        "min_track_record_days": min_track_record(daily.returns),
        **resampling_metrics(daily.returns, span_days=curve.span_days, seed=seed),
        **regime_metrics(curve, traces),
    }
    broke = np.flatnonzero(~(daily.equity > 0))
    if broke.size:
        day = np.datetime_as_string(np.datetime64(int(daily.time_ns[broke[0]]), "ns"), unit="D")
        why = f"equity was not positive on {day}"
        found = {name: metric if name == "trials" else missing(name, why) for name, metric in found.items()}
    return found


def overfitting_metrics(blocks: FloatArray | None) -> dict[str, Metric]:
    """Probability of overfitting of the sweep that a result was picked from.

    Parameters
    ----------
    blocks : ndarray of float64, shape (points, blocks, 3), or None
        Block sums as made by `overfitting.block_sums`; None for a result that was not picked.
    """
    from b25.analytics.overfitting import overfitting, overfitting_fault

    fault = NO_CHOICE if blocks is None else overfitting_fault(blocks)
    if blocks is None or fault:
        return {name: missing(name, fault) for name in PBO_NAMES}
    judged = overfitting(blocks)
    some = f"{judged.points:,} of {judged.points_of:,}" if judged.points < judged.points_of else f"{judged.points:,}"
    note = f"{some} points, {judged.logits.size:,} halves of {judged.blocks} blocks"
    return {
        "pbo": measured("pbo", judged.probability, note=note),
        "pbo_loss_probability": measured("pbo_loss_probability", judged.loss_probability, note=note),
        "pbo_slope": measured("pbo_slope", judged.slope, why_not="all winners had the same Sharpe ratio", note=note),
    }
