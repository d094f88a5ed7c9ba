"""JupyterLab: open doors are refused wherever they were opened, and a kernel sees no key; its own key is a researcher's."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from b25.model.errors import Misuse
from b25.notebook.lab_guard import kernel_environment, refuse_open_doors, refuse_privileged
from tests.conftest import ROOT

CANARIES = {
    "BINANCE_API_KEY": "c4n4ry-name-1", "EXCHANGE_SECRET": "c4n4ry-name-2", "B25_EXCHANGE__BINANCE": "c4n4ry-name-3",
    "MY_PASSWORD": "c4n4ry-name-4", "JUPYTER_TOKEN": "c4n4ry-name-5", 
    "HARMLESS": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjYW5hcnkifQ.c4n4ry",
    "B25_DATABASE_URL": "postgresql://b25:c4n4ry@127.0.0.1/b25", "SERVICE": "b25_0123456789ab_c4n4ryc4n4ryc4n4ryc4n4ry",
    "SSH_AUTH_SOCK": "/run/c4n4ry",
}  # fmt: skip


def server(**more):
    facts = {
        "ip": "127.0.0.1", "allow_origin": "", "allow_origin_pat": "", "disable_check_xsrf": False, "allow_remote_access": False,
        "identity_provider": SimpleNamespace(token="a" * 48),
    }  # fmt: skip
    return SimpleNamespace(**facts | more)


def test_what_is_closed_may_start():
    refuse_open_doors(server())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ip": "0.0.0.0"}, "not this machine alone"),  # noqa: S104 - refused
        ({"ip": "*"}, "not this machine alone"),
        ({"identity_provider": SimpleNamespace(token="")}, "token is empty"),
        ({"identity_provider": SimpleNamespace(token="abc")}, "shorter"),  # noqa: S106 - refused
        ({"allow_origin": "*"}, "allow_origin"),
        ({"allow_origin_pat": ".*"}, "allow_origin_pat"),
        ({"disable_check_xsrf": True}, "disable_check_xsrf"),
        ({"allow_remote_access": True}, "allow_remote_access"),
    ],
)
def test_an_open_door_is_named(more, said):
    with pytest.raises(Misuse, match=said) as fault:
        refuse_open_doors(server(**more))
    assert fault.value.remedy


def test_root_is_refused_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Misuse, match="as root"):
        refuse_privileged(allow_root=False)
    refuse_privileged(allow_root=True)


def test_no_secret_is_left_and_what_a_kernel_needs_is():
    kept = kernel_environment(CANARIES | {"PATH": "/bin", "HOME": "/h", "B25_SECRETS_FOLDER": "/s", "KEYBOARD": "de"})
    assert kept == {"PATH": "/bin", "HOME": "/h", "B25_SECRETS_FOLDER": "/s", "KEYBOARD": "de"}


def lab(folder, *words, **environment):
    command = [sys.executable, "-m", "b25", "lab", "--no-browser", "--port", "0", *words]
    given = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(folder / "jupyter"), **CANARIES, **environment}
    return subprocess.Popen(command, cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    ("config", "words", "said"),
    [({}, ["--ServerApp.ip=0.0.0.0"], "not this machine"), ({"IdentityProvider": {"token": ""}}, [], "token is empty")],
)
def test_a_door_opened_by_a_word_or_by_a_file_ends_it(tmp_path, config, words, said):
    (tmp_path / "jupyter").mkdir()
    (tmp_path / "jupyter" / "jupyter_server_config.json").write_text(json.dumps(config))
    process = lab(tmp_path, "--allow-root", *words)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 4, told
    assert said in told


def test_a_kernel_of_it_sees_no_canary_and_nobody_enters_without_the_token(tmp_path):
    process = lab(tmp_path, "--allow-root")
    try:
        until_s, address = time.monotonic() + 120, ""
        while not address and time.monotonic() < until_s:
            line = process.stdout.readline()
            address = line.strip() if line.startswith("http://127.0.0.1") else ""
        base, _, token = address.partition("?token=")
        base = base.partition("/lab")[0]
        assert len(token) >= 32
        until(lambda: httpx.get(f"{base}/api").status_code == 200)
        assert httpx.get(f"{base}/api/kernels").status_code in (401, 403)
        headers = {"Authorization": f"token {token}"}
        made = httpx.post(f"{base}/api/kernels", headers=headers, json={"name": "python3"}, timeout=60)
        assert made.status_code == 201, made.text
        environment = kernel_environ(tmp_path, made.json()["id"])
        assert "c4n4ry" not in environment
        assert token not in environment
        assert f"B25_TOKEN_FILE={tmp_path}/data/secrets/notebook.token" in environment
        httpx.delete(f"{base}/api/kernels/{made.json()['id']}", headers=headers, timeout=60)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def until(so, patience_s=60.0):
    end_s = time.monotonic() + patience_s
    while True:
        try:
            if so():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end_s
        time.sleep(0.2)


def kernel_environ(folder, kernel_id):
    """The environment of a kernel's process, as the machine tells it."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if kernel_id in path.read_text():
                    return path.with_name("environ").read_text().replace("\0", "\n")
            except OSError:
                continue
        time.sleep(0.2)
    raise AssertionError("no kernel")
