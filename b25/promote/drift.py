"""Drift: whether a session's journal, replayed through the exact version that it claims to be, decides the same again.

First the decisions: every effect, position and note must come again, byte for byte; the first that does not is named. Then, where
the journal has the market, the answers of the venue: what a backtest would have had in place of each of them, and why it differs.

    none         every decision came again, and the venue answered as a backtest would have it
    explained    every decision came again; the venue answered otherwise, and each difference has a cause
    unexplained  a decision did not come again, or a difference has no cause: somebody must look
    not run      it could not be compared
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse, Resync
from b25.promote.drift_market import Cause, MarketDrift, market_drift
from b25.promote.live_replay import RecordedSession, read_session
from b25.promote.session_version import claimed, class_of_session, version_of
from b25.promote.version import LIVE, SOURCE, Version, find, load
from b25.session.composition import instruments_of, rows_as_facts
from b25.session.replay import Report, replay
from b25.store.journal import read_header
from b25.strategy.strategy import Strategy
from b25.venue.models import Fees


class DriftState(StrEnum):
    """What a comparison came to."""

    NONE = "none"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    NOT_RUN = "not run"


NONE, EXPLAINED, UNEXPLAINED, NOT_RUN = DriftState
WORST: Final = (UNEXPLAINED, NOT_RUN, EXPLAINED, NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftBounds:
    """What is let pass.

    Attributes
    ----------
    decisions_max : int
        Unexplained differences.
    turnover_bps_max : float
        Cost of what is unexplained, in basis points of the turnover.
    """

    decisions_max: int = 0
    turnover_bps_max: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDrift:
    """What one session came to.

    Attributes
    ----------
    version : str
        ``NAME@NUMBER`` that it was replayed through; empty when it ran no promoted version.
    detail : str
        One sentence: the first difference, or why it could not be compared.
    changed : tuple of str
        What is not as the version, or the proof of it, has it.
    first : dict or None
        The first decision that differs: event, rows of the journal and of the replay, the state before.
    market : MarketDrift or None
        Against a backtest; None where the journal has no market to run one on.
    """

    session: str
    mode: str
    version: str
    state: DriftState
    detail: str
    first_ns: int = 0
    last_ns: int = 0
    events: int = 0
    effects: int = 0
    changed: tuple[str, ...] = ()
    first: dict[str, Any] | None = None
    market: MarketDrift | None = None
    notes: tuple[str, ...] = field(default=())

    def facts(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "session": self.session, "mode": self.mode, "version": self.version, "state": str(self.state), "detail": self.detail,
            "first_ns": self.first_ns, "last_ns": self.last_ns, "events": self.events, "effects": self.effects,
            "changed": list(self.changed), "first": self.first, "notes": list(self.notes),
            "market": self.market.facts() if self.market is not None else None,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Yield it for a person."""
        of = self.version or "no promoted version"
        yield f"{self.session} ({self.mode}, {of}): {self.state}: {self.detail}"
        yield from (f"  {one}" for one in self.changed)
        if self.first is not None:
            yield f"  event    {_flat(self.first['event'])}"
            yield from (f"  journal  {_flat(row)}" for row in self.first["journal"] or [{"nothing": ""}])
            yield from (f"  replay   {_flat(row)}" for row in self.first["replay"] or [{"nothing": ""}])
        if self.market is not None:
            yield from (f"  {line}" for line in self.market.lines())
        yield from (f"  {one}" for one in self.notes)

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def session_drift(
    path: Path, *, root: Path = LIVE, secrets_folder: Path, reference: str = "", bounds: DriftBounds | None = None,
    with_market: bool = True,
) -> SessionDrift:  # fmt: skip
    """Compare one session with its version.

    Parameters
    ----------
    path : Path
        Of its journal; the session may still write it.
    root : Path
        Where versions are.
    secrets_folder : Path
        Where the key is that signed them.
    reference : str
        ``NAME@NUMBER`` to replay through; by default the one that the session says it is.
    bounds : DriftBounds, optional
    with_market : bool
        Whether to run the backtest too.

    Raises
    ------
    Misuse
        When it is no journal, or `reference` names no version.
    """
    header = read_header(path)
    told = {"session": header["session"], "mode": header["mode"]}
    try:
        session = read_session(path, root)
    except Resync as fault:  # a byte of the journal was changed: what was decided cannot be shown any more
        return SessionDrift(**told, version=claimed(header), state=UNEXPLAINED, detail=fault.what)
    told |= {"first_ns": session.first_ns, "last_ns": session.last_ns}
    if reference:
        find(root, reference)
    name = reference or claimed(header) or session.version
    try:
        version = find(root, name) if name else None
        cls = load(version, secrets_folder) if version is not None else class_of_session(header, root)
    except Misuse as fault:
        gone = fault.what.startswith("there is no")
        return SessionDrift(**told, version=name, state=NOT_RUN if gone else UNEXPLAINED, detail=fault.what)
    if not session.first_ns:
        return SessionDrift(**told, version=name, state=NOT_RUN, detail="nothing happened in it")
    try:
        return _compared(session, header, version, cls, told | {"version": name}, bounds or DriftBounds(), with_market)
    except Misuse as fault:
        return SessionDrift(**told, version=name, state=NOT_RUN, detail=fault.what)


