"""A broken chain in the middle of a run: the strategy hears of it, the gate holds back what adds risk, a snapshot mends it."""

import numpy as np
import pytest

import b25
from b25.engine.backtest import Backtest, Track
from b25.market.tape import make_tape
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, ROW, SELL, SNAPSHOT
from b25.model.instrument import Instrument
from b25.model.order import Reason
from b25.model.world import FEES, LIMITS
from b25.risk.limits import Limits
from b25.strategy.compile import compile_strategy
from b25.venue.models import ConstantLatency, Fees, Models

ONE = Instrument(venue="binanceusdm", symbol="ETH/USDT:USDT", tick="1", lot="1")  # type: ignore[arg-type]
S = 1_000_000_000


class Asks(b25.Strategy):
    """Hold one, then ask for one more each second, and once to be out."""

    gaps: int = 0
    healthy: int = 0
    steps: int = 0

    def on_start(self, ctx):
        ctx.every(1_000_000_000)

    def on_gap(self, ctx):
        self.gaps += 1

    def on_timer(self, ctx):
        self.steps += 1
        if ctx.healthy():
            self.healthy += 1
        if self.steps == 6:
            ctx.close()
        else:
            ctx.buy(1.0, ctx.ask(), tif=b25.IOC)


def message(
    at: int, kind: int, first: int, last: int, previous: int, levels: list[tuple[int, int, int]]
) -> list[tuple[int, ...]]:
    rows = [(at * S, at * S, first, last, previous, lots, ticks, kind, side, 0, 0) for side, ticks, lots in levels]
    if kind == SNAPSHOT:
        ends = [(at * S, at * S, first, last, -1, 0, t, CLEAR, s, 0, 0) for s, t in ((BUY, NO_BID_TICKS), (SELL, NO_ASK_TICKS))]
        rows = ends + rows
    rows[-1] = (*rows[-1][:9], LAST_OF_MESSAGE, 0)
    return rows


def capture() -> np.ndarray:
    both = [(BUY, 99, 50), (SELL, 101, 50)]
    rows = message(1, SNAPSHOT, 100, 100, -1, both)
    rows += message(2, DEPTH, 99, 102, 98, [(BUY, 98, 5)])
    rows += message(3, DEPTH, 103, 104, 102, [(SELL, 102, 5)])
    rows += message(4, DEPTH, 110, 111, 109, [(SELL, 103, 5)])  # 105 to 109 are missing
    rows += message(6, DEPTH, 112, 113, 111, [(SELL, 104, 5)])
    rows += message(8, SNAPSHOT, 120, 120, -1, both)
    rows += message(9, DEPTH, 119, 121, 118, [(BUY, 97, 5)])
    rows += message(12, DEPTH, 122, 123, 121, [(BUY, 96, 5)])
    return np.array(rows, ROW)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("depth", [True, False], ids=["depth", "touch"])
def test_a_gap_holds_back_what_adds_risk_until_the_next_snapshot(compiled: bool, depth: bool) -> None:
    tape = make_tape(ONE, capture())
    outcome = Backtest(
        Asks,
        {},
        [Track(tape.instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks)],
        models=[Models(latency=ConstantLatency(1_000))],
        limits=Limits().record(ONE).astype(LIMITS),
        fees=Fees().record(ONE).astype(FEES),
        balance=1_000.0,
        sample_ns=S,
        call=compile_strategy(Asks).call if compiled else None,
        depth=depth,
    ).execute()
    assert outcome.strategy["gaps"][0] == 1
    refused = outcome.effects[outcome.effects["reason"] != 0]
    assert set(refused["reason"].tolist()) == {int(Reason.BOOK_SUSPECT)}
    # The gap is at 4 s and the snapshot at 8 s: what was asked from 4 to 7 s was held back, but for the exit at 7 s.
    assert [int(t) // S for t in refused["time_ns"]] == [4, 5, 6]
    out = outcome.effects[(outcome.effects["side"] == SELL)]
    assert out["reason"].tolist() == [0]
    assert int(out["time_ns"][0]) // S == 7
    assert outcome.fills["side"].tolist().count(SELL) == 1
