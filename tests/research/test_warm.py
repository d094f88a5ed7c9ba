"""The process that compiles the venue's half ends with whoever began it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from b25.research import warm


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """A second process that would go on for ever, and nothing compiled yet."""
    found: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def endless(words: Any, **options: Any) -> subprocess.Popen[bytes]:
        found.append(real([sys.executable, "-c", "import time; time.sleep(3600)"], **options))
        return found[-1]

    monkeypatch.setattr(warm, "marker", lambda: tmp_path / "absent")
    monkeypatch.setattr(warm.subprocess, "Popen", endless)
    return found


def test_a_class_that_fails_leaves_no_process_behind(begun: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), warm.both_halves():
        raise KeyboardInterrupt
    assert [one.poll() is not None for one in begun] == [True]


def test_nothing_is_begun_when_the_venue_was_compiled_before(
    begun: list[subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").touch()
    monkeypatch.setattr(warm, "marker", lambda: tmp_path / "there")
    with warm.both_halves():
        pass
    assert begun == []
