"""The scheduler's process: leads alone, does what is asked and due, beats, and ends in order with whatever it runs."""

import signal
import subprocess
import sys
import time

import pytest

from b25.reports.scheduler import Scheduler
from b25.runner.heartbeat import Life, read_beat
from tests.reports.stand import until

SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def serve(stand, run_folder):
    words = ["report", "serve", "--store", stand.settings.database_url, "--file", str(stand.settings.reports_file)]
    code = "import sys; from b25.cli import main; sys.exit(main(sys.argv[1:]))"
    import os
    from pathlib import Path

    root = str(Path(__file__).resolve().parents[2])
    told = {**os.environ, "PYTHONPATH": root, "B25_REPORTS_FOLDER": str(stand.settings.reports_folder)}
    told["B25_SECRETS_FOLDER"] = str(stand.settings.secrets_folder)
    command = [sys.executable, "-c", code, *words, "--folder", str(run_folder)]
    return subprocess.Popen(command, env=told, cwd=stand.folder, **SILENT)


@pytest.mark.slow
def test_of_two_processes_one_leads_runs_once_and_ends_in_order(stand):
    stand.define("quick", "open('ran', 'a').write('x')\nprint('well')")
    stand.define("long", "import time\ntime.sleep(60)")
    places = [stand.folder / "run", stand.folder / "other"]
    processes = [serve(stand, place) for place in places]
    try:
        row = stand.desk.ask("quick", {}, by="test", origin="api")
        done = until(lambda: (one := stand.desk.run(row["id"]))["state"] not in ("queued", "running") and one)
        assert done["state"] == "ok"
        assert len(stand.desk.runs.runs("quick")) == 1
        beat = read_beat(places[0], "scheduler")
        assert beat.life is Life.RUNNING
        row = stand.desk.ask("long", {}, by="test", origin="api")
        until(lambda: stand.desk.run(row["id"])["state"] == "running" and stand.half_made())
        for one in processes:
            one.send_signal(signal.SIGTERM)
        assert [one.wait(60) for one in processes] == [0, 0]
        ended = stand.desk.run(row["id"])
        assert (ended["state"], ended["error_name"]) == ("failed", "Stopped")
        assert stand.half_made() == []
        assert [one["attempt"] for one in stand.desk.runs.runs("long", states=["queued"])] == [2]
        assert read_beat(places[0], "scheduler").life is Life.STOPPED
        assert not stand.desk.is_led()
    finally:
        for one in processes:
            if one.poll() is None:
                one.kill()
                one.wait()


def test_a_file_that_is_wrong_leaves_in_force_what_held_before(stand):
    said = []
    scheduler = Scheduler(stand.settings, stand.store, lambda event, **facts: said.append(event))
    scheduler.tick()
    assert scheduler.reports == {}
    stand.define("daily", "print(1)", more='schedule = "0 7 * * *"')
    scheduler.tick()
    assert sorted(scheduler.reports) == ["daily"]
    stand.settings.reports_file.write_text("[daily\n")
    scheduler.tick()
    assert sorted(scheduler.reports) == ["daily"]
    assert said[-1].startswith("reports.toml is wrong")


def test_whoever_does_not_lead_enters_and_starts_nothing(stand):
    stand.define("daily", "print(1)")
    now_ns = time.time_ns()
    stand.desk.marks.lead("another", now_ns // 10**6, 60_000)
    stand.desk.ask("daily", {}, by="test", origin="api")
    scheduler = Scheduler(stand.settings, stand.store, lambda *_, **__: None, now_ns=lambda: now_ns)
    scheduler.tick()
    assert (scheduler.is_leader, scheduler.running, scheduler.reports) == (False, [], {})
