"""The demo as its user starts it: real processes, real orders at the simulated venue, and the proof at the end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.conftest import ROOT

LONGEST_S = 400  # kernels may have to be compiled first, beside other tests


def started(folder, *words):
    command = [sys.executable, "-m", "b25", "demo", "--folder", str(folder), "--json", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TERM": "dumb"})


def check(child, told, said):
    assert child.returncode == 0, said.decode()
    facts = orjson.loads(told)
    assert facts["live_orders"] == 0
    assert facts["held"] == {}
    assert facts["not_certainly_cancelled"] == []
    assert facts["replay_agrees"] is True
    page = Path(facts["tearsheet"]).read_text(encoding="utf-8")
    assert facts["session"] in page
    return facts


@pytest.mark.spec("DP-14")
def test_the_short_demo_trades_ends_flat_and_its_replay_agrees(tmp_path):
    child = started(tmp_path, "--smoke", "1")
    told, said = child.communicate(timeout=LONGEST_S)
    facts = check(child, told, said)
    assert facts["fills"] > 0
    assert facts["why"] == "20 s are over"
    assert b"AGREES" in said


def test_interrupted_it_ends_in_order(tmp_path):
    child = started(tmp_path, "--seconds", "0")
    try:
        seen = b""
        for line in child.stderr:  # until it tells that an order works
            seen += line
            if b" orders, " in line and b" 0 orders, " not in line:
                break
        child.send_signal(signal.SIGINT)
        told, said = child.communicate(timeout=LONGEST_S)
    finally:
        child.kill()
    facts = check(child, told, seen + said)
    assert facts["why"] == "SIGINT"


def test_a_second_demo_in_the_same_folder_knows_nothing_of_the_first_ones_trades(tmp_path):
    """Each run of the venue counts its trades from one again: with one store for both, the second's would be the first's."""
    counted = []
    for _ in range(2):
        child = started(tmp_path, "--seconds", "8")
        facts = check(child, *child.communicate(timeout=LONGEST_S))
        counted.append(facts["metrics"]["fills"])
        assert facts["fills"] == facts["metrics"]["fills"]
    assert all(counted)


@pytest.mark.parametrize("words", [["--capture", "nowhere.gz", "--symbol", "ETH/USDT:USDT"], ["--capture", "nowhere.gz"]])
def test_a_capture_that_is_not_there_is_told_with_its_name(tmp_path, words):
    child = started(tmp_path, *words)
    told, _ = child.communicate(timeout=LONGEST_S)
    assert child.returncode != 0
    assert "nowhere.gz" in orjson.loads(told)["error"]["what"]
