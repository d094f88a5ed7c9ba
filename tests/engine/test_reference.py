"""Five backtests that hftbacktest 2.4.4 ran on a real capture: ours must give the same list of fills, every one."""

import json
from pathlib import Path
from typing import Any

import pytest

from b25.engine.backtest import Backtest, Outcome, Track
from b25.market.catalog import Catalog
from b25.market.import_capture import import_capture
from b25.market.tape import Tape, parity_tape
from b25.risk.limits import Limits
from b25.strategy.compile import compile_strategy
from b25.strategy.strategy import Strategy
from b25.venue.models import ConstantLatency, Fees, Models, Queue
from benchmarks.strategies import ReferenceMaker, ReferenceTaker

VENUE, SYMBOL = "binanceusdm", "ETH/USDT:USDT"
QUEUES = {
    "risk_adverse_queue_model": "risk_adverse",
    "power_prob_queue_model3": "power_prob_3:3.0",
    "log_prob_queue_model2": "log_prob_2",
}
CLASSES: dict[str, type[Strategy]] = {"maker": ReferenceMaker, "taker": ReferenceTaker}


@pytest.fixture(scope="module")
def tape(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    folder = tmp_path_factory.mktemp("catalog")
    import_capture(shared / "data/binance_raw/usdm_ethusdt_20240808.gz", venue=VENUE, symbol=SYMBOL, catalog=folder)
    stored = Catalog(folder).load(VENUE, SYMBOL)
    return parity_tape(stored.instrument, stored.rows)


def run_reference(tape: Tape, case: dict[str, Any], *, compiled: bool, depth: bool | None = None) -> Outcome:
    cls = CLASSES[case["strategy"]]
    models = Models(
        fees=Fees(case["fee_maker"], case["fee_taker"]),
        latency=ConstantLatency(case["order_latency_ns"]),
        queue=Queue(QUEUES[case["queue"][0]]),
        fills="whole",
    )
    return Backtest(
        cls,
        case["params"],
        [Track(tape.instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks, True)],
        models=[models],
        limits=Limits().record(tape.instrument),
        fees=models.fees.record(tape.instrument),
        balance=0.0,
        sample_ns=1_000_000_000,
        call=compile_strategy(cls).call if compiled else None,
        depth=depth,
    ).execute()


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_every_fill_equals_that_of_an_independent_engine(tape: Tape, shared: Path, number: int, compiled: bool) -> None:
    case = json.loads((shared / "reference/ethusdt_usdm_20240808.json").read_text())["runs"][number]
    outcome = run_reference(tape, case, compiled=compiled)
    known = outcome.fills[outcome.fills["local_ns"] <= outcome.end_ns]
    ours = sorted(
        zip(*(known[n].tolist() for n in ("venue_ns", "order_id", "side", "price_ticks", "qty_lots", "maker")), strict=True)
    )
    theirs = sorted(
        (f["exch_ns"], f["order_id"], f["side"], f["price_ticks"], f["qty_lots"], int(f["maker"])) for f in case["fills"]
    )
    assert ours == theirs
    head, position = outcome.world.head[0], outcome.world.positions[0]
    assert (head["steps"], head["submits"], head["cancels"]) == (case["steps"], case["submits"], case["cancels"])
    assert outcome.end_ns == case["end_ns"]
    unit = float(tape.instrument.money_unit)
    assert position["position_lots"] * float(tape.instrument.lot) == pytest.approx(case["position"], rel=1e-9)
    assert position["cash"] * unit == pytest.approx(case["balance"], rel=1e-9)
    assert (position["fees"] + position["fees_e8"] / 1e8) * unit == pytest.approx(case["fee"], rel=1e-9)


def test_a_run_on_the_annotated_touch_equals_a_run_on_the_whole_book(tape: Tape, shared: Path) -> None:
    case = json.loads((shared / "reference/ethusdt_usdm_20240808.json").read_text())["runs"][0]
    by_touch = run_reference(tape, case, compiled=True, depth=False)
    by_book = run_reference(tape, case, compiled=True, depth=True)
    assert by_touch.effects.tobytes() == by_book.effects.tobytes()
    assert by_touch.fills.tobytes() == by_book.fills.tobytes()
    assert by_touch.marks.tobytes() == by_book.marks.tobytes()
