"""The public surface: one short list, and nothing heavy imported before it is needed."""

import json
import subprocess
import sys
import time
from types import ModuleType

import b25

NAMES_MAX = 40
HEAVY = {"numba", "numpy", "pandas", "panel", "ccxt", "matplotlib", "polars", "pyarrow", "IPython", "sqlalchemy"}
IMPORT_S_MAX = 0.5


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_every_public_name_is_listed_once_and_can_be_had():
    assert len(b25.__all__) <= NAMES_MAX
    assert len(set(b25.__all__)) == len(b25.__all__)
    assert [name for name in b25.__all__ if not hasattr(b25, name)] == []


def test_nothing_public_is_left_unlisted():
    loose = {name for name, value in vars(b25).items() if not name.startswith("_") and not isinstance(value, ModuleType)}
    of_ipython = {"load_ipython_extension", "unload_ipython_extension"}
    assert loose - set(b25.__all__) <= {"TYPE_CHECKING", "Any", "import_module", *of_ipython}


def test_an_unknown_name_is_told_as_such():
    assert not hasattr(b25, "no_such_name")


def test_packages_are_reached_by_name_without_an_import_of_their_own():
    assert fresh("import b25; print(b25.notebook.setup.__name__, b25.promote.__name__)").split() == ["setup", "b25.promote"]


def test_import_b25_imports_nothing_heavy():
    loaded = json.loads(fresh("import b25, sys, json; print(json.dumps([m for m in sys.modules if '.' not in m]))"))
    assert HEAVY & set(loaded) == set()


def test_import_b25_takes_less_than_half_a_second():
    fresh("import b25")  # writes the bytecode
    took_s = []
    for _ in range(3):
        begin = time.perf_counter()
        fresh("import b25")
        took_s.append(time.perf_counter() - begin)
    assert min(took_s) < IMPORT_S_MAX


def test_the_help_of_the_command_line_imports_no_compiler_and_no_frames():
    code = "import sys; sys.argv = ['b25', '--help']\nfrom b25.cli import main\nmain()\nprint('\\n', *sys.modules)"
    assert (HEAVY - {"numpy"}) & set(fresh(code).split()) == set()
