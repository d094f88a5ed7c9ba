"""Run one target of the Makefile: make the environment from the lock, then become the target. Standard library only.

`make TARGET NAME=value` is `python3 bootstrap.py TARGET NAME=value`. `make demo` installs the small run lock, every other
target the whole one into the same `.venv` (see requirements/install.py).
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("b25 needs Python 3.11 or newer; this is " + sys.version.split()[0])

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from requirements.install import (
    BIN,
    ENV,
    LOCKS,
    PYTHON,
    ROOT,
    InstallFailed,
    ensure_environment,
    find_uv,
    say,
    uv_environment,
)

EXTRAS = {
    "run": ["run"],
    "dev": ["dev", "lab", "dash", "reports", "exchange", "postgres", "store", "search", "ml", "portfolio", "cluster"],
}
NEW_VERSIONS_WAIT = "7 days"  # a release that was tampered with is usually found within days

HELP = {
    "demo": "a market maker live on a simulated venue, one minute; SMOKE=1: 20 s; CAPTURE=file SYMBOL=…: backtest a recording",
    "test": "every test, one closing line; make test ARGS='tests/market -k bridge' for some of them",
    "check": "lint, format, types, layers",
    "bench": "the benchmarks, side by side with their peers",
    "lab": "JupyterLab on the tutorials, on this machine only; as root: make lab ARGS=--allow-root",
    "lock": "resolve pyproject.toml into requirements/*.lock.txt; make lock ARGS=--upgrade for newer versions",
    "nb-refresh": "run the tutorials and store their outputs",
    "clean": "remove .venv and the caches; data/ stays",
}

Options = dict[str, str]


def demo(options: Options) -> NoReturn:
    ensure_environment("run")
    words = shlex.split(options.pop("ARGS", ""))
    for name, value in options.items():
        words += [f"--{name.lower().replace('_', '-')}", value]
    become([PYTHON, "-m", "b25", "demo", *words])


def test(options: Options) -> NoReturn:
    ensure_environment("dev")
    become([PYTHON, ROOT / "tests" / "run.py", *shlex.split(options.get("ARGS", ""))])


def check(options: Options) -> int:
    ensure_environment("dev")
    steps: dict[str, list[str | Path]] = {
        "lint": [PYTHON, "-m", "ruff", "check", "."],
        "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "types": [PYTHON, "-m", "mypy"],
        "layers": [BIN / "lint-imports"],
    }
    failed = []
    for name, command in steps.items():
        say(name)
        if subprocess.run([str(word) for word in command], cwd=ROOT, env=child_environment()).returncode != 0:
            failed.append(name)
    say("check failed: " + ", ".join(failed) if failed else "check passed: " + ", ".join(steps))
    return 1 if failed else 0


def bench(options: Options) -> NoReturn:
    ensure_environment("dev")
    become([PYTHON, ROOT / "benchmarks" / "run.py", *shlex.split(options.get("ARGS", ""))])


def lab(options: Options) -> NoReturn:
    ensure_environment("dev")
    become([PYTHON, "-m", "b25", "lab", *shlex.split(options.get("ARGS", ""))])


def nb_refresh(options: Options) -> int:
    ensure_environment("dev")
    words = shlex.split(options.get("ARGS", ""))
    # A tutorial says how often its data were tried: each run begins with an empty log, and leaves nothing in data/.
    with tempfile.TemporaryDirectory(prefix="b25-") as folder:
        places = {name: str(Path(folder) / name.lower()) for name in ("B25_TRIALS", "B25_SWEEPS")}
        command = [str(word) for word in (PYTHON, ROOT / "notebooks" / "refresh.py", *words)]
        return subprocess.run(command, cwd=ROOT, env=child_environment() | places).returncode


def lock(options: Options) -> int:
    """Resolve into requirements/; the files hold names, versions and hashes, and no address."""
    if LOCKS["dev"].exists():
        ensure_environment("dev")
    uv = find_uv()
    if uv is None:
        sys.exit("b25: `make lock` needs uv on PATH")
    environment = {**uv_environment(), "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    for additional in ("UV_INDEX", "UV_FIND_LINKS"):  # what one machine adds is not to be had everywhere
        environment.pop(additional, None)
    for name in ("dev", "run"):
        command = [uv, "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--quiet"]
        command += ["--generate-hashes", "--no-emit-index-url", "--exclude-newer", NEW_VERSIONS_WAIT]
        command += [word for extra in EXTRAS[name] for word in ("--extra", extra)]
        command += ["-o", str(LOCKS[name].relative_to(ROOT)), *shlex.split(options.get("ARGS", ""))]
        if name == "run":
            command += ["--constraint", str(LOCKS["dev"].relative_to(ROOT))]
        say(f"resolving requirements/{name}.lock.txt")
        if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
            return 1
    ensure_environment("dev")
    say("writing THIRD_PARTY.md")
    return subprocess.run([PYTHON, ROOT / "requirements" / "notice.py"], cwd=ROOT).returncode


def clean(options: Options) -> int:
    for folder in (".venv", ".cache", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", ".import_linter_cache"):
        shutil.rmtree(ROOT / folder, ignore_errors=True)
    for folder in ("b25", "tests", "benchmarks", "strategies"):
        for cache in (ROOT / folder).rglob("__pycache__"):
            shutil.rmtree(cache, ignore_errors=True)
    say("removed .venv and the caches")
    return 0


TARGETS = {
    "demo": demo,
    "test": test,
    "check": check,
    "bench": bench,
    "lab": lab,
    "lock": lock,
    "nb-refresh": nb_refresh,
    "clean": clean,
}


def child_environment() -> dict[str, str]:
    environment = {**os.environ, "PATH": str(BIN) + os.pathsep + os.environ.get("PATH", ""), "VIRTUAL_ENV": str(ENV)}
    environment.pop("PYTHONHOME", None)
    return environment


def become(command: Sequence[str | Path]) -> NoReturn:
    """Turn this process into the target, so that Ctrl-C and signals reach it without a go-between."""
    words = [str(word) for word in command]
    sys.stdout.flush()
    os.chdir(ROOT)
    if os.name != "nt":
        os.execve(words[0], words, child_environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the console sends Ctrl-C to the child as well, which ends by it
    sys.exit(subprocess.run(words, env=child_environment()).returncode)


def main(words: Sequence[str]) -> int:
    """Run one target: the first word; the others are NAME=value."""
    target = words[0] if words else "help"
    if target == "help":
        print("\n".join(f"make {name:<11} {text}" for name, text in HELP.items()))
        return 0
    if target not in TARGETS:
        sys.exit(f"b25: unknown target {target!r}; use one of {', '.join(TARGETS)}")
    wrong = [word for word in words[1:] if not word.partition("=")[0].isupper()]
    if wrong:
        sys.exit(f"b25: {wrong[0]!r} is not of the form NAME=value")
    options = {name: value for name, _, value in (word.partition("=") for word in words[1:])}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in its background without one
    try:
        return TARGETS[target](options)
    except InstallFailed as fault:
        sys.exit(
            f"b25: {fault}\n  remedy: the packages come from where your pip or uv is set up to look; see that it can reach them,"
            f" then run `make {target}` again.\n  Without a network: B25_WHEELS=folder-of-wheels make {target}."
            " If a hash does not match, do not install: the file is not the one that was locked."
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
