"""What nbval does not see: whether a notebook's outputs would be compared at all, and what must never be stored in one."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from tests.test_repository import MACHINE_PATHS

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
TUTORIALS = sorted((NOTEBOOKS / "tutorials").glob("*.ipynb"))
STUDIES = sorted((NOTEBOOKS / "research").glob("*.ipynb"))
TEMPLATES = sorted((NOTEBOOKS / "reports").glob("*.ipynb"))
LOOSE = {"nbval-ignore-output", "nbval-skip"}
TAGS = LOOSE | {"nbval-check-output", "nbval-raises-exception", "parameters", "promote", "no-promote", "hide-cell", "hide-input"}
CHARACTERS_MAX = 500_000
COMPARED = ("text/plain", "text/html", "application/vnd.b25")  # pictures and progress are not
ADDRESS = re.compile(r"object at 0x|\bat 0x[0-9a-f]{6,}")
# As scanners of keys know them: a token's prefix, a private key's first line, a long value that is given to a telling name.
SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|xox[abp]-[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY|eyJ[\w-]{10,}\.eyJ"
    r"|(?i:secret|api_?key|token|password)[\"']?\s*[=:]\s*\\?[\"'][\w/+-]{20,}"
)


def names(paths):
    return {"argvalues": paths, "ids": [path.stem for path in paths]}


def read(path):
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def code_of(book):
    return [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]


def faults(path: Path) -> list[str]:
    """What may stand in no notebook, stored with outputs or without."""
    text = path.read_text(encoding="utf-8")
    book = nbformat.from_dict(json.loads(text))  # its own reader mends what is looked for here
    found = [f"{path.name}: {match.group()}" for rule in (ADDRESS, MACHINE_PATHS, SECRET) for match in rule.finditer(text)]
    ids = [cell.get("id", "") for cell in book.cells]
    if (book.nbformat, book.nbformat_minor) < (4, 5) or not all(ids) or len(set(ids)) < len(ids):
        found.append(f"{path.name}: every cell needs an id of its own (nbformat 4.5)")
    if not re.fullmatch(r"3\.\d+", book.metadata.get("language_info", {}).get("version", "")):
        found.append(f"{path.name}: the version of the language is that of this machine; store 3.11")
    if book.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append(f"{path.name}: the kernel is not python3")
    unknown = {tag for cell in book.cells for tag in cell.metadata.get("tags", [])} - TAGS
    found += [f"{path.name}: the tag {tag!r} means nothing here" for tag in sorted(unknown)]
    if any(set(cell.metadata) - {"tags"} for cell in book.cells):
        found.append(f"{path.name}: cells carry what is of this run only; run make nb-refresh")
    if len(text) >= CHARACTERS_MAX:
        found.append(f"{path.name}: {len(text):,} characters; show less, or save pictures smaller")
    return found


def compared(cell) -> bool:
    """Whether nbval would find a difference if this cell showed something else tomorrow."""
    if LOOSE & set(cell.metadata.get("tags", [])):
        return False
    shown = [one for one in cell.outputs if one.output_type in ("execute_result", "display_data")]
    kinds = {kind for one in shown for kind in one.data}
    return any(kind.startswith(COMPARED) for kind in kinds) or any(one.output_type == "stream" for one in cell.outputs)


@pytest.mark.parametrize("path", **names(TUTORIALS + STUDIES + TEMPLATES))
def test_a_notebook_holds_nothing_of_the_machine_that_it_was_run_on(path):
    assert faults(path) == []


@pytest.mark.parametrize("path", **names(TUTORIALS))
def test_a_tutorial_is_stored_as_run_once_from_top_to_bottom(path):
    code = code_of(read(path))
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run make nb-refresh"
    assert not [one.ename for cell in code for one in cell.outputs if one.output_type == "error"]
    assert not [one for cell in code for one in cell.outputs if one.get("name") == "stderr"], "a warning is shown to the reader"


@pytest.mark.parametrize("path", **names(TUTORIALS))
def test_a_tutorial_would_be_compared(path):
    shows = [cell for cell in code_of(read(path)) if cell.outputs]
    held = [cell for cell in shows if compared(cell)]
    assert len(held) >= 3
    assert 2 * len(held) >= len(shows), "most of what it shows is not looked at"


def test_tutorials_are_told_in_order_and_each_is_named_where_readers_look(root):
    numbers = [path.stem.partition("_")[0] for path in TUTORIALS]
    assert numbers == [f"{number:02}" for number in range(1, len(TUTORIALS) + 1)]
    told = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in TUTORIALS + STUDIES if path.name not in told] == []


@pytest.mark.parametrize("path", **names(STUDIES + TEMPLATES))
def test_what_is_run_afresh_is_stored_without_outputs(path):
    assert [cell.id for cell in code_of(read(path)) if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.parametrize("path", **names(STUDIES))
def test_a_study_fixes_its_hypotheses_before_its_results_and_ends_with_a_decision(path):
    book = read(path)
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    order = [text.index(word) for word in ("Question", "Data, and what", "Hypotheses, fixed", "Method", "Result", "Decision")]
    assert order == sorted(order)
    assert re.search(r"would refute", text), "a study says what would show that it is wrong"
    (fixed,) = [number for number, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", [])]
    first_run = next(
        number for number, cell in enumerate(book.cells) if re.search(r"b25\.(backtest|sweep|walk_for)", cell.source)
    )
    assert fixed < first_run
    assert sum(cell.source.count("assert ") for cell in code_of(book)) >= 5, "what the text says is asserted"


@pytest.mark.parametrize("path", **names(TEMPLATES))
def test_a_template_has_one_cell_of_parameters(path):
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in read(path).cells) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda book: book.cells[-1].update(source="key = '" + "AKIA" + "ABCDEFGHIJKLMNOP'"), "AKIA"),
        (lambda book: book.cells[-1].update(source="token = '" + "s" * 32 + "'"), "token"),
        (lambda book: book.cells[-1].update(source="open('/ho" + "me/ann/book.csv')"), "ann"),
        (lambda book: book.cells[-1].update(source="# <Thing object at 0x7f001234>"), "object at"),
        (lambda book: book.cells[-1].update(source="#" * CHARACTERS_MAX), "characters"),
        (lambda book: book.cells[-1].update(id=book.cells[0].id), "id of its own"),
        (lambda book: book.cells[-1].metadata.update(execution={"iopub.status.busy": "now"}), "this run only"),
        (lambda book: book.cells[-1].metadata.update(tags=["parameter"]), "'parameter' means nothing"),
        (lambda book: book.metadata.language_info.update(version="3.11.7"), "store 3.11"),
        (lambda book: book.metadata.kernelspec.update(name="my-kernel"), "not python3"),
    ],
)
def test_a_planted_fault_is_found(tmp_path, change, says):
    book = read(TUTORIALS[0])
    book.cells = book.cells[:2]
    change(book)
    path = tmp_path / "planted.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    assert [fault for fault in faults(path) if says in fault]


def test_a_stripped_tutorial_would_not_be_compared():
    book = read(TUTORIALS[0])
    for cell in code_of(book):
        cell.outputs = []
    assert not any(compared(cell) for cell in code_of(book))
