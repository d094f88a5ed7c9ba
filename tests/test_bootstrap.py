"""The way in: an old Python is told so, a target is found, the stamp decides, a tampered package is refused."""

import os
import runpy
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import bootstrap
from requirements import install


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with an empty environment and two small locks, instead of this one."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    locks = {name: tmp_path / "requirements" / f"{name}.lock.txt" for name in ("run", "dev")}
    for name, lock in locks.items():
        lock.write_text(f"{name}==1 \\\n    --hash=sha256:00\n")
    env = tmp_path / ".venv"
    env.mkdir()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "ENV", env)
    monkeypatch.setattr(install, "LOCKS", locks)
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    return tmp_path


def stamp(name: str) -> None:
    install.stamp_file(name).write_text(install.stamp_of(name))


def test_an_old_python_is_told_so_in_one_line(root, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setattr(sys, "version", "3.9.18 (main)")
    with pytest.raises(SystemExit) as refusal:
        runpy.run_path(str(root / "bootstrap.py"))
    assert str(refusal.value) == "b25 needs Python 3.11 or newer; this is 3.9.18"


def test_the_way_in_can_be_parsed_by_an_old_python(root):
    import ast

    ast.parse((root / "bootstrap.py").read_text(), feature_version=(3, 7))


def test_an_unknown_target_is_refused_with_the_known_ones():
    with pytest.raises(SystemExit, match="unknown target 'dmeo'; use one of demo, test"):
        bootstrap.main(["dmeo"])


def test_a_word_that_is_no_assignment_is_refused():
    with pytest.raises(SystemExit, match=r"'file\.gz' is not of the form NAME=value"):
        bootstrap.main(["demo", "file.gz"])


def test_what_make_was_given_reaches_the_demo_as_options(monkeypatch):
    became = []
    monkeypatch.setattr(bootstrap, "ensure_environment", lambda name: became.append(name))
    monkeypatch.setattr(bootstrap, "become", lambda words: became.extend(words))
    bootstrap.main(["demo", "CAPTURE=a file.gz", "SYMBOL=ETH/USDT:USDT"])
    demo = ["-m", "b25", "demo", "--capture", "a file.gz", "--symbol", "ETH/USDT:USDT"]
    assert became == ["run", bootstrap.PYTHON, *demo]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_hands_over_what_stands_on_its_command_line_and_not_the_environment(root):
    words = ["make", "-n", "demo", "PYTHON=py", "CAPTURE=it's.gz", "SYMBOL=ETH/USDT:USDT"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment["VENUE"] = "elsewhere"
    shown = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.split("bootstrap.py ")[1].split() == ["demo", "'CAPTURE=it'\\''s.gz'", "'SYMBOL=ETH/USDT:USDT'"]


def test_without_a_stamp_nothing_is_ready(project):
    assert not install.is_ready("run")


def test_the_dev_stamp_is_good_for_the_demo_and_not_the_other_way_round(project):
    stamp("run")
    assert (install.is_ready("run"), install.is_ready("dev")) == (True, False)
    stamp("dev")
    install.stamp_file("run").unlink()
    assert (install.is_ready("run"), install.is_ready("dev")) == (True, True)


@pytest.mark.parametrize("changed", ["requirements/run.lock.txt", "pyproject.toml"])
def test_a_changed_lock_or_project_asks_for_a_new_installation(project, changed):
    stamp("run")
    (project / changed).write_text("# changed\n")
    assert not install.is_ready("run")


def test_another_python_asks_for_a_new_installation(project, monkeypatch):
    stamp("run")
    monkeypatch.setattr(sys, "version", "3.99.0")
    assert not install.is_ready("run")


def test_a_ready_environment_is_left_alone(project, monkeypatch):
    stamp("run")
    monkeypatch.setattr(install, "install", lambda name: pytest.fail("installed again"))
    install.ensure_environment("run")


def test_a_failed_installation_leaves_no_stamp_and_says_what_to_do(project, monkeypatch):
    stamp("dev")
    install.LOCKS["dev"].write_text("changed==1 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(install, "find_installer", lambda: ([sys.executable, "-c", "raise SystemExit('no such package')"], {}))
    monkeypatch.setattr(bootstrap, "TARGETS", {"test": lambda options: install.ensure_environment("dev")})
    with pytest.raises(SystemExit) as refusal:
        bootstrap.main(["test"])
    assert "no such package" in str(refusal.value)
    assert "run `make test` again" in str(refusal.value)
    assert not any(install.stamp_file(name).exists() for name in install.LOCKS)


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_an_interrupted_installation_leaves_no_process_behind():
    grandchild = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", grandchild], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()  # by now there are two
        install.end_group(child)
        assert child.stdout.read() == b""  # ends only when the last process that holds the pipe has ended


def wheel(folder: Path, content: str) -> Path:
    """The smallest wheel that can be installed: one module, its metadata, its record."""
    import zipfile

    folder.mkdir(exist_ok=True)
    path = folder / "tiny-1.0-py3-none-any.whl"
    files = {
        "tiny.py": content,
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "tiny-1.0.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(record, "".join(f"{name},,\n" for name in [*files, record]))
    return path


@pytest.mark.spec("S9")
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_package_that_differs_from_its_locked_hash_is_refused(project, monkeypatch, installer):
    import hashlib

    genuine = wheel(project / "wheels", "x = 1\n")
    install.LOCKS["run"].write_text(f"tiny==1.0 \\\n    --hash=sha256:{hashlib.sha256(genuine.read_bytes()).hexdigest()}\n")
    monkeypatch.setenv("B25_WHEELS", str(genuine.parent))
    environment = project / "tried"
    venv.create(environment, with_pip=installer == "pip")
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [str(python), "-m", "pip", "install"]
    if installer == "uv":
        command = [sys.executable, "-m", "uv", "pip", "install", "--no-cache", "--python", str(python)]
    command += [*install.sources(), "--require-hashes", "-r", str(install.LOCKS["run"])]

    install.run_logged(command, "installing the genuine one")
    wheel(genuine.parent, "x = 2\n")
    with pytest.raises(install.InstallFailed, match=r"(?i)hash"):
        install.run_logged([*command, "--reinstall" if installer == "uv" else "--force-reinstall"], "installing the other one")


def test_the_block_of_one_package_is_found_in_a_lock(root):
    block = install.lock_block("uv", root / "requirements" / "dev.lock.txt")
    assert block.startswith("uv==")
    assert "--hash=sha256:" in block
    assert sum(not line.startswith(" ") for line in block.splitlines()) == 1


def test_what_pip_would_ask_uv_asks():
    listing = "\n".join(
        [
            "global.index-url='https://one.invalid/simple'",
            "global.extra-index-url='https://two.invalid/simple\\nhttps://three.invalid/simple'",
            "install.find-links='/wheels /more'",
            ":env:.index-url='https://four.invalid/simple'",
            ":env:.default-timeout='180'",
            "global.cert='/etc/certificates.crt'",
        ]
    )
    assert install.uv_words(install.pip_configuration(listing)) == {
        "UV_DEFAULT_INDEX": "https://four.invalid/simple",
        "UV_INDEX": "https://two.invalid/simple https://three.invalid/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/etc/certificates.crt",
    }