def _compared(
    session: RecordedSession, header: dict[str, Any], version: Version | None, cls: type[Strategy], told: dict[str, Any],
    bounds: DriftBounds, with_market: bool,
) -> SessionDrift:  # fmt: skip
    params = _params(header, version, cls)
    report = replay(session.path, cls, params=params)
    other = _not_the_version(header, version, session.root)
    changed = (*other, *report.changed, *_conditions(header, version))
    told |= {"events": report.events, "effects": report.effects, "changed": changed, "notes": _notes(session, report, header)}
    if report.divergence is not None:
        found = report.divergence
        why = next(iter((*other, *(one for one in report.changed if not one.startswith("build")))), "")
        detail = f"event {found.seq}: {found.what}" + (f"; {why}" if why else "")
        first = {name: getattr(found, name) for name in ("seq", "event", "journal", "replay", "before")}
        return SessionDrift(**told, state=UNEXPLAINED, detail=detail, first=first)
    if other:
        return SessionDrift(**told, state=UNEXPLAINED, detail=f"{other[0]}, though it decided the same")
    if moved := [one for one in report.changed if one.startswith("parameter")]:
        return SessionDrift(**told, state=UNEXPLAINED, detail=f"{moved[0]}, though it decided the same")
    market = market_drift(session.path, cls) if with_market else None
    same = f"all {report.effects:,} decisions came again, byte for byte"
    if market is None:
        return SessionDrift(**told, state=NONE, detail=f"{same}; not compared with a backtest")
    if market.why_not:
        return SessionDrift(**told, state=NONE, detail=f"{same}; no backtest: {market.why_not}", market=market)
    left = [one for one in market.differences if one.cause is Cause.UNEXPLAINED]
    if len(left) > bounds.decisions_max or market.bps_of(Cause.UNEXPLAINED) > bounds.turnover_bps_max:
        detail = f"{len(left)} differences from a backtest have no cause, the first: {left[0].text}"
        return SessionDrift(**told, state=UNEXPLAINED, detail=detail, market=market)
    if market.differences:
        return SessionDrift(**told, state=EXPLAINED, detail=f"{same}; {market.headline}", market=market)
    return SessionDrift(**told, state=NONE, detail=f"{same}, and the venue answered as in a backtest", market=market)


def sessions_between(folder: Path, since_ns: int, until_ns: int) -> list[Path]:
    """Return the journals of a folder in which something happened between two times, by name."""
    found = []
    for path in sorted(folder.glob("*.journal")):
        if path.stat().st_mtime_ns < since_ns:
            continue
        try:
            one = read_session(path)
        except (Misuse, Resync):
            found.append(path)  # it is told of when it is compared
            continue
        if one.first_ns and one.first_ns < until_ns and one.last_ns >= since_ns:
            found.append(path)
    return found


def worst_of(found: list[SessionDrift]) -> DriftState:
    """Return the state that counts for several sessions: not run without any."""
    return next((state for state in WORST if any(one.state is state for one in found)), NOT_RUN)


def _params(header: dict[str, Any], version: Version | None, cls: type[Strategy]) -> dict[str, Any]:
    """Parameters to replay with: the version's own; those of the session where it ran others on purpose."""
    if version is None or (header["more"].get("version") or {}).get("as_promoted") is False:
        return {}
    own: dict[str, Any] = version.manifest.get("parameters", {})
    return {name: one.default for name, one in cls.params.items()} | own


def _not_the_version(header: dict[str, Any], version: Version | None, root: Path) -> tuple[str, ...]:
    """Why the session did not run the version that it is replayed through."""
    if version is None:
        return ()
    found = []
    digest = hashlib.sha256(header["strategy"]["source"].encode()).hexdigest()
    if digest != version.manifest["files"][SOURCE]:
        really = version_of(header, root)
        whose = f"that of {really.reference}" if really is not None else "of no version here"
        found.append(
            f"source: the session ran {digest[:12]}, {whose}; {version.reference} is {version.manifest['files'][SOURCE][:12]}"
        )
    content = (header["more"].get("version") or {}).get("content_id")
    if content and content != version.content_id:
        found.append(f"content: the session ran {content[:12]}, {version.reference} is {version.content_id[:12]}")
    return tuple(found)


def _conditions(header: dict[str, Any], version: Version | None) -> tuple[str, ...]:
    """Fees that are not those of the proof."""
    proven = fees_of_text(version.manifest.get("conditions", {}).get("fees", "")) if version is not None else None
    if proven is None:
        return ()
    found = []
    for one, ran in zip(instruments_of(header), header["fees"], strict=True):
        (was,) = rows_as_facts(proven.record(one))
        found += [
            f"fee {name} of {one.symbol}: proven with {was[name]}, the session has {ran[name]}"
            for name in was
            if name in ran and was[name] != ran[name]
        ]
    return tuple(found)


def fees_of_text(text: str) -> Fees | None:
    """Return fees as a manifest writes them; None for what is no such text."""
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "Fees":
            return None
        values = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
        return Fees(**values)
    except (SyntaxError, ValueError, TypeError):
        return None


def _notes(session: RecordedSession, report: Report, header: dict[str, Any]) -> tuple[str, ...]:
    found = []
    if report.torn_bytes:
        found.append(f"the journal ends in {report.torn_bytes} bytes of a record that was never finished; they are left out")
    if not report.ended:
        found.append("the session has not ended by itself: what follows its last event is not compared")
    if (header["more"].get("version") or {}).get("as_promoted") is False:
        found.append(f"it ran on purpose with other parameters than {session.version or 'its version'}")
    return tuple(found)


def _flat(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
