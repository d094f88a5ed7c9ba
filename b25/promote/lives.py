"""The lives of a strategy: backtests in both ways, a session fed with the same rows and the same answers, and its replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.engine.backtest import Backtest, Outcome, Track
from b25.market.tape import Tape
from b25.model.event import EVENT
from b25.model.order import EFFECT
from b25.model.world import FEES, LIMITS
from b25.risk.limits import Limits
from b25.session.commands import Command
from b25.session.composition import Composition
from b25.session.session import Session
from b25.strategy.compile import compile_strategy
from b25.strategy.strategy import Strategy
from b25.venue.models import ConstantLatency, Fees, Models

ROWS_BETWEEN_LOOKS: Final = 500  # few enough that the venue's ring of answers has not gone round
Rows = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every life of a strategy has in common.

    Attributes
    ----------
    span : (int, int)
        Nanoseconds: it trades from the first on; nothing after the second is shown.
    latency_ns : int
        Of an order, and again of its answer.
    """

    cls: type[Strategy]
    params: dict[str, Any]
    tape: Tape
    span: tuple[int, int]
    fees: Fees = field(default_factory=Fees)
    limits: Limits = field(default_factory=Limits)
    balance: float = 10_000.0
    latency_ns: int = 3_000_000


class Backtested:
    """A backtest that also keeps the answers of its venue, as events with the times at which the trader learned of them."""

    def __init__(self, setting: Setting, *, compiled: bool) -> None:
        tape = setting.tape
        models = Models(fees=setting.fees, latency=ConstantLatency(setting.latency_ns))
        self.setting = setting
        self.limits = setting.limits.record(tape.instrument).astype(LIMITS)
        self.fees = setting.fees.record(tape.instrument).astype(FEES)
        self.engine = Backtest(
            setting.cls,
            setting.params,
            [Track(tape.instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks)],
            models=[models],
            limits=self.limits.copy(),
            fees=self.fees,
            balance=setting.balance,
            sample_ns=10**9,
            call=compile_strategy(setting.cls).call if compiled else None,
            start_ns=setting.span[0],
            end_ns=setting.span[1],
        )
        self._seen, self._answers = 0, [np.zeros(0, EVENT)]

    def run(self) -> tuple[Outcome, Rows]:
        """Return the outcome, and the answers."""
        outcome = self.engine.execute(lambda rows: self._look(), breath_rows=ROWS_BETWEEN_LOOKS)
        self._look()
        return outcome, np.concatenate(self._answers)

    def _look(self) -> None:
        venue = self.engine.venue_rows[0]
        head, ring = int(venue["answer_head"]), self.engine.venues[0].answers
        assert head - self._seen < ring.size
        self._answers.append(ring[np.arange(self._seen, head) % ring.size].copy())
        self._seen = head


def market_events(tape: Tape, end_ns: int) -> list[Rows]:
    """Return the trader's messages as events, one array each."""
    rows = np.zeros(tape.levels.size, EVENT)
    for name in ("price_ticks", "qty_lots", "kind", "side", "flags"):
        rows[name] = tape.levels[name]
    ends = tape.messages["row_end"]
    of = np.searchsorted(ends, np.arange(rows.size), side="right")
    for name in ("exch_ns", "local_ns"):
        rows[name] = tape.messages[name][of]
    rows["amount"] = tape.messages["update_id"][of]
    return [part for part in np.split(rows, ends[:-1]) if part.size and part["local_ns"][0] <= end_ns]


def play(session: Session, tape: Tape, answers: Rows, span: tuple[int, int]) -> None:
    """Feed a session as a live loop does: messages, then answers of the same time, and timers after everything of theirs."""
    begin_ns, end_ns = span
    parts = [(int(part["local_ns"][0]), 0, part) for part in market_events(tape, end_ns)]
    parts += [(int(answer["local_ns"][0]), 1, answer) for answer in answers.reshape(-1, 1)]
    parts.sort(key=lambda part: part[:2])
    started = False
    for at_ns, _, events in parts:
        if not started and at_ns >= begin_ns:
            session.command(Command.START, begin_ns)
            started = True
        if started:
            session.timers_until(at_ns)
        session.take(events)
    session.command(Command.STOP, session.machine.now_ns)


class Lived:
    """A session that was fed with a replayed market: its effects, its journal, its machine.

    Parameters
    ----------
    path : Path
        Of the journal.
    setting : Setting
    answers : ndarray of EVENT
        What the venue of the backtest answered.
    **how
        Further attributes of `Composition`, e.g. `compiled`.
    """

    def __init__(self, path: Path, setting: Setting, answers: Rows, **how: Any) -> None:
        self.path, self.seen = path, [np.zeros(0, EFFECT)]
        tape = setting.tape
        composition = Composition(
            name=path.stem,
            mode="replayed",
            venue="tape",
            cls=setting.cls,
            params=setting.params,
            instruments=[tape.instrument],
            limits=setting.limits.record(tape.instrument).astype(LIMITS),
            fees=setting.fees.record(tape.instrument).astype(FEES),
            balance=setting.balance,
            **how,
        )
        self.session = Session(composition, path, lambda effects: None)
        self.session.watch = lambda rows: self.seen.append(rows.copy())
        play(self.session, tape, answers, setting.span)
        self.session.close("the data ended")

    @property
    def effects(self) -> bytes:
        """Everything that it decided."""
        return np.concatenate(self.seen).tobytes()
