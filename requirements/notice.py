"""Write THIRD_PARTY.md: every package that is installed with b25, its licence, and the text of that licence."""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==")
LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|notice|authors)", re.IGNORECASE)


def texts(package: Distribution) -> dict[str, str]:
    """The licence files of a wheel, by name."""
    found = {}
    for path in package.files or []:
        if ".dist-info" in path.parts[0] and LICENCE_FILE.match(path.name):
            found["/".join(path.parts[1:])] = Path(str(path.locate())).read_text(encoding="utf-8", errors="replace")
    return found


def licence_of(package: Distribution) -> str:
    """What the metadata says: the expression, or the classifiers, or the first line of the free text."""
    metadata = package.metadata
    classes = [value.rpartition(" :: ")[2] for value in metadata.get_all("Classifier") or [] if "License ::" in value]
    free = (metadata.get("License") or "not said").strip().splitlines()[0]
    return metadata.get("License-Expression") or ", ".join(classes) or free


def notice(names: list[str]) -> str:
    """The whole of THIRD_PARTY.md; a licence text that several packages share stands once."""
    parts = ["# Third parties\nWhat is installed with b25 (`requirements/run.lock.txt`). Made by `make lock`.\n"]
    stands_at: dict[str, str] = {}
    for name in names:
        package = distribution(name)
        title = f"{name} {package.version}"
        parts.append(f"## {title}\nLicence: {licence_of(package)}\n")
        for file, text in texts(package).items():
            key = re.sub(r"\s+", " ", text).strip()
            if key in stands_at:
                parts.append(f"{file}: the same text as in {stands_at[key]}\n")
            else:
                stands_at[key] = title
                lines = "\n".join("    " + line.rstrip() if line.strip() else "" for line in text.strip("\n").splitlines())
                parts.append(f"{file}:\n\n{lines}\n")
    return "\n".join(parts)


def main() -> int:
    """Write the file for the packages of the run lock that are installed here."""
    lock = (ROOT / "requirements" / "run.lock.txt").read_text().splitlines()
    names = sorted({match[1] for line in lock if (match := PIN.match(line)) and "win32" not in line})
    try:
        (ROOT / "THIRD_PARTY.md").write_text(notice(names), encoding="utf-8")
    except PackageNotFoundError as missing:
        sys.exit(f"b25: {missing}; install the new lock first: make test ARGS=--version, then make lock")
    return 0


if __name__ == "__main__":
    sys.exit(main())
