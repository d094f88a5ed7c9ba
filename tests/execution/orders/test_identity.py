"""Ids fit every venue, can be read back, and never return."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.execution.orders.identity import DAY_MS, Identity, client_id, identity_of, next_epoch
from b25.model.errors import Misuse
from b25.venue.ccxt.dialect import CLIENT_ID_DEFAULT, CLIENT_IDS

PATTERNS = {**CLIENT_IDS, "any other": CLIENT_ID_DEFAULT}
identities = st.builds(
    Identity, st.integers(0, 1023), st.integers(0, 32_767), st.integers(0, 32**4 - 1), st.integers(0, 36**6 - 1)
)


@pytest.mark.parametrize("venue", PATTERNS)
@given(identity=identities)
def test_an_id_fits_its_venue_and_is_read_back(venue, identity):
    text = client_id(identity, PATTERNS[venue])
    assert re.fullmatch(PATTERNS[venue], text)
    assert identity_of(text) == identity


@given(a=identities, b=identities)
def test_two_orders_never_share_an_id(a, b):
    for pattern in PATTERNS.values():
        assert (a == b) == (client_id(a, pattern) == client_id(b, pattern))


@pytest.mark.parametrize("text", ["", "b25", "x-abc", "b25-0000-a-0", "b25-zzzzz-1-1", "web_123", "b25-00000-a-0 "])
def test_what_is_not_ours_is_not_read_as_ours(text):
    assert identity_of(text) is None


def test_what_fits_no_form_is_refused():
    with pytest.raises(Misuse, match="is a client id of this venue"):
        client_id(Identity(0, 0, 1, 2**32 - 1), r"[a-z0-9]{1,18}")


@pytest.mark.parametrize(
    ("stored", "seen", "wall_ms"), [(7, 0, 0), (0, 7, 0), (0, 0, 7 * DAY_MS), (7, 7, 7 * DAY_MS), (7, 3, 2 * DAY_MS)]
)
def test_an_epoch_is_above_everything_that_remembers_one(stored, seen, wall_ms):
    assert next_epoch(stored, seen, wall_ms) == 8
