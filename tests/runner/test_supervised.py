"""A session's own side of supervision: it may send while neither latch nor fence forbids it, and ends with a code."""

import asyncio
import os

import numba
import pytest

from b25.model.errors import Halt, Misuse, Resync, Retry
from b25.runner.heartbeat import Beat, Life, exit_code_of, heartbeat_path, read_beat
from b25.runner.kill_latch import Trigger, pull
from b25.runner.seat import is_taken, raise_fence
from b25.runner.supervised import Supervised
from b25.runner.supervisor_plan import ProcessPlan
from b25.runner.supervisor_policy import Watch


@pytest.fixture
def own(tmp_path):
    made = Supervised.begin(tmp_path, "mm", account="demo", client_id_prefix="b25-aabbb-")
    yield made
    made.seat.leave()


def test_it_may_send_until_it_is_latched(own, tmp_path):
    assert own.may_send()
    pull(tmp_path, "demo", by="ada", reason="why", trigger=Trigger.COMMAND)
    assert not own.may_send()


def test_it_may_send_until_it_is_fenced(own, tmp_path):
    raise_fence(tmp_path, "mm")
    assert not own.may_send()


def test_one_without_an_account_is_stopped_by_what_stops_all(tmp_path):
    made = Supervised.begin(tmp_path, "paper")
    assert made.may_send()
    pull(tmp_path, "demo", by="ada", reason="why", trigger=Trigger.COMMAND)
    assert made.may_send()
    pull(tmp_path, by="ada", reason="why", trigger=Trigger.COMMAND)
    assert not made.may_send()
    made.end()


def test_it_says_that_it_compiles_and_is_not_taken_for_one_that_hangs(own, tmp_path):
    own.life, seen = Life.RUNNING, []
    beat = own.heartbeat.beat
    own.heartbeat.beat = lambda life, *more: (seen.append(life), beat(life, *more))

    @numba.njit
    def fresh(number):
        return number + 1

    fresh(1)
    assert seen == [Life.COMPILING, Life.RUNNING]
    plan = ProcessPlan(name="s", command=("x",), hang_s=1.0, start_s=60.0)
    for life, fault in ((Life.COMPILING, ""), (Life.RUNNING, "silent for 5.0 s")):
        told = Beat(1, 1, life, 7, 0, 10 * 10**9, 3)
        assert Watch().fault(plan, told, started_ns=0, now_ns=15 * 10**9) == fault
    told = Beat(1, 1, Life.COMPILING, 7, 0, 10 * 10**9, 3)
    assert "compiling for" in Watch().fault(plan, told, started_ns=0, now_ns=100 * 10**9)


def test_it_beats_from_its_loop_and_tells_its_progress(own, tmp_path):
    async def live():
        watching = asyncio.create_task(own.watch(lambda: (7, 2), lambda why: None))
        await asyncio.sleep(0.05)
        beat = read_beat(tmp_path, "mm")
        own.end()
        await watching
        return beat

    beat = asyncio.run(live())
    assert (beat.life, beat.done, beat.waiting, beat.pid) == (Life.RUNNING, 7, 2, os.getpid())
    assert read_beat(tmp_path, "mm").life is Life.STOPPED
    assert not is_taken(tmp_path, "mm")


def test_it_stops_when_the_supervisor_is_gone(own, monkeypatch):
    reading, writing = os.pipe()
    monkeypatch.setenv("B25_LIFELINE_FD", str(reading))

    async def live():
        told = []

        def stop(why):
            told.append(why)
            own.end()

        watching = asyncio.create_task(own.watch(lambda: (1, 0), stop))
        await asyncio.sleep(0.05)
        assert told == []
        os.close(writing)
        await asyncio.wait_for(watching, 5)
        return told

    assert asyncio.run(live()) == ["the supervisor is gone"]
    os.close(reading)


def test_an_end_that_is_not_clean_is_left_to_the_kill_process(own, tmp_path):
    own.end(is_clean=False)
    assert read_beat(tmp_path, "mm").life is Life.FAILED


def test_the_exit_code_tells_the_kind_of_error():
    kinds = [Misuse, Halt, Retry, Resync]
    codes = [exit_code_of(kind("what", remedy="do")) for kind in kinds]
    assert len({0, 1, *codes}) == 6
    assert exit_code_of(None) == 0
    assert exit_code_of(ValueError()) == 1


@pytest.mark.parametrize("content", [b"", b"b25beat1", b"x" * 64, bytes(64)])
def test_a_heartbeat_that_is_none_is_not_taken_for_one(tmp_path, content):
    path = heartbeat_path(tmp_path, "mm")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert read_beat(tmp_path, "mm") is None
