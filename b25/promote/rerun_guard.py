"""Runs as `sitecustomize` in every Python process of a re-run: no network, no other program, nothing written outside its folders.

It is copied beside the notebook and imports nothing of b25. It guides; it is no sandbox.
"""

import os
import socket
import sys

WORDS = "the re-run has no"  # by these a refusal is known again
FOLDERS = tuple(os.path.realpath(one) for one in os.environ.get("B25_RERUN_FOLDERS", "").split(os.pathsep) if one)
ASKED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
SENT = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
STARTED = ("os.system", "os.exec", "os.posix_spawn", "pty.spawn")
CHANGED = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown")
REFUSED = os.environ.get("B25_RERUN_REFUSED", "")  # what was refused is noted there: a notebook may swallow it, and fail later
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def refusal(text: str) -> PermissionError:
    """Note what is refused, and return the error that says so."""
    if REFUSED:
        with open(REFUSED, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    return PermissionError(text)


def is_ours(path: object, folder: object = -1) -> bool:
    """Whether a path lies where the re-run may write; numbers are files that are open already."""
    if isinstance(path, int):
        return True
    text = os.fsdecode(path)  # type: ignore[arg-type]
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(text):
        text = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), text)
    real = os.path.join(os.path.realpath(os.path.dirname(text) or "."), os.path.basename(text))
    return real.startswith(("/dev/", "/proc/self/")) or any(f"{real}/".startswith(f"{one}/") for one in FOLDERS)


def guard(event: str, args: tuple) -> None:  # type: ignore[type-arg]
    """Refuse what a notebook must do without when it is run again."""
    if event == "open":
        path, mode, flags = args
        writes = flags & WRITES or (isinstance(mode, str) and set(mode) & set("wax+"))
        if writes and not (is_ours(path) and (isinstance(path, int) or is_ours(os.path.realpath(path)))):
            raise refusal(f"{WORDS} right to write {path}: it changes nothing outside its own folder")
    elif event in ASKED or (event in SENT and args[0].family != socket.AF_UNIX):
        told = args[0] if event in ASKED else args[1] if len(args) > 1 else ""
        raise refusal(f"{WORDS} network: {event.removeprefix('socket.')} {told}")
    elif event == "subprocess.Popen":
        program = args[0] or (args[1] if isinstance(args[1], str | bytes) else args[1][0])
        name = os.fsdecode(program)
        if os.path.realpath(name) != os.path.realpath(sys.executable) and name != "uname":  # `platform` asks it for the processor
            raise refusal(f"{WORDS} other programs: {os.fsdecode(program)}")
    elif event in STARTED:
        raise refusal(f"{WORDS} other programs: {event} {args[0]!r}")
    elif event in CHANGED:
        paths = args[:2] if event == "os.rename" else args[1:2] if event in ("os.link", "os.symlink") else args[:1]
        folder = args[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
        if not all(is_ours(one, folder) for one in paths):
            raise refusal(f"{WORDS} right to change {args[0]}: it changes nothing outside its own folder")


if FOLDERS:
    sys.addaudithook(guard)
