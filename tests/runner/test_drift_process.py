"""The nightly job: due once a night, caught up once, told on the bus, and fatal to nothing."""

import asyncio

import orjson
import pytest

from b25.bus.link import open_link
from b25.bus.subjects import subject
from b25.bus.subscriber import Subscriber
from b25.model.errors import Retry
from b25.runner.alerts.default_rules import default_rules
from b25.runner.alerts.engine import Engine
from b25.runner.drift_process import AT_NS, DAY_NS, DriftPlan, DriftProcess, due
from b25.runner.platform_plan import with_platform
from b25.runner.structured_log import StructuredLog
from tests.bus import conftest as bus
from tests.bus.stand import seen
from tests.conftest import ROOT

server = bus.server

NOON_NS = 20_000 * DAY_NS + DAY_NS // 2
MIDNIGHT_NS = 20_000 * DAY_NS


def row(state="unexplained", session="mm-1"):
    market = {"causes": {"slippage": {"count": 2, "bps": 0.5}}, "cost_bps": 0.5}
    return {
        "session": session, "version": "maker@1", "mode": "paper", "state": state, "detail": "event 7: the effects differ",
        "effects": 12, "market": market,
    }  # fmt: skip


def process_of(tmp_path, told, *, now_ns=NOON_NS, at=None, **more):
    asked = []

    async def run(since_ns, until_ns):
        asked.append((since_ns, until_ns))
        if isinstance(told, Exception):
            raise told
        return told

    log = StructuredLog(run="", process="drift")
    made = DriftProcess(DriftPlan(run_folder=tmp_path, address=at, **more), log, run=run, now_ns=lambda: now_ns)
    made.asked = asked
    return made


@pytest.mark.parametrize(
    ("now_ns", "done_ns", "span"),
    [
        (NOON_NS, 0, (MIDNIGHT_NS - DAY_NS, MIDNIGHT_NS)),  # never: the last day
        (NOON_NS, MIDNIGHT_NS, None),
        (MIDNIGHT_NS + AT_NS - 1, MIDNIGHT_NS - DAY_NS, None),  # not yet a quarter past
        (MIDNIGHT_NS + AT_NS, MIDNIGHT_NS - DAY_NS, (MIDNIGHT_NS - DAY_NS, MIDNIGHT_NS)),
        (NOON_NS, MIDNIGHT_NS - 3 * DAY_NS, (MIDNIGHT_NS - 3 * DAY_NS, MIDNIGHT_NS)),  # missed nights, once
        (NOON_NS, MIDNIGHT_NS - 90 * DAY_NS, (MIDNIGHT_NS - 7 * DAY_NS, MIDNIGHT_NS)),
    ],
)
def test_a_night_is_due_once_and_caught_up_once(now_ns, done_ns, span):
    assert due(now_ns, done_ns) == span


def test_a_night_is_told_and_written_down(tmp_path):
    made = process_of(tmp_path, {"state": "unexplained", "sessions": [row(), row("none", "other")]})
    asyncio.run(made.night(*due(NOON_NS, made.done_ns)))
    assert made.asked == [(MIDNIGHT_NS - DAY_NS, MIDNIGHT_NS)]
    assert made.done_ns == MIDNIGHT_NS
    assert due(NOON_NS, made.done_ns) is None
    first, second = made.publisher._kept
    assert (first.channel.name, first.message.body.differences) == ("drift.mm-1", 2)
    assert second.message.body.state == "none"


def test_a_comparison_that_cannot_be_made_is_tried_again_and_not_counted_as_done(tmp_path):
    made = process_of(tmp_path, Retry("no answer", remedy="again"))
    asyncio.run(made.night(0, MIDNIGHT_NS))
    assert made.done_ns == 0
    assert made._not_before_ns > NOON_NS


def test_a_session_that_drifts_is_paused_where_that_is_wished_and_it_does_not_matter_when_it_is_gone(tmp_path):
    made = process_of(tmp_path, {"sessions": [row()]}, pause=True)
    asyncio.run(made.night(0, MIDNIGHT_NS))
    assert made.done_ns == MIDNIGHT_NS


def test_a_pause_is_asked_of_the_session_with_the_reason(tmp_path, monkeypatch):
    import b25.runner.drift_process as module

    asked = []
    monkeypatch.setattr(module, "ask_session", lambda *words, **more: asked.append((words[1:], more)))
    made = process_of(tmp_path, {"sessions": [row(), row("explained", "other")]}, pause=True)
    asyncio.run(made.night(0, MIDNIGHT_NS))
    ((words, more),) = asked
    assert words == ("mm-1", "pause")
    assert "event 7" in more["reason"]


def test_it_serves_until_it_is_stopped(tmp_path):
    made = process_of(tmp_path, {"sessions": []})

    async def serve():
        task = asyncio.create_task(made.serve())
        async with asyncio.timeout(20):
            while not made.done_ns:  # noqa: ASYNC110 - a file tells
                await asyncio.sleep(0.01)
        made.stop()
        await task

    asyncio.run(serve())
    assert len(made.asked) == 1


def test_what_it_finds_reaches_who_reads_the_bus(server, tmp_path):
    made = process_of(tmp_path, {"sessions": [row()]}, at=server.address)
    heard = []

    async def serve():
        link = await open_link(server.address, "alerts", lambda text: None)
        reader = Subscriber(link, "alerts")

        async def hear(name, message):
            heard.append((name, message.body.state))

        reader.read("drift.{session}", hear)
        task = asyncio.create_task(made.serve())
        await seen(lambda: heard)
        made.stop()
        await task
        await reader.close()
        await link.close()

    asyncio.run(serve())
    assert heard == [("drift.mm-1", "unexplained")]


@pytest.mark.parametrize(("state", "fires"), [("unexplained", 1), ("explained", 0), ("none", 0)])
def test_the_first_difference_without_a_cause_alerts(tmp_path, state, fires):
    made = process_of(tmp_path, {})
    made.tell(row(state))
    (offered,) = made.publisher._kept
    body = offered.message.body
    rule = next(one for one in default_rules() if one.name == "drift_unexplained")
    engine = Engine([rule])
    told = {name: getattr(body, name) for name in body.__dataclass_fields__}
    found = engine.observe("drift.{session}", offered.message.source, told, NOON_NS, is_event=True)
    assert len(found.changed) == fires
    assert rule.subjects == ("drift.{session}",)
    assert subject("drift.{session}").consumers == ("operator", "alerts")


def test_the_platform_runs_it_beside_the_others(tmp_path):
    path = tmp_path / "up.toml"
    path.write_text("[bus]\n")
    found = {one.name: one for one in with_platform([], path, tmp_path)}
    assert found["drift"].command[-2:] == ("drift", "--nightly")
    assert found["drift"].order > found["gateway"].order
    path.write_text("[bus]\n[drift]\nenabled = false\n")
    assert "drift" not in [one.name for one in with_platform([], path, tmp_path)]


def test_its_answer_is_that_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = DriftProcess(DriftPlan(run_folder=tmp_path, address=None), StructuredLog(run="", process="drift"))
    told = asyncio.run(made._compared(0, 1))
    assert told["sessions"] == []
    orjson.dumps(told)
