"""reports.toml: what is wrong is named with its place, the rule, and what may have been meant."""

import pytest

from b25.reports.definition import read_reports, report_of
from b25.reports.refusals import BadReport, NoReport

HEAD = '[daily]\nnotebook = "daily.ipynb"\n'


def read(tmp_path, text):
    path = tmp_path / "reports.toml"
    path.write_text(text)
    return read_reports(path)


def test_the_example_of_its_own_file_is_right(tmp_path):
    import b25.reports.definition as module

    example = "\n".join(line.strip() for line in module.__doc__.splitlines()[1:] if line.startswith("    "))
    daily = read(tmp_path, example)["daily"]
    assert (daily.schedule, daily.catch_up, daily.keep.last) == ("0 7 * * mon-fri", "latest", 30)
    assert daily.params == {"symbols": ["BTC/USDT:USDT"], "lookback_days": 30}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('schedul = "0 7 * * *"', "did you mean schedule"), ('schedule = "0 7 * * 1-5"', "write mon-fri"),
        ('timezone = "Berlin"', "no time zone"), ("timeout_s = 0", "greater than or equal to 1"),
        ("timeout_s = 'soon'", "valid integer"),
        ("memory_mb = 1", "128"), ('catch_up = "some"', "latest"), ("keep = { lst = 3 }", "did you mean last"),
        ('secrets = ["../SMTP"]', "pattern"), ('notify = ["always"]', "failure"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, more, says):
    with pytest.raises(BadReport, match=says) as found:
        read(tmp_path, HEAD + more)
    assert "[daily]" in str(found.value)
    assert found.value.exit_code == 4


@pytest.mark.parametrize("path", ["../up.ipynb", "/etc/x.ipynb", "a{days}.ipynb", "x.py"])
def test_a_notebook_is_inside_and_has_no_brace(tmp_path, path):
    with pytest.raises(BadReport, match=r"give the path of an \.ipynb"):
        read(tmp_path, f'[daily]\nnotebook = "{path}"\n')


@pytest.mark.parametrize("name", ["runs", "compare", "Daily", "a.b", '"../x"'])
def test_a_name_is_fit_for_a_folder_and_an_address(tmp_path, name):
    with pytest.raises(BadReport):
        read(tmp_path, f'[{name}]\nnotebook = "daily.ipynb"\n')


def test_a_file_that_is_missing_or_torn_says_so(tmp_path):
    with pytest.raises(BadReport, match="there is no"):
        read_reports(tmp_path / "none.toml")
    with pytest.raises(BadReport, match="cannot be read"):
        read(tmp_path, "[daily")
    with pytest.raises(NoReport, match="there is no report") as found:
        report_of(read(tmp_path, HEAD), "daly")
    assert found.value.remedy == "did you mean daily?"
