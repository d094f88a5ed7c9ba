"""Journals survive being cut anywhere, tell damage elsewhere, and lose nothing that was acted on when the process is killed."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from b25.model.errors import Misuse, Resync
from b25.model.event import EVENT
from b25.model.order import EFFECT
from b25.store.journal import EFFECTS, END, EVENTS, HEADER, STATE, Journal, Reading, read_header
from tests.conftest import ROOT

KILLED = """
import sys
from pathlib import Path
import numpy as np
from b25.model.event import EVENT
from b25.store.journal import Journal
journal = Journal(Path(sys.argv[1]), {"session": "killed"})
rows = np.zeros(3, EVENT)
for k in range(10**9):
    rows["seq"] = k
    journal.events(rows)
    journal.effects(k, bytes(64))
    print(k, flush=True)
"""


def written(path, count=5):
    journal = Journal(path, {"session": "x", "format": 1})
    for k in range(count):
        rows = np.zeros(k + 1, EVENT)
        rows["seq"], rows["amount"] = k, 7
        journal.events(rows)
        journal.effects(k, np.zeros(2, EFFECT).tobytes())
        journal.state(k, b"positions")
    journal.flush()
    return journal


def test_what_is_written_is_read(tmp_path):
    written(tmp_path / "a.journal").end({"why": "done"})
    records = list(Reading(tmp_path / "a.journal"))
    assert [record.kind for record in records] == [HEADER, *[EVENTS, EFFECTS, STATE] * 5, END]
    assert read_header(tmp_path / "a.journal")["session"] == "x"
    assert records[4].events["seq"].tolist() == [1, 1]
    assert (records[5].seq, len(records[5].effects), records[6].rows) == (1, 2, b"positions")
    assert records[-1].json == {"why": "done"}


def test_cut_at_any_byte_it_gives_a_beginning_of_what_was_written_and_goes_on_from_there(tmp_path):
    path, cut = tmp_path / "whole.journal", tmp_path / "cut.journal"
    written(path, 2).close()
    whole, bytes_ = list(Reading(path)), path.read_bytes()
    for size in range(len(bytes_)):
        cut.write_bytes(bytes_[:size])
        reading = Reading(cut)
        got = list(reading)
        assert got == whole[: len(got)]
        assert reading.at + reading.torn_bytes == size
    cut.write_bytes(bytes_[:-3])
    journal = Journal.resume(cut)
    journal.events(np.ones(1, EVENT))
    journal.close()
    again = list(Reading(cut))
    assert again[:-1] == whole[:-1]
    assert again[-1].kind == EVENTS


def test_damage_in_the_middle_is_told_and_not_skipped(tmp_path):
    path = tmp_path / "a.journal"
    written(path).close()
    whole = path.read_bytes()
    for at in (len(whole) // 3, len(whole) // 2):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Resync, match="is damaged"):
            list(Reading(path))


def test_it_never_writes_over_another_and_reads_nothing_else(tmp_path):
    written(tmp_path / "a.journal").close()
    with pytest.raises(Misuse, match="already"):
        Journal(tmp_path / "a.journal", {})
    (tmp_path / "b.journal").write_bytes(b"something else")
    with pytest.raises(Misuse, match="no journal"):
        list(Reading(tmp_path / "b.journal"))
    with pytest.raises(Misuse, match="cannot be read"):
        list(Reading(tmp_path / "absent.journal"))


def test_killed_at_any_moment_it_has_all_events_that_were_acted_on(tmp_path):
    for k in range(5):
        path = tmp_path / f"{k}.journal"
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.01 * k)
            process.send_signal(signal.SIGKILL)
            acted = [int(line) for line in process.stdout.read().split("\n")[:-1] if line.strip()]
        entered = [int(record.events["seq"][0]) for record in Reading(path) if record.kind == EVENTS]
        assert entered == list(range(len(entered)))
        assert len(entered) > (acted[-1] if acted else 0)
