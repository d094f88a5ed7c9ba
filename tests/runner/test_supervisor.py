"""The supervisor with real processes: hanging compiled loops, deaf ones, hungry ones; order, restarts, and its own death."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from b25.model.errors import Misuse
from b25.runner.heartbeat import Life, read_beat
from b25.runner.seat import fence_of, is_taken, occupant
from b25.runner.supervisor import Supervisor, ask
from b25.runner.supervisor_child import Phase
from b25.runner.supervisor_plan import ProcessPlan, read_plan

ROOT = Path(__file__).resolve().parents[2]


def plan(name, *words, **more):
    command = (sys.executable, "-m", "tests.runner.children", *words)
    return ProcessPlan(name=name, command=command, **{"hang_s": 1.0, "drain_s": 2.0, **more})


class Under:
    """A supervisor that the test turns by hand."""

    def __init__(self, folder, *plans):
        os.environ["PYTHONPATH"] = str(ROOT)
        self.supervisor = Supervisor(plans, folder)
        self.folder = self.supervisor.folder

    def child(self, name):
        return next(child for child in self.supervisor.children if child.plan.name == name)

    def turn(self, until, within_s=15.0):
        """Look until something is so; gives the seconds that it took."""
        began = time.monotonic()
        while not until():
            assert time.monotonic() - began < within_s, [child.facts() for child in self.supervisor.children]
            self.supervisor.look()
            time.sleep(0.02)
        return time.monotonic() - began

    def said(self, name):
        return (self.folder / "sessions" / name / "log.jsonl").read_text()

    def log(self):
        return [json.loads(line) for line in (self.folder / "supervisor.jsonl").read_text().splitlines()]

    def life(self, name):
        beat = read_beat(self.folder, name)
        return beat.life if beat and beat.pid == self.child(name).pid else None

    def end(self):
        self.supervisor.stop("test over")
        self.turn(lambda: self.supervisor._is_over(), 20.0)


@pytest.fixture
def under(tmp_path):
    made = []

    def make(*plans):
        made.append(Under(tmp_path / "run", *plans))
        return made[-1]

    yield make
    for one in made:
        for child in one.supervisor.children:
            if child.pid:
                os.kill(child.pid, signal.SIGKILL)
                child._process.wait()
        for handle in (one.supervisor._held, one.supervisor._lifeline):
            os.close(handle)
        one.supervisor._seat.leave()


def test_a_strategy_that_loops_forever_in_machine_code_is_killed_within_five_seconds(under):
    one = under(plan("s", "hang", hang_s=2.0))
    one.turn(lambda: one.life("s") is Life.RUNNING, 60.0)
    first, epoch = one.child("s").pid, occupant(one.folder, "s")["epoch"]
    took_s = one.turn(lambda: one.child("s").pid != first)
    assert took_s < 5.0
    assert fence_of(one.folder, "s") == epoch + 1  # whatever it still had to say no longer counts
    one.turn(lambda: one.life("s") is Life.RUNNING, 60.0)
    assert occupant(one.folder, "s")["epoch"] == epoch + 1
    assert "paused=1" in one.said("s")  # it comes back, and waits for a person


def test_a_loop_that_turns_without_progress_is_hung(under):
    one = under(plan("s", "stuck"))
    one.turn(lambda: one.life("s") is Life.RUNNING)
    assert one.turn(lambda: one.child("s").phase is Phase.WAITING) < 5.0
    assert any("things wait" in str(row.get("why")) for row in one.log())


def test_one_that_never_beats_is_ended_when_its_time_to_start_is_over(under):
    one = under(plan("s", "silent", start_s=0.5))
    one.turn(lambda: one.child("s").phase is Phase.UP)
    one.turn(lambda: one.child("s").phase is Phase.WAITING)
    assert any("not running after" in str(row.get("why")) for row in one.log())


def test_one_that_is_deaf_to_sigterm_is_killed_after_its_drain(under):
    one = under(plan("s", "deaf", drain_s=0.5))
    one.turn(lambda: one.life("s") is Life.RUNNING)
    one.child("s").unwant("asked")
    assert one.turn(lambda: one.child("s").phase is Phase.DOWN) >= 0.4


def test_a_hungry_one_is_drained_and_started_again(under):
    one = under(plan("s", "eat", rss_mb_max=150))
    one.turn(lambda: one.child("s").restarts == 1)
    assert any("more than 150" in str(row.get("why")) for row in one.log())


@pytest.mark.parametrize(("code", "phase"), [(4, Phase.FAILED), (70, Phase.FAILED), (0, Phase.FINISHED), (75, Phase.WAITING)])
def test_the_kind_of_error_decides_what_follows(under, code, phase):
    one = under(plan("s", "exit", str(code)), plan("other", "good"))
    one.turn(lambda: one.child("s").phase is Phase.UP)
    one.turn(lambda: one.child("s").phase is phase)


def test_three_crashes_and_it_stays_down_until_a_person_starts_it(under):
    one = under(plan("s", "exit", "1", crashes_max=3), plan("other", "good"))
    one.turn(lambda: one.child("s").phase is Phase.FAILED, 20.0)
    assert one.child("s").restarts == 2
    delays = [row["delay_s"] for row in one.log() if row["event"] == "ended"]
    assert delays[0] < delays[1]
    one.child("s").want()
    one.turn(lambda: one.child("s").restarts == 3)


def test_never_two_of_the_same_session(under, tmp_path):
    one = under(plan("s", "good"))
    one.turn(lambda: one.life("s") is Life.RUNNING)
    environment = {**os.environ, "B25_RUN_FOLDER": str(one.folder), "B25_PROCESS": "s", "B25_START_PAUSED": ""}
    second = subprocess.run([*one.child("s").plan.command], env=environment, capture_output=True, text=True)
    assert "runs already" in second.stderr
    with pytest.raises(Misuse, match="runs already"):
        Supervisor([plan("s", "good")], one.folder)


def test_everything_starts_and_ends_in_order(under):
    one = under(plan("venue", "good", order=0), plan("middle", "good", order=10), plan("last", "good", order=20))
    one.turn(lambda: one.life("last") is Life.RUNNING)
    one.end()
    started = [row["process"] for row in one.log() if row["event"] == "started"]
    ended = [row["process"] for row in one.log() if row["event"] == "ended"]
    assert started == ["venue", "middle", "last"]
    assert ended == ["last", "middle", "venue"]
    assert all("stopped" in one.said(name) for name in started)


def test_a_person_stops_and_starts_one(under):
    one = under(plan("s", "good"), plan("other", "good"))
    one.turn(lambda: one.life("s") is Life.RUNNING)
    for act, phase in (("stop", Phase.DOWN), ("start", Phase.UP)):
        command = (sys.executable, "-m", "b25", "session", act, "s", "--folder", str(one.folder))
        asked = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        one.turn(lambda phase=phase: one.child("s").phase is phase, 20.0)
        one.turn(lambda asked=asked: asked.poll() is not None)
        assert asked.returncode == 0


def test_a_clock_that_was_set_is_an_alarm(under):
    one = under(plan("s", "good"))
    one.supervisor.look()
    one.supervisor._offset_ns -= 3 * 10**9
    one.supervisor.look()
    assert one.supervisor.clock_steps == 1
    assert [row["level"] for row in one.log() if row["event"] == "the clock was set"] == ["alarm"]


def test_asking_where_no_supervisor_runs(tmp_path):
    with pytest.raises(Misuse, match="no supervisor runs"):
        ask(tmp_path, "stop", "s", by="x")


@pytest.fixture
def up(tmp_path):
    """`b25 up` as a process of its own, with one process that works."""
    path = tmp_path / "up.toml"
    path.write_text(
        textwrap.dedent(
            """
            [processes.s]
            command = ["{python}", "-m", "tests.runner.children", "good"]
            """
        )
    )
    run = tmp_path / "run"
    command = [sys.executable, "-m", "b25", "up", "--plan", str(path), "--folder", str(run)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=-3, stderr=-3)
    until = time.monotonic() + 30
    while (beat := read_beat(run, "s")) is None or beat.life is not Life.RUNNING:
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process, run
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_whole_tree(up, number):
    process, run = up
    process.send_signal(number)
    assert process.wait(20) == 0
    assert read_beat(run, "s").life is Life.STOPPED
    assert not is_taken(run, "s")


def test_when_the_supervisor_is_killed_its_children_notice_and_stop(up):
    process, run = up
    process.kill()
    process.wait()
    until = time.monotonic() + 5
    while is_taken(run, "s"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert read_beat(run, "s").life is Life.STOPPED
    assert "gone=True" in (run / "sessions" / "s" / "log.jsonl").read_text()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no process"),
        ("[processes.kill]\ncommand = ['x']", "names no process"),
        ("[processes.a]\ncommand = 'x'", "no command"),
        ("[processes.a]\ncommand = ['x']\nmemory = 3", "no setting 'memory'"),
        ("[processes.a]\ncommand = ['x']\naccount = 'b'", "which the plan does not have"),
        ("[processes", "cannot be read"),
    ],
)
def test_a_plan_that_is_wrong_is_refused(tmp_path, text, why):
    path = tmp_path / "up.toml"
    path.write_text(text)
    with pytest.raises(Misuse, match=why):
        read_plan(path, tmp_path)
