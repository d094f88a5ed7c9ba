"""The kill switch as a process of its own, beside sessions that die, hang and go silent, at the venue on the wire."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b25.cli import main
from b25.runner import kill_process
from b25.runner.durable_file import read_json
from b25.runner.heartbeat import Life, read_beat
from b25.runner.kill import raise_risk_latch
from b25.runner.kill_latch import Trigger, latched, pull, read_report
from b25.runner.kill_main import is_watching, reach_of
from b25.runner.kill_process import KillProcess, is_cleared
from b25.runner.seat import is_taken, occupant
from b25.runner.structured_log import StructuredLog
from b25.venue.wire.tls import CERTIFICATE
from tests.runner.stand import QUICK, place, stand, with_session

pytestmark = pytest.mark.usefixtures("warm")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path):
    with stand(tmp_path, "linear") as made:
        yield made


@pytest.fixture
def started():
    """Start processes; whatever is left of them ends with the test."""
    made = []

    def start(*words, **environment):
        held = {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in environment.items()}}
        made.append(subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=held, stdout=subprocess.DEVNULL))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()


def until(so, within_s=20.0):
    began = time.monotonic()
    while not so():
        assert time.monotonic() - began < within_s
        time.sleep(0.02)


@pytest.fixture
def watch(here, started):
    def begin(*words):
        plan = here.plan()
        process = started("b25.runner.kill_main", "--folder", str(here.run_folder), "--plan", str(plan), *words)
        until(lambda: is_watching(here.run_folder))
        time.sleep(0.3)
        return process

    return begin


def session(here, started, count=5, **more):
    """A session with so many orders at the venue."""
    environment = {"B25_RUN_FOLDER": here.run_folder, "B25_PROCESS": "mm", "B25_START_PAUSED": "", "TEST_PLAN": here.plan()}
    process = started("tests.runner.children", "trade", str(count), **environment, **more)
    until(lambda: here.open_count() == count and (beat := read_beat(here.run_folder, "mm")) and beat.life is Life.RUNNING)
    return process


def done(here, account="demo"):
    latch = latched(here.run_folder, account)
    return latch is not None and bool(read_report(here.run_folder, latch.kill_id).get("is_complete"))


TRIGGERS = {
    Trigger.COMMAND: lambda here, _: pull(here.run_folder, "demo", by="ada", reason="test", trigger=Trigger.COMMAND),
    Trigger.FILE: lambda here, _: (here.run_folder / "KILL").touch(),
    Trigger.SIGNAL: lambda here, process: process.send_signal(signal.SIGUSR1),
    Trigger.RISK: lambda here, _: raise_risk_latch(here.run_folder, "mm", account="demo", reason="daily loss"),
}


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_whatever_pulls_it_latches_and_cancels(here, watch, trigger):
    process = watch()
    with_session(here, lambda port: place(port, "linear", 5))
    TRIGGERS[trigger](here, process)
    until(lambda: done(here))
    assert here.open_count() == 0
    assert latched(here.run_folder, "demo").trigger is trigger
    process.terminate()
    assert process.wait(15) == 0
    assert latched(here.run_folder, "demo") is not None  # it survives the process


def test_a_kill_that_was_cut_off_is_gone_on_with(here, watch):
    with_session(here, lambda port: place(port, "linear", 5))
    here.fault("maintenance")
    process = watch()
    pull(here.run_folder, "demo", by="ada", reason="test", trigger=Trigger.COMMAND)
    time.sleep(0.5)
    process.kill()
    process.wait()
    here.clear_faults()
    assert here.open_count() == 5
    watch()
    until(lambda: done(here))
    assert here.open_count() == 0


def test_a_session_that_was_killed_is_cleared_and_nothing_is_latched(here, watch, started):
    watch()
    mm = session(here, started)
    mm.kill()
    mm.wait()
    until(lambda: is_cleared(here.run_folder, "mm", 1))
    assert here.open_count() == 0
    assert latched(here.run_folder, "demo") is None


def test_a_lost_heartbeat_stops_the_account_where_the_plan_says_so(here, watch, started):
    here.row["lost_session"] = "kill"
    watch("--lost-s", "1")
    session(here, started).send_signal(signal.SIGSTOP)
    until(lambda: done(here))
    assert here.open_count() == 0
    assert latched(here.run_folder, "demo").trigger is Trigger.HEARTBEAT


def test_a_session_that_hangs_is_ended_and_cleared_even_without_a_supervisor(here, watch, started):
    watch("--lost-s", "1")
    mm = session(here, started, TEST_HANG="1")
    until(lambda: is_cleared(here.run_folder, "mm", 1))
    assert mm.wait(5) == -signal.SIGKILL
    assert here.open_count() == 0


def test_a_session_that_was_stopped_by_a_person_s_signal_is_continued_as_nobody(here, watch, started):
    """SIGSTOP, then SIGCONT: by the time it wakes up it is fenced, and dead."""
    watch("--lost-s", "1")
    mm = session(here, started)
    mm.send_signal(signal.SIGSTOP)
    until(lambda: is_cleared(here.run_folder, "mm", 1))
    mm.send_signal(signal.SIGCONT)
    assert mm.wait(5) == -signal.SIGKILL
    assert not is_taken(here.run_folder, "mm")


def test_the_dead_man_s_switch_is_wound_while_a_session_runs(here, watch, started):
    session(here, started)
    process = watch()

    def wound():
        return here.venue.call(lambda inside: dict(here.owner.linear.deadlines))

    until(wound)
    process.kill()  # nobody winds it any more: the venue will cancel
    assert wound()


def test_the_dead_man_s_switch_is_renewed_and_fires_when_nobody_is_left(here, watch, started):
    mm = session(here, started)
    process = watch("--countdown-ms", "6000", "--renew-s", "0.5")

    def deadline():
        return max(here.venue.call(lambda inside: dict(here.owner.linear.deadlines)).values(), default=0)

    until(deadline)
    first = deadline()
    until(lambda: deadline() > first)  # wound again, and again
    second = deadline()
    until(lambda: deadline() > second)
    assert here.open_count() == 5
    process.kill()
    mm.kill()
    until(lambda: here.open_count() == 0, 60.0)  # nobody is left but the venue
    assert latched(here.run_folder, "demo") is None


def up(here, started, hang_s=1.0, **more):
    plan = here.plan(
        f"""
        [processes.mm]
        command = ["{{python}}", "-m", "tests.runner.children", "trade", "4"]
        account = "demo"
        hang_s = {hang_s}
        """
    )
    process = started("b25", "up", "--plan", str(plan), "--folder", str(here.run_folder), TEST_PLAN=plan, **more)
    until(lambda: here.open_count() == 4, 30.0)
    return process


def test_b25_up_kills_a_session_that_hangs_cancels_and_only_then_starts_it_again(here, started):
    process = up(here, started, TEST_HANG="1")
    until(lambda: occupant(here.run_folder, "mm").get("epoch") == 2, 30.0)
    assert is_cleared(here.run_folder, "mm", 1)
    until(lambda: here.open_count() == 4)
    orders = with_session(here, lambda port: port.open_orders()).must()
    assert {order.client_id.rpartition("-")[0] for order in orders} == {"b25-aabbb-2"}  # none of the dead one's
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.spec("DP-N3")
def test_kill_9_of_the_supervisor_leaves_no_order(here, started):
    process = up(here, started)
    until(lambda: is_watching(here.run_folder))
    process.kill()
    process.wait()
    until(lambda: not is_taken(here.run_folder, "mm") and not is_taken(here.run_folder, "kill"), 30.0)
    assert here.open_count() == 0 or read_beat(here.run_folder, "mm").life is Life.STOPPED


def test_kill_9_of_the_supervisor_while_a_session_hangs_leaves_no_order_and_no_process(here, started):
    process = up(here, started, hang_s=60.0, TEST_HANG="1")
    until(lambda: is_watching(here.run_folder))
    process.kill()
    process.wait()
    until(lambda: not is_taken(here.run_folder, "mm") and not is_taken(here.run_folder, "kill"), 40.0)
    assert here.open_count() == 0
    assert is_cleared(here.run_folder, "mm", 1)


def test_an_order_that_comes_while_it_is_latched_is_cancelled(here, monkeypatch, tmp_path):
    monkeypatch.setattr(kill_process, "GUARD_S", 0.2)
    latch = pull(here.run_folder, "demo", by="ada", reason="test", trigger=Trigger.COMMAND)

    async def run():
        reach = reach_of(here.account)
        process = KillProcess(here.run_folder, {"demo": reach}, StructuredLog(tmp_path / "log"), pace=QUICK)
        watching = asyncio.create_task(process.run())
        for _ in range(500):
            if read_report(here.run_folder, latch.kill_id).get("is_complete"):
                break
            await asyncio.sleep(0.02)
        session = reach_of(here.session_account)
        await place(session.port, "linear", 3)
        await session.port.close()
        for _ in range(200):
            if not here.open_count():
                break
            await asyncio.sleep(0.05)
        process.stop()
        await watching

    asyncio.run(run())
    assert here.open_count() == 0


@pytest.mark.spec("DP-01")
def test_a_plan_with_a_venue_of_its_own_comes_up_and_goes_down_in_order(tmp_path, started):
    ports = [free_port(), free_port()]
    plan = tmp_path / "up.toml"
    plan.write_text(
        f"""
        [processes.venue]
        command = ["{{python}}", "-m", "b25", "venue", "--folder", "{tmp_path}/venue", "--market", "none",
                   "--tls-port", "{ports[0]}", "--port", "{ports[1]}"]
        ready = "127.0.0.1:{ports[0]}"
        beats = false
        start_s = 120

        [processes.mm]
        command = ["{{python}}", "-m", "tests.runner.children", "trade", "4"]
        account = "demo"

        [accounts.demo]
        exchange = "binance"
        kind = "spot"
        where = "loopback"
        rest_url = "https://127.0.0.1:{ports[0]}"
        cafile = "venue/{CERTIFICATE}"
        key_file = "venue/venue-keys.json"
        symbols = ["BTC/USDT"]
        """
    )
    run = tmp_path / "run"
    process = started("b25", "up", "--plan", str(plan), "--folder", str(run), TEST_PLAN=plan)
    until(lambda: (beat := read_beat(run, "mm")) is not None and beat.life is Life.RUNNING, 60.0)
    process.terminate()
    assert process.wait(30) == 0
    rows = [json.loads(line) for line in (run / "supervisor.jsonl").read_text().splitlines()]
    assert [row["process"] for row in rows if row["event"] == "started"] == ["venue", "kill", "mm"]
    assert [row["process"] for row in rows if row["event"] == "ended"] == ["mm", "kill", "venue"]
    assert len({row["run"] for row in rows}) == 1


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_the_command_kills_by_itself_where_nobody_watches_and_re_arming_is_by_name(here, capsys):
    with_session(here, lambda port: place(port, "linear", 1, price="0", qty="0.5"))
    with_session(here, lambda port: place(port, "linear", 3, prefix="rest-"))
    where = ["--folder", str(here.run_folder)]
    words = ["kill", "--account", "demo", "--flatten", "--reason", "test", "--plan", str(here.plan()), *where, "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"]["is_complete"]
    assert here.open_count() == 0
    assert with_session(here, lambda port: port.positions()).must() == {}
    assert main(words) == 0  # twice does no harm
    capsys.readouterr()
    assert main(["kill", "status", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latches"][0]["is_complete"]
    arm = ["kill", "re-arm", "--account", "demo", "--by", "ada", "--reason", "checked with the desk", *where]
    assert main([*arm, "--confirm", "yes"]) == 1
    assert main([*arm, "--confirm", f"re-arm demo {told['kill_id']}"]) == 0
    assert latched(here.run_folder, "demo") is None


@pytest.mark.spec("S1")
def test_the_log_ties_each_step_to_its_kill_and_holds_no_key(here, capsys):
    with_session(here, lambda port: place(port, "linear", 2))
    assert main(["kill", "--account", "demo", "--plan", str(here.plan()), "--folder", str(here.run_folder)]) == 0
    text = (here.run_folder / "kill" / "log.jsonl").read_text()
    kill_id = latched(here.run_folder, "demo").kill_id
    rows = [json.loads(line) for line in text.splitlines()]
    assert all(row["kill_id"] == kill_id for row in rows if row["event"] == "step")
    for name in ("kill-key.json", "session-key.json"):
        held = read_json(here.folder / name)
        assert not any(secret in text for secret in held.values())
