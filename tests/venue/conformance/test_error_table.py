"""The whole error table: the class that unmodified ccxt raises for spot and linear urls, and b25's own judgement."""

import asyncio

import ccxt.async_support as ccxt
import pytest

from tests.venue.ccxt.recorder import Recorder, Reply, by_path
from tests.venue.ccxt.venues import an_order, venue_at
from tests.venue.conformance.error_rows import Row, cases
from tests.venue.conformance.plain_ccxt import SYMBOLS, recorder_of
from tests.venue.conformance.samples.read import samples

ORDER = {"spot": "POST /api/v3/order", "linear": "POST /fapi/v1/order"}


def name(case: object) -> str:
    return f"{case.http}{case.code}-{case.msg[:24]}" if isinstance(case, Row) else str(case)


def answering(market: str, row: Row) -> dict[str, object]:
    headers = {"Retry-After": "7"} if row.http in (418, 429) else {}
    return samples() | {ORDER[market]: Reply(row.http, {"code": row.code, "msg": row.msg}, headers)}


@pytest.mark.parametrize(("market", "row"), cases(), ids=name)
def test_ccxt_raises_the_class_of_the_table(market, row):
    async def run() -> str:
        async with Recorder(by_path(answering(market, row))) as recorder, recorder_of(recorder) as api:
            with pytest.raises(ccxt.BaseError) as raised:
                await api.create_order(SYMBOLS[market], "limit", "buy", 1, 40000)
            return type(raised.value).__name__

    assert asyncio.run(run()) == row.class_in(market)


@pytest.mark.parametrize(("market", "row"), cases(), ids=name)
def test_b25_judges_by_status_code_and_text(market, row):
    async def run():
        async with Recorder(by_path(answering(market, row))) as recorder:
            async with venue_at(recorder, market) as venue:
                (await venue.listings()).must()
                outcome = await venue.submit(an_order(market))
            return outcome, sum(seen.method == "POST" for seen in recorder.seen)

    outcome, posts = asyncio.run(run())
    assert (outcome.answer, outcome.scope, outcome.reaction) == (row.answer, *row.stops)
    assert (outcome.http, outcome.code, outcome.text) == (row.http, row.code, row.msg)
    assert (outcome.resync_clock, outcome.alarm) == (row.resync, row.alarm)
    assert outcome.retry_after_s == (7.0 if row.http in (418, 429) else 0.0)
    assert outcome.ended_unfilled == (row.code == -2026)
    assert posts == 1
