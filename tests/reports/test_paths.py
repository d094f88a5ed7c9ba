"""No name and no parameter moves a run out of its folder."""

import pytest

from b25.model.errors import Misuse
from b25.reports.paths import building_folder, quarantine_folder, run_folder, run_id_of, within

SLOT_NS = 1_767_337_200 * 10**9


def test_a_run_has_its_place_by_report_year_and_month(tmp_path):
    run_id = run_id_of("daily", SLOT_NS, 1)
    assert run_id == "daily-20260102T070000Z-1"
    assert run_id_of("daily", SLOT_NS + 5_000_000, 2) == "daily-20260102T070000005Z-2"
    final = run_folder(tmp_path, "daily", run_id, SLOT_NS)
    assert final == tmp_path / "daily/2026/01/daily-20260102T070000Z-1"
    assert building_folder(final).parent == final.parent
    assert quarantine_folder(tmp_path, run_id).parent == tmp_path / ".quarantine"


@pytest.mark.parametrize(
    "run_id", ["../../x", "daily-20260102T070000Z-1/../x", "", "daily", ".building-daily-20260102T070000Z-1"]
)
def test_an_id_that_is_none_is_refused(tmp_path, run_id):
    with pytest.raises(Misuse, match="names no run"):
        run_folder(tmp_path, "daily", run_id, SLOT_NS)


def test_a_brace_or_a_way_out_is_refused(tmp_path):
    for path in (tmp_path / "{days}" / "x", tmp_path / ".." / "x", tmp_path / "a" / ".." / ".." / "x"):
        with pytest.raises(Misuse):
            within(path, tmp_path)
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(Misuse, match="not inside"):
        within(tmp_path / "link" / "passwd", tmp_path)


def test_a_parameter_changes_no_path(stand):
    stand.define("free", "print(days, name)", params="days: int = 3\nname: str = 'x'")
    row, _ = stand.run("free", name="../../{days}/{x!r}/../../escaped")
    assert row["state"] == "ok"
    assert row["folder"].startswith("free/")
    assert "../../{days}/{x!r}/../../escaped" in (stand.files(row) / "executed.ipynb").read_text()
    outside = [path for path in stand.folder.rglob("*escaped*") if "site-packages" not in str(path)]
    assert outside == []
    assert sorted(path.name for path in stand.settings.reports_folder.iterdir()) == ["free"]
