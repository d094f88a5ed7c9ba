"""The naive twin gives every fill of the five reference backtests: where the compiled engine differs, it is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine import naive, naive_traders

QUEUES = {
    "risk_adverse_queue_model": "risk_adverse",
    "power_prob_queue_model3": "power_prob_3",
    "log_prob_queue_model2": "log_prob_2",
}


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads((shared / "reference/ethusdt_usdm_20240808.json").read_text())
    return answers


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[naive.Row]:
    return naive.capture_rows(shared / "data/binance_raw/usdm_ethusdt_20240808.gz", tick="0.01", lot="0.001")


def fills_by_time(fills: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(fills, key=lambda fill: (fill["exch_ns"], fill["order_id"]))


def test_the_capture_begins_when_the_reference_says(rows: list[naive.Row], reference: dict[str, Any]) -> None:
    corrected = naive.correct_clock(rows)
    assert min(row[1] for row in corrected) == reference["first_local_ns"]
    assert min(row[0] for row in corrected) == reference["first_exch_ns"]
    assert min(row[1] - row[0] for row in corrected) == 0


@pytest.mark.parametrize("number", range(5))
def test_the_twin_gives_every_reference_fill(rows: list[naive.Row], reference: dict[str, Any], number: int) -> None:
    expected = reference["runs"][number]
    name, *arguments = expected["queue"]
    found = naive.run(
        rows,
        {"maker": naive_traders.Maker, "taker": naive_traders.Taker}[expected["strategy"]],
        expected["params"],
        queue=":".join([QUEUES[name], *map(str, arguments)]),
        order_latency_ns=expected["order_latency_ns"],
        fee_maker=expected["fee_maker"],
        fee_taker=expected["fee_taker"],
        tick=str(expected["tick"]),
        lot=str(expected["lot"]),
    )
    assert fills_by_time(found["fills"]) == fills_by_time(expected["fills"])
    for count in ("steps", "submits", "cancels", "end_ns", "trades"):
        assert found[count] == expected[count], count
    for amount in ("position", "balance", "fee"):
        assert found[amount] == pytest.approx(expected[amount], rel=1e-9), amount
    assert (found["best_bid_ticks"], found["best_ask_ticks"]) == (expected["best_bid_tick"], expected["best_ask_tick"])
