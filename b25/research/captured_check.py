"""Look-ahead through data that a strategy carries with it: watch every reading, and blank frames behind a cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from b25.model.errors import Halt
from b25.research.bias_report import Finding
from b25.research.captured import (
    Captured,
    Times,
    Watch,
    blanked,
    captured_data,
    guarded,
    is_frame,
    known_times,
    plain_helpers,
    reading_finding,
    replaced,
    unmatched_finding,
    watched,
)
from b25.research.look_ahead import first_difference
from b25.research.reruns import Reruns, cuts
from b25.research.state_fields import differing

STEPS_MAX = 20_000  # bars that the plain-Python run is given


def captured_look_ahead(runs: Reruns, count: int) -> list[Finding]:
    """Find readings of captured data that were not known yet.

    Parameters
    ----------
    runs : Reruns
    count : int
        How many ends to try for frames.
    """
    found = captured_data(runs.cls)
    if not found:
        return []
    closes = np.unique(np.concatenate([d.rows["close_ns"] for d in runs.data])) if runs.on_bars else np.zeros(0, np.int64)
    matched: list[tuple[Captured, Times]] = []
    findings = []
    for one in found:
        known = known_times(one.value, closes)
        if known is None:
            findings.append(unmatched_finding(one.name, len(one.value), int(closes.size)))
        else:
            matched.append((one, known))
    frames = [(one, known) for one, known in matched if is_frame(one.value)]
    others = [(one, known) for one, known in matched if not is_frame(one.value)]
    if others:
        findings += _watched(runs, others)
    if frames:
        findings += _blanked(runs, frames, count)
    return findings


def _watched(runs: Reruns, matched: list[tuple[Captured, Times]]) -> list[Finding]:
    watch = Watch()
    guards = [guarded(one, known, watch) for one, known in matched]
    with plain_helpers(runs.cls), replaced([one for one, _ in matched], guards):
        _plain(runs, watched(runs.cls, watch), _end(runs))
    known_of = {one.name: known for one, known in matched}
    return [
        reading_finding(name, row, now_ns, int(known_of[name][row])) for name, (row, now_ns) in sorted(watch.readings.items())
    ]


def _blanked(runs: Reruns, frames: list[tuple[Captured, Times]], count: int) -> list[Finding]:
    """Compare runs to one end with and without what the frames hold of the time after it."""
    findings = []
    for one, known in frames:
        for end_ns in cuts(runs.clock[:STEPS_MAX], count):
            whole = _plain(runs, runs.cls, end_ns)
            rows = int(np.searchsorted(known, end_ns, side="right"))
            with plain_helpers(runs.cls), replaced([one], [blanked(one.value, rows)]):
                try:
                    part = _plain(runs, runs.cls, end_ns)
                except Halt:
                    part = None
            if part is None:
                findings.append(reading_finding(one.name, rows, end_ns, int(known[min(rows, known.size - 1)])))
                break
            changed = differing(whole.outcome.strategy, part.outcome.strategy)
            if changed or first_difference(whole.outcome.effects, part.outcome.effects, end_ns + 1) is not None:
                named = f"{one.name} ({', '.join(changed)})" if changed else one.name
                findings.append(reading_finding(named, rows, end_ns, int(known[min(rows, known.size - 1)])))
                break
    return findings


def _end(runs: Reruns) -> int:
    return int(runs.clock[min(runs.clock.size, STEPS_MAX) - 1])


def _plain(runs: Reruns, cls: Any, end_ns: int) -> Any:
    from b25.research.backtest import backtest

    data = runs.data if len(runs.data) > 1 else runs.data[0]
    given = {} if isinstance(runs.strategy, type) else runs.strategy.parameters
    return backtest(cls, data, **(given | runs.options | {"compiled": False, "end": end_ns}))
