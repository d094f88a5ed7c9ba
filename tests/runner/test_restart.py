"""A session that is killed goes on where it stood: no order is lost, doubled or orphaned, and its journal replays as one."""

import json
import os
import signal
import subprocess
import sys
import time

from b25.cli import main
from b25.store.journal import END, Reading, read_header
from tests.conftest import ROOT
from tests.runner.crashes import Crashes, broken

KILLS = 5
PATIENCE_S = 90.0


def test_a_session_killed_at_random_instants_loses_nothing(tmp_path, warm):
    with Crashes(tmp_path) as stand:
        for _ in range(KILLS):
            stand.kill()
        facts = stand.last_life()
        assert (facts["halt"], facts["live_orders"], facts["not_certainly_cancelled"]) == (None, 0, []), stand.said()
        found = stand.check()
        assert not broken(found), (found, stand.said())
        assert found["orders"] > KILLS
        assert found["fills"] > 0
        # It ended in order: the same name begins a new journal, with what the strategy holds by the store.
        stand.last_life()
        again = stand.check()
        assert not broken(again), (again, stand.said())
        assert stand.journal.with_name("one.1.journal").exists()
        (opening,) = read_header(stand.journal)["opening"]
        assert opening["fills"] == found["fills"]


def test_b25_run_goes_on_after_kill_9(tmp_path, warm, capsys):
    with Crashes(tmp_path) as stand:
        inside = stand.venue.venue
        keys = {"api_key": stand.told["key"], "secret": stand.told["secret"], "run": "once"}
        (tmp_path / "venue" / "venue-keys.json").write_text(json.dumps(keys))
        words = ["run", stand.strategy, "--mode", "live", "--at", str(tmp_path / "venue"), "--rest-url", inside.rest_url]
        words += ["--plain-url", inside.plain_url, "--name", "one", "--folder", str(tmp_path / "sessions"), "--json"]

        def life(end):
            size = stand.size()
            command = [sys.executable, "-m", "b25", *words]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                until = time.monotonic() + PATIENCE_S
                while stand.size() < size + 200_000:
                    assert time.monotonic() < until, "waited too long"
                    assert process.poll() is None, process.stderr.read()
                    time.sleep(0.05)
                os.kill(process.pid, end)
                out, err = process.communicate(timeout=PATIENCE_S)
            return process.returncode, out, err

        assert life(signal.SIGKILL)[0] == -signal.SIGKILL
        code, out, err = life(signal.SIGINT)
        assert code == 0, err
        assert "going on with" in err
        facts = json.loads(out)
        assert (facts["live_orders"], facts["not_certainly_cancelled"], facts["halt"]) == (0, [], None)
        stand.store = f"sqlite:///{tmp_path / 'venue' / 'stores' / 'once.db'}"
        found = stand.check()
        assert not broken(found), (found, err)
        assert list(Reading(stand.journal))[-1].kind == END
        assert main(["session", "replay", "one", "--folder", str(tmp_path / "sessions"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["agrees"]
