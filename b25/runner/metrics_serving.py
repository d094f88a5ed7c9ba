"""Serves the metrics of a run folder over HTTP, for a machine or a pod whose gateway is elsewhere."""

from __future__ import annotations

import hmac
import ipaddress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from b25.model.errors import Misuse
from b25.observe.meter import MEDIA, Meter
from b25.runner.metrics_folder import read_disk, told_in

PATH = "/metrics"
TOKEN_CHARS_MIN = 16


def told_now(folder: Path) -> str:
    """What every process of a folder tells, and how much room is left."""
    meter = Meter("exporter")
    read_disk(folder, meter)
    return told_in(folder, meter)


def serving(folder: Path, host: str, port: int, token_file: Path | None = None) -> ThreadingHTTPServer:
    """Return a server of `/metrics`; have it serve, and close it.

    Parameters
    ----------
    token_file : Path, optional
        Holds what must be sent as ``Authorization: Bearer …``; read at every request, so that it can be changed.

    Raises
    ------
    Misuse
        For another address than loopback without a token.
    """
    if token_file is None and not is_loopback(host):
        raise Misuse(f"metrics on {host} for everybody", remedy="name a file that holds a token: --token-file, or use 127.0.0.1")
    if token_file is not None and not read_token(token_file):
        raise Misuse(f"{token_file} holds no token", remedy="write one of at least 16 characters into it")

    class Answering(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                self.send_error(404)
                return
            told = self.headers.get("Authorization", "").encode()
            if token_file is not None and not hmac.compare_digest(told, b"Bearer " + (read_token(token_file) or b"\0")):
                self.send_error(401)
                return
            body = told_now(folder).encode()
            self.send_response(200)
            self.send_header("Content-Type", MEDIA)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: who scrapes does so every few seconds."""

    return ThreadingHTTPServer((host, port), Answering)


def is_loopback(host: str) -> bool:
    """Whether only this machine, or this pod, reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_token(path: Path) -> bytes:
    """The token in a file; empty for one that is missing or too short to be one."""
    try:
        told = path.read_bytes().strip()
    except OSError:
        return b""
    return told if len(told) >= TOKEN_CHARS_MIN else b""
