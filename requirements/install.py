"""Make `.venv` from a hashed lock: at the first call, and again whenever the lock, Python or the folder has changed.

A stamp in `.venv` says what it was made for; a failed install leaves none. Packages come from wherever the user's own pip
or uv is configured to look; `B25_WHEELS=folder` takes them from a folder of wheels and from nowhere else.
"""

import ast
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".venv"
BIN = ENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCKS = {name: ROOT / "requirements" / f"{name}.lock.txt" for name in ("run", "dev")}
PROGRESS_S = 5.0
END_S = 3.0  # between asking a command to end and ending it
LOG_LINES_SHOWN = 15
started = time.monotonic()


def say(text: str) -> None:
    """Print one line of progress, with the seconds since the start."""
    print(f"b25 [{time.monotonic() - started:6.1f} s] {text}", flush=True)


class InstallFailed(Exception):
    """The environment could not be made; the message says what to do."""


def stamp_of(name: str) -> str:
    """What `.venv` must be stamped with to be right for a lock: a hash over everything that decides its contents."""
    digest = hashlib.sha256()
    digest.update(LOCKS[name].read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes())
    digest.update(sys.version.encode())
    digest.update(str(ROOT).encode())  # scripts in .venv hold absolute paths: a moved folder needs a new one
    return digest.hexdigest()


def stamp_file(name: str) -> Path:
    return ENV / f"b25.{name}.sha256"


def is_ready(name: str) -> bool:
    """Whether `.venv` holds what the lock asks for; the dev lock holds everything of the run lock."""
    for holder in {name, "dev"}:
        stamp = stamp_file(holder)
        if PYTHON.exists() and stamp.exists() and stamp.read_text() == stamp_of(holder):
            return True
    return False


def ensure_environment(name: str) -> None:
    """Make `.venv` from a lock unless it is there already.

    Parameters
    ----------
    name : str
        Which lock: run or dev.

    Raises
    ------
    InstallFailed
        When the packages could not be had or did not have the locked hashes. No stamp is left.
    """
    if is_ready(name):
        return
    with one_at_a_time():
        if not is_ready(name):
            install(name)


def install(name: str) -> None:
    begin = time.monotonic()
    for stamp in LOCKS:
        stamp_file(stamp).unlink(missing_ok=True)
    begun = ENV / "b25.begun"  # what is in .venv and did not come to its end is not trusted
    made_for = ENV / "b25.python"
    python = f"{sys.version}\n{ROOT}"
    if begun.exists() or not PYTHON.exists() or not made_for.exists() or made_for.read_text() != python:
        say(f"making .venv with Python {sys.version.split()[0]}")
        shutil.rmtree(ENV, ignore_errors=True)
        run_logged([sys.executable, "-m", "venv", str(ENV)], "making .venv")
        made_for.write_text(python)
    begun.touch()
    installer, environment = find_installer()
    lock = LOCKS[name]
    count = sum(line[:1].isalnum() for line in lock.read_text().splitlines())
    what = f"installing {count} packages from requirements/{lock.name}"
    say(f"{what} with {'uv' if 'uv' in Path(installer[0]).name else 'pip'}")
    run_logged([*installer, *sources(), "--require-hashes", "-r", str(lock)], what, environment)
    run_logged([*installer, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], "installing b25", environment)
    begun.unlink()
    stamp_file(name).write_text(stamp_of(name))
    say(f"environment ready: {count} packages in {time.monotonic() - begin:.0f} s")


def sources() -> list[str]:
    """Options that say where packages come from; none unless B25_WHEELS names a folder."""
    wheels = os.environ.get("B25_WHEELS")
    return ["--no-index", "--find-links", str(Path(wheels).resolve())] if wheels else []


def find_installer() -> tuple[list[str], dict[str, str]]:
    """The command that installs, and its environment: uv from PATH, else uv from the lock, else pip.

    uv takes a quarter of pip's time, so it pays to install it first; it is held to the lock's hashes like the rest.
    """
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet"]
    environment = dict(os.environ)
    uv = find_uv()
    if uv is None:
        block = ENV / "b25.uv.txt"
        block.write_text(lock_block("uv", LOCKS["dev"]))
        with contextlib.suppress(InstallFailed):
            run_logged([*pip, *sources(), "--require-hashes", "--no-deps", "-r", str(block)], "installing uv", environment)
            uv = find_uv()
    if uv is None:
        say("uv is not to be had here; pip does it, more slowly")
        return pip, environment
    # Bytecode is written now, because some machines forbid every later start to write it: numba alone then takes seconds more.
    return [uv, "pip", "install", "--compile-bytecode", "--python", str(PYTHON)], uv_environment()


