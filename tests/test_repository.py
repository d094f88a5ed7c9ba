"""What is true of the repository as a whole: locks without addresses, no machine's paths, a README that names its commands."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import b25
from bootstrap import EXTRAS, HELP, TARGETS

HEADLINE = (
    "jupyterlab", "ipywidgets", "panel", "pandas", "polars", "numba", "ccxt", "sqlalchemy", "papermill", "pytest", "nbval",
)  # fmt: skip
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+))? \\$")
# A public registry's host is spelt in pieces, so that this file does not hold it either.
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "anaconda" + ".org")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/[\w.-]+|[A-Z]:\\Users\\")


@pytest.fixture(scope="module")
def tracked(root):
    """Every file under version control that holds text."""
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    paths = [root / name for name in names.split("\0") if name and (root / name).is_file()]
    return [path for path in paths if b"\0" not in path.read_bytes()[:8192]]


@pytest.fixture(scope="module")
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text())


def pins(lock: Path) -> dict[str, list[re.Match[str]]]:
    found: dict[str, list[re.Match[str]]] = {}
    for line in lock.read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match["name"]), []).append(match)
    return found


def requirements(pyproject, extras) -> list[Requirement]:
    """What the project asks for with these extras; an extra that names another one of ours is followed."""
    project = pyproject["project"]
    lines = list(project["dependencies"])
    waiting = list(extras)
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            requirement = Requirement(line)
            if requirement.name == "b25":
                waiting += requirement.extras
            else:
                lines.append(line)
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name", ["run", "dev"])
def test_a_lock_satisfies_what_pyproject_asks_for(root, pyproject, name):
    locked = pins(root / "requirements" / f"{name}.lock.txt")
    wrong = []
    for requirement in requirements(pyproject, EXTRAS[name]):
        versions = [match["version"] for match in locked.get(canonicalize_name(requirement.name), [])]
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            wrong.append(f"{requirement}: locked {versions or 'nowhere'}; run `make lock`")
    assert wrong == []


@pytest.mark.spec("S9")
@pytest.mark.parametrize("name", ["run", "dev"])
def test_a_lock_holds_a_hash_for_every_package_and_no_address(root, name):
    text = (root / "requirements" / f"{name}.lock.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links|--trusted-host)", text, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_run_lock_is_part_of_the_dev_lock(root):
    # Not by the whole line: a package that one lock wants on some Pythons only may be wanted on all by the other.
    everything, run = (
        {(name, match["version"]) for name, found in pins(root / "requirements" / f"{lock}.lock.txt").items() for match in found}
        for lock in ("dev", "run")
    )
    assert run - everything == set()


def test_the_build_backend_is_in_the_run_lock(root, pyproject):
    backend = Requirement(pyproject["build-system"]["requires"][0])
    (pin,) = pins(root / "requirements" / "run.lock.txt")[canonicalize_name(backend.name)]
    assert backend.specifier.contains(Version(pin["version"]))


def test_no_lock_that_records_addresses_is_kept(tracked):
    assert [path.name for path in tracked if path.name == "uv.lock" or re.fullmatch(r"pylock(\..+)?\.toml", path.name)] == []


@pytest.mark.spec("DP-N7")
def test_no_tracked_file_names_a_package_registry_or_a_path_of_a_machine(tracked):
    found = []
    for path in tracked:
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path}: {host}" for host in REGISTRIES if host in text]
        found += [f"{path}: {match.group()}" for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_conda_takes_python_alone_and_the_rest_from_the_lock(root, pyproject):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    python, pip, from_pip = environment["dependencies"]
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert pip == "pip"
    assert from_pip == {"pip": ["-r requirements/dev.lock.txt"]}
    assert Version(python.removeprefix("python=")) >= Version(pyproject["project"]["requires-python"].removeprefix(">="))


@pytest.mark.parametrize("name", HEADLINE)
def test_what_the_product_names_is_locked_and_can_be_imported(root, name):
    assert name in pins(root / "requirements" / "dev.lock.txt")
    code = f"import warnings; warnings.simplefilter('ignore'); import {name}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_the_version_is_said_once_for_people_and_once_for_packaging(pyproject):
    assert b25.__version__ == pyproject["project"]["version"]


def test_every_tutorial_is_stored_with_what_it_shows(root):
    untold = {}
    for path in sorted((root / "notebooks" / "tutorials").glob("*.ipynb")):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        if not any(cell["outputs"] for cell in cells):
            untold[path.name] = "no output at all"
        elif any(cell["execution_count"] is None for cell in cells if "".join(cell["source"]).strip()):
            untold[path.name] = "a cell was not run"
    assert untold == {}, "run `make nb-refresh`"


def test_every_target_is_in_the_makefile_and_has_a_line_of_help(root):
    line = re.search(r"^TARGETS := (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert line is not None
    assert set(line[1].split()) == set(TARGETS) == set(HELP)


def test_the_readme_names_the_commands_of_the_first_minutes(root):
    readme = (root / "README.md").read_text()
    assert [command for command in ("make demo", "make test", "make lab") if command not in readme] == []


def test_every_folder_of_the_top_level_says_what_belongs_there(root):
    folders = ("data", "notebooks", "strategies", "dashboards", "benchmarks")
    assert [folder for folder in folders if not (root / folder / "README.md").is_file()] == []


def test_every_package_says_in_one_sentence_why_it_exists(root):
    packages = sorted({path.parent for path in (root / "b25").rglob("*.py")})
    assert [str(folder) for folder in packages if not (folder / "__init__.py").is_file()] == []


def test_every_command_can_be_registered():
    from b25.cli import command_names

    modules = [importlib.import_module(f"b25.cli.{name.replace('-', '_')}") for name in command_names()]
    assert [module.__name__ for module in modules if not callable(getattr(module, "register", None))] == []
