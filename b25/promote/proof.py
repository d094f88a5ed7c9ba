"""Proves that a promoted file is one strategy in all its lives, on given data, and that the proof could have failed.

    compiled    the backtest, as machine code          plain     the same, as plain Python
    again       the first a second time                session   the live loop's machine, fed with the same rows and answers
    replay      the session's journal, in both ways

All of them must decide the same, byte for byte. Then each of four things is changed on purpose, and the comparison must fail.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.engine.backtest import Outcome
from b25.model.errors import Misuse
from b25.model.event import BUY, SELL
from b25.model.order import CANCEL, EFFECT, SUBMIT
from b25.promote.covered import Covered
from b25.promote.kinds import Lives
from b25.promote.lives import Rows
from b25.session.replay import replay
from b25.strategy.strategy import Strategy

ORDERS_MIN: Final = 30
COVERAGE_MIN: Final = 0.85
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first effect that differs.

    Attributes
    ----------
    place : int
        Number of the effect, from 0.
    left, right : dict
        Both effects; empty where one life had no more.
    """

    between: str
    place: int
    left: dict[str, Any]
    right: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was compared, and what came out.

    Attributes
    ----------
    counts : dict
        Events, effects, orders, buys, sells, fills, partial fills, cancels.
    coverage : float
        Share of the lines of the strategy's functions that ran.
    vacuous : tuple of str
        Why the comparison proves too little; empty when it proves enough.
    controls : dict
        By what was changed on purpose: how the comparison failed; empty text where it did not, which is a fault of the proof.
    """

    divergence: Divergence | None
    stream_sha256: str
    counts: dict[str, int]
    coverage: float
    vacuous: tuple[str, ...]
    controls: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether the version may be frozen."""
        return self.divergence is None and not self.vacuous and all(self.controls.values())


@dataclass(slots=True)
class Prover:
    """Runs the lives.

    Parameters
    ----------
    lives : Lives
    file : Path
        Of the promoted source, for the coverage.
    never_cancels : bool
        Whether the author declares that it never cancels.
    """

    lives: Lives
    file: Path
    never_cancels: bool = False
    say: Say = field(default=lambda text: None)

    def prove(self) -> Proof:
        """Return what came out. Raises Halt when a callback raises."""
        own = self.lives
        self.say("backtest, compiled" if own.is_compiled else "backtest")
        fast = own.backtest(compiled=own.is_compiled)
        self.say("backtest, plain Python")
        covered = Covered(self.file)
        slow = covered.watch(lambda: own.backtest(compiled=False))
        self.say("backtest, once more")
        again = own.backtest(compiled=own.is_compiled)
        with tempfile.TemporaryDirectory(prefix="b25-proof-") as folder:
            self.say("session on the same data")
            path = Path(folder) / "proof.journal"
            seen = own.session(path)
            divergence = (
                difference("compiled and plain", fast.effects, slow.effects)
                or difference("a backtest and the same once more", fast.effects, again.effects)
                or difference("backtest and session", fast.effects, seen)
                or self._replayed(path)
            )
            self.say("what must not agree")
            controls = self._controls(path, fast, seen) if divergence is None and seen.size else {}
        counts = _counts(fast, self.lives)
        return Proof(
            divergence=divergence,
            stream_sha256=stream_hash(fast.effects),
            counts=counts,
            coverage=covered.share,
            vacuous=tuple(self._vacuous(counts, covered)),
            controls=controls,
        )

    def _replayed(self, path: Path) -> Divergence | None:
        for way in (True, False) if self.lives.is_compiled else (False,):
            self.say(f"replay of its journal, {'compiled' if way else 'plain'}")
            report = replay(path, self.lives.cls, compiled=way)
            if not report.agrees:
                found = report.divergence
                return Divergence(
                    between="session and replay", place=found.seq if found else -1,
                    left={"effects": found.journal} if found else {}, right={"effects": found.replay} if found else {},
                )  # fmt: skip
        return None

    def _controls(self, path: Path, fast: Outcome, seen: Rows) -> dict[str, str]:
        own, told = self.lives, {}
        report = replay(path, own.cls, fees=own.dearer())
        told["fee + 1 bp"] = report.divergence.what if report.divergence else ""
        what, outcome = own.disturbed()
        told[what] = _where(difference("", fast.effects, outcome.effects))
        told["one effect dropped"] = _where(difference("", fast.effects, np.delete(seen, seen.size // 2)))
        moved = _moved(own.cls, own.params)
        if moved is not None:
            name, value = moved
            other = own.with_params(own.params | {name: value}).backtest(compiled=own.is_compiled)
            told[f"{name} = {value:g}"] = _where(difference("", fast.effects, other.effects))
        return told

    def _vacuous(self, counts: dict[str, int], covered: Covered) -> list[str]:
        found = []
        if counts["orders"] < ORDERS_MIN:
            found.append(f"{counts['orders']} orders; at least {ORDERS_MIN} are needed")
        found += [f"no {what}" for what in ("buys", "sells", "fills") if not counts[what]]
        if not counts["cancels"] and not self.never_cancels:
            found.append("no cancels, and it is not declared that there never are any")
        if covered.share < COVERAGE_MIN:
            lines = ", ".join(map(str, covered.missed[:8]))
            found.append(f"{covered.share:.0%} of its lines ran; at least {COVERAGE_MIN:.0%} are needed; not lines {lines}")
        return found


def difference(between: str, left: Rows, right: Rows) -> Divergence | None:
    """Return the first effect in which two lives differ."""
    size = min(left.size, right.size)
    unequal = np.flatnonzero(_bytes(left[:size]) != _bytes(right[:size]))
    if not unequal.size and left.size == right.size:
        return None
    place = int(unequal[0]) if unequal.size else size
    return Divergence(between=between, place=place, left=_facts(left, place), right=_facts(right, place))


def stream_hash(effects: Rows) -> str:
    """Return the hash of everything that a life decided."""
    return hashlib.sha256(np.ascontiguousarray(effects).tobytes()).hexdigest()


def _bytes(rows: Rows) -> Rows:
    return np.ascontiguousarray(rows).view(np.dtype((np.void, EFFECT.itemsize)))


def _facts(rows: Rows, place: int) -> dict[str, Any]:
    if place >= rows.size:
        return {}
    return {name: rows[place][name].tolist() for name in rows.dtype.names or () if not name.startswith("_")}


def _where(found: Divergence | None) -> str:
    return "" if found is None else f"effect {found.place} differs"


def _counts(fast: Outcome, lives: Lives) -> dict[str, int]:
    sent = fast.effects[(fast.effects["kind"] == SUBMIT) & (fast.effects["reason"] == 0)]
    return {
        "messages": lives.messages,
        "effects": int(fast.effects.size),
        "orders": int(sent.size),
        "buys": int((sent["side"] == BUY).sum()),
        "sells": int((sent["side"] == SELL).sum()),
        "fills": int(fast.fills.size),
        "cancels": int((fast.effects["kind"] == CANCEL).sum()),
    }


def _moved(cls: type[Strategy], params: dict[str, Any]) -> tuple[str, float] | None:
    """Return the first parameter that can be another, and a value near its own."""
    for name, param in cls.params.items():
        own = params.get(name, param.default)
        if isinstance(own, bool):
            continue
        for value in (own + 1, own - 1) if isinstance(own, int) else (own * 1.25, own * 0.75):
            try:
                return name, param.check(cls.__name__, name, value)
            except Misuse:
                continue
    return None
