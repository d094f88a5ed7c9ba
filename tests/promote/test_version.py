"""A frozen version is written whole or not at all, and runs only when every byte is as it was signed."""

import os
import signal
import subprocess
import sys
import textwrap

import orjson
import pytest

from b25.model.errors import Misuse
from b25.promote.signing import KEY, promotion_key
from b25.promote.version import MANIFEST, SIGNATURE, SOURCE, canonical, find, freeze, load, snake, verify, versions
from tests.conftest import ROOT

TEXT = b"""import b25

class Mine(b25.Strategy):
    quantity: float = b25.param(0.01, gt=0)

    def on_book(self, ctx):
        pass
"""
FACTS = {"class": "Mine", "content_id": "c0ffee"}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "live", tmp_path / "secrets"


def frozen(place, text=TEXT):
    root, secrets = place
    return freeze(root, "mine", {SOURCE: text, "proof.json": b"{}"}, FACTS, secrets)


def test_a_version_is_written_once_and_the_next_has_the_next_number(place):
    first, second = frozen(place), frozen(place, TEXT + b"# more\n")
    assert (first.reference, second.reference) == ("mine@1", "mine@2")
    assert second.manifest["predecessor"] is not None
    assert [one.reference for one in versions(place[0])] == ["mine@1", "mine@2"]
    verify(first, place[1])
    verify(second, place[1])


def test_two_versions_of_one_class_live_side_by_side(place):
    first, second = frozen(place), frozen(place, TEXT.replace(b"0.01", b"0.02"))
    classes = [load(one, place[1]) for one in (first, second)]
    assert [cls.params["quantity"].default for cls in classes] == [0.01, 0.02]


@pytest.mark.parametrize("file", [SOURCE, "proof.json", MANIFEST, SIGNATURE])
def test_a_changed_byte_anywhere_keeps_it_from_running(place, file):
    version = frozen(place)
    path = version.folder / file
    path.chmod(0o644)
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)
    with pytest.raises(Misuse, match="mine@1"):
        load(version, place[1])


def test_what_is_gone_or_was_put_there_is_named(place):
    version = frozen(place)
    version.folder.chmod(0o755)
    (version.folder / "extra.py").write_text("")
    with pytest.raises(Misuse, match=r"extra\.py was put there"):
        verify(version, place[1])
    (version.folder / "extra.py").unlink()
    (version.folder / "proof.json").unlink()
    with pytest.raises(Misuse, match=r"proof\.json is gone"):
        verify(version, place[1])


def test_a_manifest_edited_by_hand_with_right_hashes_is_refused(place):
    version = frozen(place)
    path = version.folder / MANIFEST
    path.chmod(0o644)
    path.write_bytes(canonical(orjson.loads(path.read_bytes()) | {"content_id": "other"}))
    with pytest.raises(Misuse, match="not what this installation signed"):
        verify(version, place[1])


def test_another_installations_version_is_refused(place, tmp_path):
    version = frozen(place)
    promotion_key(tmp_path / "others", make=True)
    with pytest.raises(Misuse, match="not what this installation signed"):
        verify(version, tmp_path / "others")
    with pytest.raises(Misuse, match="there is no key"):
        verify(version, tmp_path / "none")


def test_a_version_copied_to_another_number_is_refused(place):
    version = frozen(place)
    os.rename(version.folder, version.folder.with_name("v0009"))
    with pytest.raises(Misuse, match="is that of mine@1"):
        verify(versions(place[0])[0].__class__(version.folder.with_name("v0009"), version.manifest), place[1])


def test_the_key_is_its_owners_only(place):
    frozen(place)
    path = place[1] / KEY
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(Misuse, match="can be read by others"):
        promotion_key(place[1])


def test_kill_9_while_it_is_frozen_leaves_nothing_or_all(tmp_path):
    code = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from b25.promote import version
        steps = int(sys.argv[1])
        real = os.fsync
        def fsync(handle):
            global steps
            steps -= 1
            if steps == 0:
                os.kill(os.getpid(), 9)
            real(handle)
        root = Path(sys.argv[2])
        version.promotion_key(root / "secrets", make=True)
        os.fsync = fsync
        files, facts = {"strategy.py": b"x = 1", "proof.json": b"{}"}, {"class": "Mine", "content_id": "c"}
        version.freeze(root / "live", "mine", files, facts, root / "secrets")
    """)
    seen = set()
    for steps in range(1, 8):
        folder = tmp_path / str(steps)
        folder.mkdir()
        run = subprocess.run([sys.executable, "-c", code, str(steps), str(folder)], cwd=ROOT, check=False)
        found = versions(folder / "live")
        seen.add((run.returncode, len(found)))
        for one in found:
            verify(one, folder / "secrets")
    assert seen == {(-signal.SIGKILL, 0), (-signal.SIGKILL, 1), (0, 1)}


@pytest.mark.parametrize("reference", ["mine", "mine@0", "mine@x", "../mine@1", "Mine@1"])
def test_what_names_no_version_is_refused(place, reference):
    with pytest.raises(Misuse, match="names no version"):
        find(place[0], reference)


def test_an_unknown_version_is_told_with_those_that_are_there(place):
    frozen(place)
    with pytest.raises(Misuse, match=r"there is no version mine@2") as told:
        find(place[0], "mine@2")
    assert "mine@1" in told.value.remedy


@pytest.mark.parametrize(
    ("name", "told"), [("MarketMaker", "market_maker"), ("Lean", "lean"), ("RSICross", "rsi_cross"), ("A1b", "a1b")]
)
def test_a_class_has_a_name_for_its_folder(name, told):
    assert snake(name) == told
