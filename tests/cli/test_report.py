"""`b25 report`: what it answers, and with which exit code."""

import json

import pytest

from b25.cli import main
from tests.reports.stand import metric, stand_in


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("B25_REPORTS_FOLDER", str(folder / "reports"))
        patch.setenv("B25_DATABASE_URL", f"sqlite:///{folder}/b25.db")
        patch.setenv("B25_SECRETS_FOLDER", str(folder / "secrets"))
        made = stand_in(folder)
        made.define("daily", metric("net", 1.5, "USDT", headline=True), more='schedule = "0 7 * * mon-fri"')
        made.define("broken", "1 / 0")
        yield made
        made.store.close()


def told(capsys, *words):
    code = main(["report", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_reports_are_checked_run_listed_shown_and_compared(stand, capsys):
    code, checked = told(capsys, "check")
    assert (code, [one["name"] for one in checked["reports"]]) == (0, ["daily", "broken"])
    ids = []
    for days in ("7", "8"):
        code, ran = told(capsys, "run", "daily", "-p", f"days={days}")
        assert (code, ran["run"]["state"], ran["run"]["params"]) == (0, "ok", {"days": int(days)})
        assert ran["page"].endswith("report.html")
        ids.append(ran["run"]["id"])
    code, listed = told(capsys, "list", "daily")
    assert [one["id"] for one in listed["runs"]] == ids[::-1]
    code, shown = told(capsys, "show", ids[0])
    assert shown["metrics"][0]["value"] == 1.5
    code, compared = told(capsys, "compare", *ids)
    assert compared["metrics"][0]["change"] == 0.0
    code, due = told(capsys, "schedule", "--count", "2")
    assert (len(due["reports"][0]["next"]), due["reports"][1]["next"], due["is_led"]) == (2, [], False)


def test_a_report_that_fails_ends_with_1_and_names_its_cell(stand, capsys):
    assert main(["report", "run", "broken"]) == 1
    said = capsys.readouterr()
    assert "ZeroDivisionError" in said.out
    assert "1 / 0" in said.out
    assert "cell 2 of" in said.err  # its progress


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("run dayly", 2, "did you mean daily"), ("run daily -p dayz=1", 4, "did you mean days"),
        ("run daily -p days=99", 4, "less than"),
        ("show daily-1", 2, "there is no run"), ("compare daily-1 daily-2", 2, "there is no run"),
        ("list --state good", 1, "no state"),
        ("check --file none.toml", 4, "there is no none.toml"), ("run", 4, "NAME"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_exit_code(stand, capsys, words, code, says):
    found, answer = told(capsys, *words.split())
    assert (found, answer["ok"]) == (code, False)
    assert says.lower() in (answer["error"]["what"] + answer["error"]["remedy"]).lower()
