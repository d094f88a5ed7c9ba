"""Keys of the installation: private, random, replaced without throwing anybody out; secrets that do not show themselves."""

import pickle
import stat
import subprocess
import sys

import keyring
import keyring.backend
import orjson
import pytest

from b25.api.auth.access_token import AccessTokens
from b25.api.auth.key_ring import EXAMPLES, FILE, open_keys, rotate_keys
from b25.api.auth.secret import Secret
from b25.api.problems import Problem
from b25.model.errors import Halt, Misuse
from tests.api.auth.conftest import NOW_NS


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "secrets"


@pytest.mark.spec("AU-02")
def test_they_are_made_once_and_only_their_owner_reads_them(folder):
    first = open_keys(folder, NOW_NS)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert open_keys(folder, NOW_NS + 1).newest.seed == first.newest.seed
    assert open_keys(folder.with_name("other"), NOW_NS).newest.seed != first.newest.seed


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700])
def test_a_file_that_others_can_read_is_refused(folder, mode):
    open_keys(folder, NOW_NS)
    (folder / FILE).chmod(mode)
    with pytest.raises(Misuse, match="not private"):
        open_keys(folder, NOW_NS)


def test_a_folder_that_others_can_look_into_is_refused(folder):
    folder.mkdir(mode=0o755)
    with pytest.raises(Misuse, match="others can look into"):
        open_keys(folder, NOW_NS)


def rewrite(folder, **other):
    told = orjson.loads((folder / FILE).read_bytes())
    told["signing"][0]["seed"] = other.get("seed", told["signing"][0]["seed"])
    told["box"] = other.get("box", told["box"])
    (folder / FILE).write_bytes(orjson.dumps(told))


@pytest.mark.spec("AU-02")
@pytest.mark.spec("AU-N1")
@pytest.mark.parametrize("which", ["seed", "box"])
@pytest.mark.parametrize(
    "value", [*sorted(EXAMPLES)[:2], "00" * 32, "ab" * 32, b"change-me-change-me-change-me-32".hex(), bytes(range(8)).hex() * 4]
)
def test_placeholders_are_refused_and_not_repeated(folder, which, value):
    open_keys(folder, NOW_NS)
    rewrite(folder, **{which: value})
    with pytest.raises(Misuse, match="example or a placeholder") as caught:
        open_keys(folder, NOW_NS)
    assert value not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", '{"signing": [], "box": ""}', '{"signing": [{"kid": 1}]}', "[1]", '{"signing": 3}'])
def test_a_broken_file_is_refused_and_left_as_it_is(folder, text):
    open_keys(folder, NOW_NS)
    (folder / FILE).write_text(text)
    with pytest.raises(Misuse):
        open_keys(folder, NOW_NS)
    assert (folder / FILE).read_text() == text


def test_a_new_key_signs_and_the_old_one_still_verifies_until_it_is_not_needed(folder):
    old = AccessTokens(open_keys(folder, NOW_NS), 600)
    token, _ = old.issue("bob", "s", ("viewer",), now_ns=NOW_NS, ends_ns=NOW_NS + 10**13)
    ring = rotate_keys(folder, NOW_NS, kept_s=3_600)
    new = AccessTokens(open_keys(folder, NOW_NS), 600)
    assert new.ring.newest.kid == ring.newest.kid != old.ring.newest.kid
    assert new.read(token, now_ns=NOW_NS).name == "bob"
    later = NOW_NS + 3_601 * 10**9
    rotate_keys(folder, later, kept_s=3_600)
    with pytest.raises(Problem):
        AccessTokens(open_keys(folder, later), 600).read(token, now_ns=NOW_NS)
    assert len(open_keys(folder, later).signing) == 2
    sealed = open_keys(folder, later).seal("seed", "bob")
    assert ring.unseal(sealed, "bob") == "seed"


def test_what_is_sealed_is_read_only_here_and_for_the_same_person(folder):
    ring = open_keys(folder, NOW_NS)
    sealed = ring.seal("seed", "bob")
    assert ring.unseal(sealed, "bob") == "seed"
    assert "seed" not in sealed
    for other, name in ((ring, "ann"), (open_keys(folder.with_name("other"), NOW_NS), "bob")):
        with pytest.raises(Halt):
            other.unseal(sealed, name)


class Kept(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self):
        super().__init__()
        self.held = {}

    def get_password(self, service, username):
        return self.held.get((service, username))

    def set_password(self, service, username, password):
        self.held[service, username] = password

    def delete_password(self, service, username):
        del self.held[service, username]


def test_they_can_lie_in_the_keyring_of_the_system(folder, monkeypatch):
    kept, before = Kept(), keyring.get_keyring()
    keyring.set_keyring(kept)
    try:
        first = open_keys(folder, NOW_NS, keyring="b25-test")
        assert open_keys(folder, NOW_NS, keyring="b25-test").newest.seed == first.newest.seed
        assert rotate_keys(folder, NOW_NS, kept_s=60, keyring="b25-test").newest.kid != first.newest.kid
        assert not folder.exists()
    finally:
        keyring.set_keyring(before)


@pytest.mark.spec("AU-N5", "DP-N5")
def test_processes_that_start_at_one_moment_have_the_same_keys(folder):
    code = "from pathlib import Path; from b25.api.auth.key_ring import open_keys; "
    code += f"print(open_keys(Path({str(folder)!r}), 1).newest.kid)"
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(3)]
    assert len({child.communicate()[0] for child in children}) == 1
    assert [child.returncode for child in children] == [0] * 3


def test_a_secret_shows_itself_nowhere():
    secret = Secret("hunter2-canary")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", str([secret]), str({"a": secret})]
    shown += [pickle.dumps(secret).decode("latin1"), str(pickle.loads(pickle.dumps(secret)))]  # noqa: S301 - our own
    assert not [one for one in shown if "hunter2" in one]
    assert secret.reveal() == "hunter2-canary"
    assert secret == Secret("hunter2-canary") != Secret("other")
    with pytest.raises(TypeError):
        hash(secret)
