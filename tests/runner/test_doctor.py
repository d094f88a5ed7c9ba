"""The doctor looks for real: a healthy machine is told so, and each illness is found with its remedy."""

import json
import time

import pytest

from b25.cli import main
from b25.runner import doctor, doctor_sessions
from b25.runner.doctor import checks_of, examine
from b25.runner.doctor_findings import Health
from b25.runner.heartbeat import Heartbeat, Life
from b25.runner.kill_latch import Trigger, pull
from b25.runner.kill_scopes import Level, pull_scoped
from b25.runner.seat import Seat
from tests.runner.stand import stand


def test_a_healthy_machine_without_a_plan(tmp_path, capsys):
    code = main(["doctor", "--folder", str(tmp_path / "run"), "--json"])
    told = json.loads(capsys.readouterr().out)
    names = {one["name"] for one in told["findings"]}
    assert {"packages", "disk", "memory", "clock", "kernels", "run folder", "kill switch"} <= names
    assert code == (0 if told["is_fit"] else 1)
    assert all(one["remedy"] for one in told["findings"] if one["health"] != "good")


def test_a_check_that_breaks_is_unknown_and_never_good():
    def breaks():
        raise RuntimeError("no such thing")

    (found,) = examine([("thing", breaks)])
    assert found.health is Health.UNKNOWN
    assert "no such thing" in found.what


def test_a_full_disk(tmp_path, monkeypatch):
    def nearly_full(path):
        return type("Usage", (), {"total": 100 * 2**30, "free": 2**29})

    monkeypatch.setattr(doctor.shutil, "disk_usage", nearly_full)
    (found,) = doctor.disk(tmp_path)
    assert found.health is Health.WARNING


def test_missing_packages(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name == "numba" else "1")
    (found,) = doctor.packages()
    assert found.health is Health.BAD
    assert "numba" in found.what


def test_a_clock_that_is_set_while_one_looks(monkeypatch):
    times = iter([10**18, 10**18 + 3 * 10**9])
    monkeypatch.setattr(doctor.time, "time_ns", lambda: next(times))
    (found,) = doctor.clock()
    assert found.health is Health.BAD


def test_a_run_folder_that_others_can_write(tmp_path):
    tmp_path.chmod(0o777)
    (found,) = doctor.run_folder(tmp_path)
    assert found.health is Health.BAD
    assert "chmod" in found.remedy


def test_a_latch_is_told_with_its_age(tmp_path):
    pull(tmp_path, by="ada", reason="why", trigger=Trigger.COMMAND, now_ns=time.time_ns() - 60 * 10**9)
    first, second = doctor.kill_switch(tmp_path, needed=True)
    assert first.age_s > 59
    assert "ada" in first.what
    assert second.health is Health.WARNING


def test_a_kill_process_counts_only_while_its_loop_turns(tmp_path):
    seat = Seat.take(tmp_path, "kill")
    heart = Heartbeat(tmp_path, "kill", epoch=seat.epoch)
    (found,) = doctor.kill_switch(tmp_path, needed=True)
    assert found.health is Health.WARNING
    heart.beat(Life.RUNNING)
    (found,) = doctor.kill_switch(tmp_path, needed=True)
    assert found.health is Health.GOOD
    seat.leave()
    (found,) = doctor.kill_switch(tmp_path, needed=True)
    assert found.health is Health.WARNING


def test_a_session_that_died_with_orders_is_told_and_one_that_stopped_is_well(tmp_path):
    seat = Seat.take(tmp_path, "mm", account="demo")
    heart = Heartbeat(tmp_path, "mm", epoch=seat.epoch)
    heart.beat(Life.RUNNING)
    (found,) = doctor_sessions.sessions(tmp_path)
    assert (found.health, "takes no commands" in found.what) == (Health.WARNING, True)
    seat.leave()
    (found,) = doctor_sessions.sessions(tmp_path)
    assert (found.health, "not known that its orders are gone" in found.what) == (Health.BAD, True)
    heart.beat(Life.STOPPED)
    (found,) = doctor_sessions.sessions(tmp_path)
    assert found.health is Health.GOOD


def test_stops_and_holds_are_told_with_how_they_are_lifted(tmp_path):
    stop = pull_scoped(tmp_path, "demo", Level.SESSION, "mm", by="ann", reason="odd", trigger=Trigger.COMMAND)
    (found,) = doctor_sessions.stops(tmp_path)
    assert stop.kill_id in found.remedy
    seat = Seat.take(tmp_path, "mm")
    own = tmp_path / "sessions" / "mm"
    (own / "control.sock").touch()
    (own / "hold.json").write_text('{"reason": "positions differ"}')
    (found,) = doctor_sessions.sessions(tmp_path)
    assert "positions differ" in found.what
    seat.leave()


def test_a_store_is_looked_into(tmp_path):
    url = f"sqlite:///{tmp_path / 'b25.db'}"
    lease, store = examine([("store", lambda: doctor_sessions.store(url))])
    assert (lease.name, store.health) == ("lease", Health.GOOD)
    (tmp_path / "b25.db").write_bytes(b"nothing of the kind" * 100)
    (found,) = examine([("store", lambda: doctor_sessions.store(url))])
    assert found.health is Health.UNKNOWN


@pytest.mark.usefixtures("warm")
def test_the_venue_is_asked_and_its_key_tried(tmp_path):
    with stand(tmp_path, "linear") as here:
        plan = here.plan()

        def seen():
            return {
                one.name: one for one in examine(checks_of(tmp_path / "run", plan)) if "demo" in one.name or one.name == "plan"
            }

        found = seen()
        assert found["venue demo"].health is Health.GOOD
        assert found["key demo"].health is Health.GOOD
        here.fault("clock_offset_ms", ms=5_000)
        assert seen()["venue demo"].health is Health.BAD
        here.clear_faults()
        here.fault("maintenance")
        assert seen()["venue demo"].health is Health.BAD
        here.clear_faults()
        (tmp_path / "kill-key.json").chmod(0o644)
        assert seen()["plan"].health is Health.UNKNOWN
        assert "chmod 600" in seen()["plan"].remedy
        (tmp_path / "kill-key.json").chmod(0o600)
        (tmp_path / "kill-key.json").write_text('{"api_key": "a", "secret": "b"}')
        assert seen()["key demo"].health is Health.BAD
