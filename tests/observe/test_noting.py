"""What passes a session is counted as it was, and the time from a decision to the venue's word is measured."""

import asyncio
from types import SimpleNamespace

import numpy as np

from b25.model import event as kinds
from b25.model.order import EFFECT, SUBMIT, Reason
from b25.observe.meter import Meter
from b25.runner.metrics_session import SessionMetrics


def test_decisions_and_answers_are_counted_and_timed_and_who_watched_before_still_does():
    async def run():
        before = []
        loop = SimpleNamespace(
            session=SimpleNamespace(watch=before.append), answered=[], until=asyncio.Event(), clock_ns=lambda: 0, rows=None
        )
        meter = Meter("session", "mm")
        metrics = SessionMetrics(loop, meter, mode="paper", account="")
        metrics.attach()
        effects = np.zeros(2, EFFECT)
        effects["kind"], effects["side"], effects["order_id"], effects["time_ns"] = SUBMIT, 1, [7, 8], 10**9
        effects["reason"][1] = Reason.ORDER_VALUE_LIMIT
        loop.session.watch(effects)
        effects[:] = np.zeros(2, EFFECT)  # the memory is written again
        answer = np.zeros(1, kinds.EVENT)
        answer["kind"], answer["order_id"], answer["local_ns"] = kinds.ORDER_ACCEPTED, 7, 10**9 + 50_000_000
        loop.answered[0](answer)
        metrics._read_noted()
        loop.until.set()
        assert len(before) == 1
        return meter.text()

    text = asyncio.run(run())
    own = 'component="session",session="mm"'
    assert f'b25_strategy_intents_total{{{own},side="buy",order_type="limit",status="approved"}} 1\n' in text
    assert f'b25_order_refused_total{{{own},reason="order_value_limit"}} 1\n' in text
    assert f'b25_order_answers_total{{{own},status="order_accepted"}} 1\n' in text
    assert f"b25_order_submit_seconds_sum{{{own}}} 0.05\n" in text
