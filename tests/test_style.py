"""The house style that can be counted, on every file of the project."""

from pathlib import Path

import pytest

from tests.style import CELL_FUNCTION_LINES_MAX, FUNCTION_LINES_MAX, LINES_MAX, file_faults, long_functions, notebook_faults

FOLDERS = ("b25", "strategies", "dashboards", "tests", "benchmarks", "requirements")


def sources(root: Path) -> list[Path]:
    return [root / "bootstrap.py", *(path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py")))]


def test_no_file_has_a_fault_of_style(root):
    assert [fault for path in sources(root) for fault in file_faults(path)] == []


def test_no_notebook_holds_what_belongs_into_a_file(root):
    notebooks = [path for path in (root / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    assert [fault for path in notebooks for fault in notebook_faults(path)] == []


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("long.py", '"""Why."""\n' + "x = 1\n" * LINES_MAX, "find the second idea"),
        ("order_utils.py", '"""Why."""\n', "name it after what it does"),
        ("silent.py", "import os\n", "begin with the sentence"),
        ("deep.py", '"""Why."""\ndef f():\n' + "    x = 1\n" * (FUNCTION_LINES_MAX + 1), "f has 71 lines"),
    ],
)
def test_a_fault_is_found(tmp_path, name, text, says):
    path = tmp_path / name
    path.write_text(text)
    assert [fault for fault in file_faults(path) if says in fault]


def test_a_docstring_does_not_make_a_function_long():
    docstring = '    """Say.\n' + "    more\n" * 100 + '    """\n'
    assert list(long_functions("def f():\n" + docstring + "    return 1\n", CELL_FUNCTION_LINES_MAX)) == []
