"""Secrets by name, by form, and by what they are; and nothing else is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.observe import redaction
from b25.observe.redaction import MASK, hide, hide_environment, is_hidden, redacted, shown

CANARY = "canary-6f1d0b9e77aa"
FORMS = (
    f"GET https://x/order?a=1&signature={CANARY}&b=2",
    f"headers {{'X-MBX-APIKEY': '{CANARY}'}}",
    f"Authorization: Bearer {CANARY}",
    f"authorization='Basic {CANARY}'",
    f"nats://b25:{CANARY}@127.0.0.1:4222",
    f"postgresql+pg8000://b25:{CANARY}@db/b25",
    f'{{"apiKey": "{CANARY}", "secret": "{CANARY}"}}',
    f"listenKey={CANARY}",
    f"password: {CANARY}",
    f"refresh_token={CANARY}; Path=/",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
    f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}",
    f"eyJhbGciOiJFUzI1NiJ9.{CANARY.replace('-', '_')}.abcdefgh",
)


@pytest.fixture(autouse=True)
def forgotten():
    known = dict(redaction._known)
    yield
    redaction._known.clear()
    redaction._known.update(known)
    hide()


@pytest.mark.parametrize("text", FORMS)
def test_a_secret_is_known_by_its_form(text):
    assert CANARY not in redacted(text)
    assert CANARY.replace("-", "_") not in redacted(text)
    assert MASK in redacted(text)


@pytest.mark.parametrize(
    "name", ["api_key", "X-MBX-APIKEY", "Authorization", "db_password", "Set-Cookie", "nats_token", "secret"]
)
def test_a_secret_is_known_by_its_name(name):
    assert is_hidden(name)
    assert shown("body", {name: {"deep": CANARY}}) == {name: MASK}


def test_what_was_hidden_is_found_wherever_it_stands():
    hide(CANARY, "short")
    fault = ValueError(f"binance POST https://x -> {CANARY}!")
    told = shown("facts", {"deep": [{"text": f"<{CANARY}>"}, (fault,), CANARY.encode()], CANARY: 1, "short": "short"})
    assert CANARY not in repr(told)
    assert told["short"] == "short"  # too short to be looked for


def test_secrets_of_an_environment_are_hidden():
    hide_environment({"B25_NATS_TOKEN": CANARY, "B25_DATABASE_URL": "postgresql://b25:quite-a-secret@db/b25", "PATH": "/usr/bin"})
    assert redacted(f"{CANARY} quite-a-secret /usr/bin") == f"{MASK} {MASK} /usr/bin"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc 123.,", max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(PLAIN)
def test_what_is_no_secret_stays_as_it_is(value):
    assert shown("", value) == value


@given(st.lists(st.sampled_from(FORMS), max_size=4), st.text("xyz{}[]\"'= ", max_size=20))
def test_a_form_is_known_within_any_text(forms, between):
    text = f" {between} ".join(["", *forms, ""])
    assert CANARY not in redacted(text)
