"""The lives of a strategy: backtests in both ways, a session fed with the same rows and the same answers, and its replay."""

from pathlib import Path
from typing import Any

import numpy as np

import b25.engine.backtest as engine_module
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

ROWS_BETWEEN_LOOKS = 500
BALANCE = 10_000.0
LATENCY_NS = 3_000_000


class Backtested:
    """A backtest that also keeps the answers of its venue, as events with the times at which the trader learned of them."""

    def __init__(
        self, cls: type[Strategy], params: dict[str, Any], tape: Tape, *, fees: Fees, span: tuple[int, int], compiled: bool
    ) -> None:
        models = Models(fees=fees, latency=ConstantLatency(LATENCY_NS))
        self.limits = Limits(position_max=1.0).record(tape.instrument).astype(LIMITS)
        self.fees = fees.record(tape.instrument).astype(FEES)
        self.engine = Backtest(
            cls,
            params,
            [Track(tape.instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks)],
            models=[models],
            limits=self.limits.copy(),
            fees=self.fees,
            balance=BALANCE,
            sample_ns=10**9,
            call=compile_strategy(cls).call if compiled else None,
            start_ns=span[0],
            end_ns=span[1],
        )
        self._seen, self._answers = 0, [np.zeros(0, EVENT)]

    def run(self, monkeypatch: Any) -> tuple[Outcome, np.ndarray]:
        """The outcome, and the answers."""
        monkeypatch.setattr(engine_module, "ROWS_A_BREATH", ROWS_BETWEEN_LOOKS)
        outcome = self.engine.execute(lambda rows: self._look())
        self._look()
        return outcome, np.concatenate(self._answers)

    def _look(self) -> None:
        venue = self.engine.venue_rows[0]
        head, ring = int(venue["answer_head"]), self.engine.venues[0].answers
        assert head - self._seen < ring.size
        self._answers.append(ring[np.arange(self._seen, head) % ring.size].copy())
        self._seen = head


def market_events(tape: Tape, end_ns: int) -> list[np.ndarray]:
    """The trader's messages as events, one array each."""
    rows = np.zeros(tape.levels.size, EVENT)
    for name in ("price_ticks", "qty_lots", "kind", "side", "flags"):
        rows[name] = tape.levels[name]
    ends = tape.messages["row_end"]
    of = np.searchsorted(ends, np.arange(rows.size), side="right")
    for name in ("exch_ns", "local_ns"):
        rows[name] = tape.messages[name][of]
    rows["amount"] = tape.messages["update_id"][of]
    return [part for part in np.split(rows, ends[:-1]) if part.size and part["local_ns"][0] <= end_ns]


def play(session: Session, tape: Tape, answers: np.ndarray, span: tuple[int, int]) -> None:
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
    """A session that was fed with a replayed market: its effects, its journal, its machine."""

    def __init__(self, path: Path, backtested: Backtested, answers: np.ndarray, tape: Tape, span: tuple[int, int], **how: Any):
        engine = backtested.engine
        self.path, self.seen = path, [np.zeros(0, EFFECT)]
        composition = Composition(
            name=path.stem,
            mode="replayed",
            venue="tape",
            cls=engine.cls,
            params=how.pop("params"),
            instruments=[tape.instrument],
            limits=backtested.limits,
            fees=backtested.fees,
            balance=BALANCE,
            **how,
        )
        self.session = Session(composition, path, lambda effects: None)
        self.session.watch = lambda rows: self.seen.append(rows.copy())
        play(self.session, tape, answers, span)
        self.session.close("the data ended")

    @property
    def effects(self) -> bytes:
        return np.concatenate(self.seen).tobytes()
