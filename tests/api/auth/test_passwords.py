"""Passwords: which ones are refused, and how they are kept."""

import pytest

from b25.api.auth import passwords
from b25.api.auth.passwords import NOBODY, Hasher, check_password
from b25.model.errors import Misuse
from tests.api.auth.conftest import GOOD, HOME, add


@pytest.mark.spec("AU-04")
@pytest.mark.parametrize(
    "bad",
    ["short", "1234567", "password", "Password1", "qwertyuiop", "QWERTYUIOP", "iloveyou", "aaaaaaaaaa", "benedict12", "x" * 1025],
)
def test_what_is_short_common_or_the_name_is_refused_without_repeating_it(bad):
    with pytest.raises(Misuse) as caught:
        check_password(bad, "benedict")
    assert bad not in str(caught.value).replace("this password", "").replace("a password", "")


@pytest.mark.parametrize("good", [GOOD, "zg7#kQ2p", "Grüße aus Köln", "日本語のパスワードです"])
def test_there_are_no_rules_of_composition(good):
    check_password(good, "ann")


@pytest.mark.spec("AU-04")
def test_they_are_kept_with_argon2id_of_the_told_cost():
    hasher = Hasher()
    kept = hasher.hash(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hasher.verify(kept, GOOD)
    assert not hasher.verify(kept, GOOD + " ")
    assert not hasher.verify(NOBODY, GOOD)
    assert not hasher.verify("no hash", GOOD)
    assert hasher.hash(GOOD) != kept


def test_the_same_letters_however_they_are_composed(cheap):
    hasher = Hasher()
    assert hasher.verify(hasher.hash("Gru\u0308\u00dfe aus Ko\u0308ln"), "Grüße aus Köln")


def test_one_that_was_kept_with_less_is_kept_anew_when_it_is_next_told(access, monkeypatch):
    add(access, "bob")
    monkeypatch.setattr(passwords, "TIME_COST", 2)
    access.means.hasher.__init__()
    access.sign_ins.sign_in("bob", GOOD, "", HOME)
    access.means.standing.reload()
    assert "t=2" in access.means.standing.people["bob"].password
    assert access.sign_ins.sign_in("bob", GOOD, "", HOME)
