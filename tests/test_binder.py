"""environment.yml and Binder install what CI runs on, as far as that can be told without a network."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from b25.cli import command_names
from requirements.install import LOCKS
from tests.test_repository import HEADLINE, pins

SCRIPTS = ("postBuild", "start")


@pytest.fixture(scope="module")
def binder(root):
    return root / ".binder"


def commands(path):
    """The lines of a script that do something, in words."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [shlex.split(line) for line in lines]


def from_pip(path):
    """The lines that conda hands to pip, relative to the file that they stand in."""
    (pip,) = [one["pip"] for one in yaml.safe_load(path.read_text())["dependencies"] if isinstance(one, dict)]
    return pip


def test_both_ask_for_the_same(root, binder):
    ours, theirs = (yaml.safe_load(path.read_text()) for path in (root / "environment.yml", binder / "environment.yml"))
    assert ours["dependencies"][:2] == theirs["dependencies"][:2]
    assert (ours["name"], ours["channels"]) == (theirs["name"], theirs["channels"])


@pytest.mark.parametrize("place", [".", ".binder"])
def test_what_pip_is_pointed_at_is_the_lock_with_its_hashes(root, place):
    (line,) = from_pip(root / place / "environment.yml")
    option, _, file = line.partition(" ")
    assert option == "-r"
    assert (root / place / file).resolve() == LOCKS["dev"].resolve()
    assert set(HEADLINE) <= set(pins(LOCKS["dev"]))


def test_the_python_is_the_one_that_the_lock_was_made_for(root, binder):
    asked = {
        str(yaml.safe_load(path.read_text())["dependencies"][0])
        for path in (root / "environment.yml", binder / "environment.yml")
    }
    made_for = re.search(r'"--python-version", "([\d.]+)"', (root / "bootstrap.py").read_text())
    assert made_for is not None
    assert asked == {f"python={made_for[1]}"}


def test_the_packages_here_are_those_of_the_lock():
    """What conda would install is what these tests run on."""
    from importlib.metadata import version

    locked = pins(LOCKS["dev"])
    other = {name: version(name) for name in HEADLINE if version(name) not in {match["version"] for match in locked[name]}}
    assert other == {}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_run_and_ends_at_the_first_fault(binder, name):
    path = binder / name
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    assert ["set", "-euo", "pipefail"] in commands(path)
    subprocess.run(["bash", "-n", path], check=True)


def test_what_it_calls_is_there(binder):
    called = [words for words in commands(binder / "postBuild") if words[0] == "python"]
    assert {words[2] for words in called} == {"pip", "b25"}
    assert [words[2] for words in called if importlib.util.find_spec(words[2]) is None] == []
    assert [words[3] for words in called if words[2] == "b25" and words[3] not in (*command_names(), "--version")] == []
    (install,) = [words for words in called if words[2] == "pip"]
    assert {"--no-deps", "--no-build-isolation"} <= set(install), "nothing but the lock decides what is installed"


def test_start_hands_on_to_what_it_is_given(root, binder):
    code = "import os, sys; print(os.environ['B25_CACHE_DIR']); sys.exit(7)"
    environment = {name: value for name, value in os.environ.items() if name != "B25_CACHE_DIR"}
    done = subprocess.run(
        [binder / "start", sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (7, str(root / ".cache" / "kernels"))
