"""Everything that is installed with b25 has a licence that leaves the choice of ours free; unknown is a failure."""

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

ALLOWED = {
    "MIT", "MIT-0", "MIT-CMU", "0BSD", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "Apache-2.0 WITH LLVM-exception",
    "ISC", "PSF-2.0", "Python-2.0", "Zlib", "CC0-1.0", "CC-BY-4.0", "MPL-2.0", "HPND",
}  # fmt: skip
CLASSIFIED = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ]+)")


def locked(root: Path) -> dict[str, set[str]]:
    """The versions of each package; more than one where the lock forks at a Python version."""
    found: dict[str, set[str]] = {}
    for line in (root / "requirements" / "run.lock.txt").read_text().splitlines():
        if (match := PIN.match(line)) and "win32" not in line:
            found.setdefault(match[1], set()).add(match[2])
    return found


def licences(package: Distribution) -> list[list[str]]:
    """Licences that all hold, each as the list of those one may choose from."""
    free = package.metadata.get("License")
    free = CLASSIFIED.get(free, free)
    said = package.metadata.get("License-Expression") or (free if free in ALLOWED else None)
    if said:
        return [part.strip("() ").split(" OR ") for part in said.split(" AND ")]
    classes = [value.rpartition(" :: ")[2] for value in package.metadata.get_all("Classifier") or [] if "License ::" in value]
    return [[CLASSIFIED.get(name, name)] for name in classes if name != "OSI Approved"]


def test_every_package_of_the_run_lock_has_a_licence_on_the_list(root):
    wrong = {}
    for name in locked(root):
        found = licences(distribution(name))
        if not found or not all(ALLOWED & set(choice) for choice in found):
            wrong[name] = found or distribution(name).metadata.get("License", "nothing said")
    assert wrong == {}


@pytest.mark.parametrize(
    "kept_out", ["vectorbt", "cvxportfolio", "freqtrade", "psycopg", "text-unidecode", "pyphen", "quantstats"]
)
def test_what_is_kept_out_is_in_no_run_lock(root, kept_out):
    assert kept_out not in locked(root)


def test_every_package_of_the_run_lock_is_in_the_notice_of_third_parties(root):
    notice = (root / "THIRD_PARTY.md").read_text(encoding="utf-8")
    titles = set(re.findall(r"^## (.+)$", notice, re.MULTILINE))
    missing = [name for name, versions in locked(root).items() if not titles & {f"{name} {version}" for version in versions}]
    assert missing == [], "run `make lock`"
