"""How a promotion went, in plain text and in a notebook."""

import pytest

from b25.model.errors import Misuse
from b25.promote.steps import STEPS, Course, PromotionReport
from b25.promote.version import SOURCE, freeze


def course():
    told = Course()
    with told.step("lint"):
        told.say("lint", "nothing <found>")
    with pytest.raises(Misuse), told.step("cut"):
        raise Misuse("no such thing", remedy="none")
    told.mark("re-run", "not applicable", "a Python file")
    return told


def test_all_ten_are_told_in_order_with_their_states():
    steps = course().steps()
    assert [one.name for one in steps] == list(STEPS)
    assert len(steps) == 10
    states = {one.name: one.state for one in steps}
    assert (states["lint"], states["cut"], states["re-run"], states["prove"]) == ("ok", "refused", "not applicable", "not done")
    assert {one.name: one.text for one in steps}["cut"] == "no such thing"


def test_a_refusal_is_shown_escaped_and_without_script():
    report = PromotionReport(name="Mine", where="x.ipynb:Mine", steps=course().steps(), refusal="<b>no</b>", warnings=("w<1",))
    bundle = report._repr_mimebundle_()
    assert "Mine was refused" in bundle["text/plain"]
    assert "<b>no</b>" not in bundle["text/html"]
    assert "nothing &lt;found&gt;" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert len(bundle["text/html"]) < 50_000
    assert report.as_dict()["reference"] is None
    assert report.page is None


def test_what_was_frozen_is_named_with_its_report(tmp_path):
    version = freeze(tmp_path / "live", "mine", {SOURCE: b""}, {"class": "Mine", "content_id": "c0ffee"}, tmp_path / "secrets")
    report = PromotionReport(name="Mine", where="x", steps=(), version=version)
    assert report.reference == "mine@1"
    assert report.page == version.folder / "report.html"
    assert "mine@1 is frozen" in report.verdict
