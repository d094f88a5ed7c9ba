"""Look-ahead: a decision that changes when later data are taken away was made with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from b25.model.errors import Halt, Misuse
from b25.model.order import AMEND, CANCEL, SUBMIT
from b25.research.bias_report import Finding
from b25.research.reruns import Reruns, cuts
from b25.research.state_fields import differing

WHAT = ("time_ns", "kind", "order_id", "instrument", "side", "price_ticks", "qty_lots", "tif", "flags", "reason")
VERBS = {SUBMIT: "submit", CANCEL: "cancel", AMEND: "amend"}
FIELDS_NAMED_MAX = 3
REMEDY = "decide from ctx and from fields that are computed from the present bar and earlier ones only"


def look_ahead(runs: Reruns, count: int) -> list[Finding]:
    """Compare the decisions of the whole run with those of runs whose data end earlier.

    Parameters
    ----------
    runs : Reruns
    count : int
        How many ends to try.

    Returns
    -------
    list of Finding
        At most one: the first decision that changed, and the record fields that differ at that end.
    """
    whole = runs.whole.outcome.effects
    for end_ns in cuts(runs.clock[: runs.steps_max], count):
        try:
            part = runs.until(end_ns)
        except (Halt, Misuse) as fault:
            return [_cannot_run(end_ns, fault)]
        if part is None:
            continue
        place = first_difference(whole, part.outcome.effects, end_ns)
        if place is not None:
            return [_finding(runs, end_ns, place, part)]
    return []


def state_look_ahead(runs: Reruns, count: int) -> list[Finding]:
    """Compare the record at an end that is set with the record at an end where the data stop.

    It finds what has looked ahead without having decided anything yet.
    """
    for end_ns in cuts(runs.clock[: runs.steps_max], count):
        part, seen = runs.until(end_ns), runs.seen_until(end_ns)
        if part is None:
            continue
        fields = differing(seen.outcome.strategy, part.outcome.strategy)
        if fields:
            sentence = f"at {_moment(end_ns)} it has another value when the data go on than when they end there"
            return [Finding("look-ahead", "fault", _named(fields), sentence, REMEDY)]
    return []


def first_difference(
    whole: np.ndarray[Any, Any], part: np.ndarray[Any, Any], end_ns: int
) -> tuple[Any | None, Any | None] | None:
    """Return the first pair of effects before `end_ns` that differ, None for one that is not there; None when all agree."""
    a, b = whole[whole["time_ns"] < end_ns], part[part["time_ns"] < end_ns]
    size = min(a.size, b.size)
    unequal = np.zeros(size, np.bool_)
    for name in WHAT:
        unequal |= a[name][:size] != b[name][:size]
    rows = np.flatnonzero(unequal)
    row = int(rows[0]) if rows.size else size
    if row == a.size == b.size:
        return None
    return (a[row] if row < a.size else None), (b[row] if row < b.size else None)


def _finding(runs: Reruns, end_ns: int, place: tuple[Any | None, Any | None], part: Any) -> Finding:
    try:
        fields = differing(runs.seen_until(end_ns).outcome.strategy, part.outcome.strategy)
    except Halt:
        fields = {}
    with_all, without = (_effect_text(effect) for effect in place)
    sentence = (
        f"with all data the strategy did {with_all}; with data that end at {_moment(end_ns)} it did {without}: "
        "the decision knew what came later"
    )
    return Finding("look-ahead", "fault", _named(fields) or runs.cls.__name__, sentence, REMEDY)


def _cannot_run(end_ns: int, fault: Halt | Misuse) -> Finding:
    sentence = f"it cannot run on data that end at {_moment(end_ns)}, as it does on all of them: {fault.what}"
    return Finding("look-ahead", "fault", "the run", sentence, REMEDY)


def _named(fields: dict[str, float]) -> str:
    names = list(fields)
    more = f" and {len(names) - FIELDS_NAMED_MAX} more" if len(names) > FIELDS_NAMED_MAX else ""
    return ", ".join(names[:FIELDS_NAMED_MAX]) + more


def _effect_text(effect: Any | None) -> str:
    if effect is None:
        return "nothing"
    side = {1: "buy", -1: "sell"}.get(int(effect["side"]), "")
    refused = " (refused by the gate)" if effect["reason"] else ""
    what = f"{VERBS.get(int(effect['kind']), 'ask')} {side} {int(effect['qty_lots'])} lots at {int(effect['price_ticks'])} ticks"
    return f"{what}{refused} at {_moment(int(effect['time_ns']))}"


def _moment(time_ns: int) -> str:
    return f"{np.datetime_as_string(np.datetime64(time_ns, 'ns'), unit='ms').replace('T', ' ')} UTC"