def find_uv() -> str | None:
    """Path of uv, the machine's own or the environment's."""
    return shutil.which("uv") or shutil.which("uv", path=str(BIN))


def lock_block(package: str, lock: Path) -> str:
    """The lines of a lock that pin one package and its hashes."""
    lines = lock.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    return "\n".join(lines[start:end]) + "\n"


def uv_environment() -> dict[str, str]:
    """The environment of this process, with pip's configuration said in uv's words.

    uv does not read pip's configuration. A machine whose packages come from somewhere of its own says so there, so what
    pip would ask, uv asks; what is set for uv itself wins.
    """
    environment = dict(os.environ)
    environment.setdefault("UV_NO_PROGRESS", "1")
    listed = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True)
    for name, value in uv_words(pip_configuration(listed.stdout)).items():
        environment.setdefault(name, value)
    return environment


def pip_configuration(listing: str) -> dict[str, str]:
    """Options out of the lines of `pip config list`; `install.` beats `global.`, the environment beats both."""
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section) and value:
                found[name[len(section) :]] = str(ast.literal_eval(value))
    return found


def uv_words(options: dict[str, str]) -> dict[str, str]:
    """The environment variables that say to uv what these options say to pip."""
    words = {}
    if "index-url" in options:
        words["UV_DEFAULT_INDEX"] = options["index-url"]
    if "extra-index-url" in options:
        words["UV_INDEX"] = " ".join(options["extra-index-url"].split())
        words["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip's own; the hashes keep it safe
    if "find-links" in options:
        words["UV_FIND_LINKS"] = ",".join(options["find-links"].split())
    if "trusted-host" in options:
        words["UV_INSECURE_HOST"] = " ".join(options["trusted-host"].split())
    if "cert" in options:
        words["SSL_CERT_FILE"] = options["cert"]
    if "client-cert" in options:
        words["SSL_CLIENT_CERT"] = options["client-cert"]
    if "proxy" in options:
        words["ALL_PROXY"] = options["proxy"]
    if options.get("no-index", "").lower() in ("1", "true", "yes"):
        words["UV_NO_INDEX"] = "1"
    for name in ("default-timeout", "timeout"):
        if name in options:
            words["UV_HTTP_TIMEOUT"] = str(int(float(options[name])))
    return words


def run_logged(command: Sequence[str], what: str, environment: dict[str, str] | None = None) -> None:
    """Run a command, its output in a log, and say every few seconds that it still works.

    Raises
    ------
    InstallFailed
        When the command fails; with the end of the log.
    """
    ENV.mkdir(exist_ok=True)
    log = ENV / "b25.install.log"
    with open(log, "wb") as sink:
        process = subprocess.Popen(
            command,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=ROOT,
            process_group=None if os.name == "nt" else 0,  # so that what the command starts can be ended with it
        )
        finished = threading.Event()

        def tell() -> None:
            while not finished.wait(PROGRESS_S):
                say(" · ".join([what, *(line.strip()[:80] for line in tail(log)[-1:])]))

        threading.Thread(target=tell, daemon=True).start()
        try:
            code = process.wait()
        finally:
            finished.set()
            if process.poll() is None:  # Ctrl-C or a signal came to us
                end_group(process)
    if code != 0:
        raise InstallFailed("\n".join([f"{what} failed:", *(f"    {line}" for line in tail(log))]))


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command and everything that it started: nicely at first, then by force."""
    if os.name == "nt":
        process.kill()
        process.wait()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):  # the whole group has ended
            os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)


def tail(log: Path) -> list[str]:
    """The last lines of a log that hold anything."""
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-LOG_LINES_SHOWN:]


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two calls at once: the second waits until the first has made the environment. Leaves no file behind."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(__file__, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another call is making .venv; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
