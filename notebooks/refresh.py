"""Run notebooks in a fresh kernel and store what they show: `make nb-refresh`, or this file with the notebooks' paths.

Tutorials keep their outputs, since the tests compare them. Studies are run to the end and stored without. What differs from
one machine or minute to the next is left out: times of execution, and the patch version of Python.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
LANGUAGE = {"name": "python", "version": "3.11"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_S_MAX = 120


def tidy(book: nbformat.NotebookNode, *, outputs: bool) -> None:
    """Leave in a notebook only what is the same on every machine."""
    book.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in book.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        if cell.cell_type == "code" and not outputs:
            cell.outputs, cell.execution_count = [], None


def refresh(path: Path) -> float:
    """Run one notebook from its own folder, and write it back; returns the seconds that it took."""
    book = nbformat.read(path, as_version=4)
    begin_s = time.monotonic()
    how = {"kernel_name": "python3", "extra_arguments": ["--log-level=ERROR"], "record_timing": False}
    NotebookClient(book, timeout=CELL_S_MAX, resources={"metadata": {"path": str(path.parent)}}, **how).execute()
    tidy(book, outputs=path.parent.name == "tutorials")
    nbformat.write(book, path)
    return time.monotonic() - begin_s


def main(words: list[str]) -> int:
    """Refresh the notebooks named, or all tutorials."""
    for path in [Path(word).resolve() for word in words] or sorted((FOLDER / "tutorials").glob("*.ipynb")):
        print(f"{path.name:<28} {refresh(path):5.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
