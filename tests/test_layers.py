"""What import-linter's contracts cannot say: kernels import nothing but kernels, the model, numpy and numba."""

import ast
from pathlib import Path

# llvmlite is what numba speaks to (one bit-scan instruction); ctypes names the types of addresses.
ALLOWED = {"numpy", "numba", "llvmlite", "ctypes", "math", "typing", "collections"}
# Read where machine code is cached, before any kernel exists.
BEFORE_THE_KERNELS = {"build.py", "jit.py"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or ".")
    return names


def may_import(name: str) -> bool:
    package, _, rest = name.partition(".")
    return rest.partition(".")[0] in ("kernels", "model") if package == "b25" else package in ALLOWED


def test_a_kernel_imports_only_kernels_the_model_numpy_and_numba(root):
    paths = [path for path in (root / "b25" / "kernels").rglob("*.py") if path.name not in BEFORE_THE_KERNELS]
    assert paths
    wrong = {path.name: sorted(name for name in imported(path) if not may_import(name)) for path in paths}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_a_strategy_imports_b25_and_nothing_below_it(root):
    wrong = {}
    for path in (root / "strategies").rglob("*.py"):
        below = [name for name in imported(path) if name.startswith("b25.")]
        if below:
            wrong[path.name] = below
    assert wrong == {}
