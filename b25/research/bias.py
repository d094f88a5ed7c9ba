"""Whether a result can be believed: look-ahead, warm-up, survivorship, gaps, and fills that assume too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from b25.market.bars import Bars
from b25.model.errors import Misuse
from b25.research.bias_report import BiasReport, Finding, Severity, gravest_first
from b25.research.captured_check import captured_look_ahead
from b25.research.data_faults import data_findings
from b25.research.dataset import Dataset
from b25.research.features import tail_equals_batch
from b25.research.fill_assumptions import fill_findings
from b25.research.look_ahead import look_ahead, state_look_ahead
from b25.research.reruns import Reruns
from b25.research.warm_up_check import later_starts, recursive_differences, warm_up_findings
from b25.strategy.strategy import Strategy

CUTS, CUTS_CHEAP = 12, 3
STARTS, STARTS_CHEAP = 6, 2
STATE_CUTS = 4
FRAME_CUTS = 6
FEATURE_ROWS, FEATURE_ROWS_CHEAP = 20, 4
STEPS_CHEAP = 20_000  # so that looking at a long run costs less than the run


def check(
    strategy: type[Strategy] | Strategy,
    data: Any,
    *,
    cheap: bool = False,
    result: Any = None,
    progress: Callable[[str], None] | None = None,
    **options: Any,
) -> BiasReport:
    """Look for what makes a backtest better than life.

    Look-ahead: with data that end earlier, all decisions up to there must be the same; data that the strategy carries in
    arrays of its own are watched as they are read. Warm-up: with data that begin later, decisions must become the same, and
    the fields that take longest are named. Survivorship, gaps, quiet and stale bars are looked for in the data, prices and
    volumes that nobody could have had in the fills.

    Parameters
    ----------
    strategy : class or instance of Strategy
    data : Bars, Dataset, or sequence of either
    cheap : bool
        Three ends and two later starts in place of twelve and six, and no plain-Python run: what every run on bars gets.
    result : Backtest, optional
        The run itself, where there is one already.
    progress : callable, optional
        Called with what is being done.
    **options
        Keywords of `backtest`, parameters included.

    Returns
    -------
    BiasReport
        `.ok`, `.findings`, and `.recursive`: how far each field depends on the bars before.

    Raises
    ------
    Misuse
        As `backtest`.
    """
    sets = [data] if isinstance(data, Dataset) or not isinstance(data, Sequence) else list(data)
    if not sets:
        raise Misuse("no data to check on", remedy="give at least one b25.bars(...) or b25.dataset(...)")
    if result is not None:
        sets = list(result.made.datasets)
    say = progress or (lambda text: None)
    runs = Reruns(strategy, sets, _fixed(sets, options), result, STEPS_CHEAP if cheap else 2**62)
    say("running on all of the data")
    checked: list[tuple[str, str]] = []
    findings: list[Finding] = [*fill_findings(runs.whole), *data_findings(runs.whole.made.datasets)] if runs.on_bars else []
    if runs.on_bars and runs.cls.features:
        say("computing features on parts of the data")
        findings += feature_findings(runs.cls, runs.whole.made.datasets, rows=FEATURE_ROWS_CHEAP if cheap else FEATURE_ROWS)
        checked.append(("features", f"{len(runs.cls.features)} computed from less of the past and without the future"))
    named = {finding.what for finding in findings if finding.code == "look-ahead"}
    # What a feature is found guilty of is not said again of the decisions that it led to.
    findings += [f for f in _ahead(runs, cheap, checked, say) if not named or not set(f.what.split(", ")) <= named]
    count = STARTS_CHEAP if cheap else STARTS
    say(f"running from {count} later starts")
    seen = later_starts(runs, count)
    # Short runs name the fields; the cheap form asks for names only when decisions differed.
    table = recursive_differences(runs, seen.first_act) if not cheap or seen.differed else None
    findings += warm_up_findings(runs, seen, table) if table is not None else []
    checked.append(("warm-up", _warm_up_text(runs, seen, count)))
    return BiasReport(runs.cls.__name__, gravest_first(findings), tuple(checked), table)


def check_result(result: Any, **options: Any) -> BiasReport:
    """Do the cheap checks on a finished run.

    Parameters
    ----------
    result : BarBacktest
    **options
        The keywords that it was made with, parameters left out.
    """
    return check(result.made.cls, list(result.made.datasets), cheap=True, result=result, **(options | result.parameters))


def _ahead(runs: Reruns, cheap: bool, checked: list[tuple[str, str]], say: Callable[[str], None]) -> list[Finding]:
    count = CUTS_CHEAP if cheap else CUTS
    say(f"running to {count} earlier ends")
    findings = look_ahead(runs, count)
    checked.append(
        ("look-ahead", f"{runs.whole.outcome.effects.size:,} decisions against those of {count} runs that end earlier")
    )
    if findings or not runs.on_bars:
        return findings
    findings = state_look_ahead(runs, 1 if cheap else STATE_CUTS)
    if not cheap:
        say("watching what the strategy reads beside ctx")
        findings += captured_look_ahead(runs, FRAME_CUTS)
        checked.append(("own data", "every array that the code names was watched, every frame blanked behind a cut"))
    return findings


def feature_findings(cls: type[Strategy], data: Sequence[Bars], *, rows: int = FEATURE_ROWS) -> list[Finding]:
    """Compute each declared feature without what comes later, and from its lookback alone; name those that change.

    Parameters
    ----------
    cls : type of Strategy
    data : sequence of Bars
    rows : int
        How many rows to look at.
    """
    found = []
    for bars in data:
        long = {name: feature for name, feature in cls.features.items() if feature.lookback >= len(bars)}
        for name, feature in long.items():
            sentence = f"it needs {feature.lookback:,} bars and {bars.symbol} has {len(bars):,}, so it could not be judged"
            found.append(Finding("warm-up", "warning", name, sentence, "give more data, or a shorter lookback"))
        judged = {name: feature for name, feature in cls.features.items() if name not in long}
        for one in tail_equals_batch(judged, bars, sample=rows):
            severity: Severity = "warning" if one.fault == "warm-up" else "fault"
            told = one.message.removeprefix(f"{one.field}: ").removeprefix(f"{one.fault}: ")
            sentence, _, remedy = told.partition("; ")
            found.append(Finding(one.fault, severity, one.field, sentence, remedy or "mend its expression or its lookback"))
    return found


def _warm_up_text(runs: Reruns, seen: Any, count: int) -> str:
    first = "no order" if seen.first_act is None else f"first order {seen.first_act:,} {runs.unit} after a start"
    last = "all alike"
    if seen.agrees_after is not None:
        last = f"{seen.differed:,} otherwise, the last {seen.agrees_after:,} {runs.unit} after its start"
    return f"{count} later starts: {first}; {seen.compared:,} decisions compared, {last}"


def _fixed(sets: list[Any], options: dict[str, Any]) -> dict[str, Any]:
    """Options with times in ns: a share of the span would move when the span is cut."""
    out = dict(options)
    for name in ("start", "end"):
        if out.get(name) is not None:
            out[name] = sets[0].at(out[name])
    return out
