"""Whatever fault the venue has, a session that trades through it loses, doubles and orphans nothing."""

import os
import random

import pytest

from tests.runner.faulted import FAULTS, under_fault

SEED = int(os.environ.get("B25_FAULTS_SEED", "25"))


@pytest.mark.parametrize("name", random.Random(SEED).sample(sorted(FAULTS), 3))
def test_a_session_that_trades_through_a_fault_keeps_its_books(tmp_path, warm, name):
    found, wrong = under_fault(tmp_path, name, seconds=4.0, seed=SEED)
    assert not wrong, found
    assert found["fills"] > 0
