"""What the comparison of a session with its replay came to, by version: it decides whether the next gate is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import insert, select

from b25.model.errors import Misuse
from b25.store.plain_rows import plain
from b25.store.promotion_tables import drift_note
from b25.store.store import Store

NONE, EXPLAINED, UNEXPLAINED, NOT_RUN = "none", "explained", "unexplained", "not run"
STATES: Final = (NONE, EXPLAINED, UNEXPLAINED)  # the better before the worse
_ADD: Final = insert(drift_note)


@dataclass(frozen=True, slots=True)
class DriftNote:
    """One comparison of one session."""

    name: str
    version: int
    session: str
    at_ns: int
    state: str
    detail: dict[str, Any]


def add_drift_note(
    store: Store, name: str, version: int, session: str, *, at_ns: int, state: str, detail: Mapping[str, Any]
) -> None:
    """Write down what a comparison came to.

    Parameters
    ----------
    state : {"none", "explained", "unexplained"}
    detail : mapping
        JSON values: the first difference, and the causes by number.

    Raises
    ------
    Misuse
        For a state that is none of these.
    """
    if state not in STATES:
        raise Misuse(f"drift is never {state!r}", remedy=f"use one of {', '.join(STATES)}")
    row = {"name": name, "version": version, "session": session, "at_ns": at_ns, "state": state}
    with store.writing():
        store.execute(_ADD, {**row, "detail": orjson.dumps(dict(detail), option=orjson.OPT_SORT_KEYS).decode()})


def drift_notes(store: Store, name: str, version: int, *, limit: int = 100) -> list[DriftNote]:
    """Return the notes of a version, the newest first."""
    of = drift_note.c
    found = select(drift_note).where(of.name == name, of.version == version).order_by(of.at_ns.desc(), of.session).limit(limit)
    return [DriftNote(**{**plain(row), "detail": orjson.loads(row.detail)}) for row in store.rows(found)]


def drift_of(store: Store, name: str, version: int) -> str:
    """Return how a version stands: the worst among the latest notes of each of its sessions; ``not run`` without any."""
    latest: dict[str, str] = {}
    of = drift_note.c
    rows = store.rows(
        select(of.session, of.state).where(of.name == name, of.version == version).order_by(of.at_ns)
    )  # the last one of a session stays
    for row in rows:
        latest[row.session] = row.state
    return max(latest.values(), key=STATES.index, default=NOT_RUN)
