"""`b25 run` in the foreground: a signal ends it with cancelled orders and a whole journal; `b25 session replay` agrees."""

import json
import signal
import subprocess
import sys
import time

import pytest

from b25.cli import main
from b25.runner.kill_latch import Trigger, pull
from b25.store.journal import END, Reading
from tests.conftest import ROOT

STRATEGY = "strategies/market_maker.py:MarketMaker"
PATIENCE_S = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_live_session_cleanly(tmp_path, number, capsys):
    words = ["run", STRATEGY, "--mode", "live", "--name", "one", "--folder", str(tmp_path), "--json", "--flatten"]
    words += ["--run-folder", str(tmp_path / "run")]
    words += ["--set", "half_spread_bps=0.02", "--set", "market_spread_bps_min=0"]
    journal = tmp_path / "one.journal"
    with subprocess.Popen(
        [sys.executable, "-m", "b25", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + PATIENCE_S
        while not (journal.exists() and journal.stat().st_size > 60_000):
            assert time.monotonic() < until, "waited too long"
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    facts = json.loads(out)
    assert facts["why"] == signal.Signals(number).name
    assert (facts["live_orders"], facts["not_certainly_cancelled"], facts["halt"]) == (0, [], None)
    assert list(Reading(journal))[-1].kind == END
    assert main(["session", "replay", "one", "--folder", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agrees"]
    assert told["effects"] == facts["effects"] > 0


def test_a_replay_tells_a_divergence_with_its_reason_and_fails(tmp_path, capsys):
    words = ["run", STRATEGY, "--mode", "observe", "--name", "one", "--folder", str(tmp_path), "--for-s", "2", "--json"]
    words += ["--run-folder", str(tmp_path / "run")]
    assert main([*words, "--set", "market_spread_bps_min=0"]) == 0
    capsys.readouterr()
    assert main(["session", "replay", str(tmp_path / "one.journal"), "--as-recorded"]) == 0
    assert "agreement" in capsys.readouterr().out
    assert main(["session", "replay", "one", "--folder", str(tmp_path), "--set", "half_spread_bps=5"]) == 1
    out = capsys.readouterr().out
    assert "DIVERGENCE at event" in out
    assert "because parameter half_spread_bps: was 0.3, now it is 5.0" in out
    assert "before" in out


def test_what_cannot_be_run_or_replayed_is_told(tmp_path, capsys):
    assert main(["run", STRATEGY, "--venue", "binanceusdm", "--mode", "live"]) == 1
    assert "not sent" in capsys.readouterr().err
    assert main(["session", "replay", "nothing", "--folder", str(tmp_path)]) == 2
    assert main(["run", STRATEGY, "--set", "nonsense=1"]) == 1


def test_no_session_starts_live_while_the_kill_switch_is_latched(tmp_path, capsys):
    pull(tmp_path, by="ann", reason="quotes look wrong", trigger=Trigger.COMMAND)
    words = ["run", STRATEGY, "--mode", "live", "--run-folder", str(tmp_path)]
    assert main(words) != 0
    assert "quotes look wrong, by ann" in capsys.readouterr().err
