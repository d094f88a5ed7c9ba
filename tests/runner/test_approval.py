"""Only what somebody approved, exactly as it is now, may trade where approval is asked for."""

import json

import pytest

import b25
from b25.model.errors import Misuse
from b25.runner.approval import check_approved
from b25.strategy.source_key import behaviour_key


class Approved(b25.Strategy):
    def on_book(self, ctx):
        ctx.cancel_all()


class Changed(b25.Strategy):
    def on_book(self, ctx):
        ctx.cancel_all(b25.BUY)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "approved.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({behaviour_key(Approved): {"strategy": "Approved", "by": "ann", "time_ns": 1}}))
    return path


def test_an_approved_strategy_passes_with_its_approval(path):
    assert check_approved(Approved, path)["by"] == "ann"


def test_a_changed_one_an_open_file_and_no_file_do_not(path, tmp_path):
    with pytest.raises(Misuse, match="is not approved"):
        check_approved(Changed, path)
    with pytest.raises(Misuse, match="no file of approvals"):
        check_approved(Approved, tmp_path / "none.json")
    path.chmod(0o666)
    with pytest.raises(Misuse, match="written by others"):
        check_approved(Approved, path)
