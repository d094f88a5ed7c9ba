"""The server that b25 starts: only with its token, only on loopback, and what keeps it from starting is said."""

import asyncio
import os
import stat
import subprocess
import sys

import pytest

from b25.bus.address import TOKEN_FILE, URL, BusAddress, bus_address, bus_folder
from b25.bus.link import open_link
from b25.bus.server import prepare, server_binary
from b25.model.errors import Misuse, Retry
from tests.bus.conftest import free_port
from tests.bus.stand import quiet


def connected(address):
    async def connect():
        link = await open_link(address, "test", quiet)
        await link.close()
        return link

    return asyncio.run(connect())


def test_the_server_comes_out_of_the_wheel():
    assert server_binary().parent == server_binary().parent.parent / ("Scripts" if os.name == "nt" else "bin")
    assert "nats-server" in subprocess.run([server_binary(), "--version"], capture_output=True, text=True).stdout


def test_it_takes_who_has_the_token_and_refuses_all_others(server):
    assert connected(server.address).client is not None
    for token in ("", "wrong"):
        with pytest.raises(Misuse, match="does not accept the token"):
            connected(BusAddress(server.address.url, token))


def test_the_token_is_its_owners_and_in_no_text(server):
    folder = bus_folder(server.folder)
    for name in ("token", "nats.conf"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert server.address.token not in repr(server.address)


def test_a_bus_that_is_not_there_is_told_at_once():
    with pytest.raises(Retry, match="does not answer"):
        connected(BusAddress(f"nats://127.0.0.1:{free_port()}"))


def test_a_taken_port_is_named(server, tmp_path):
    with pytest.raises(Misuse, match=f"cannot listen on 127.0.0.1:{server.port}"):
        prepare(tmp_path, server.port)
    command = [sys.executable, "-m", "b25.bus.server", "--folder", str(tmp_path), "--port", str(server.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert "remedy" in ended.stderr


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "bus").write_text("a file is in the way")
    with pytest.raises(Misuse, match="cannot write"):
        prepare(tmp_path, free_port())


def test_a_server_without_streams_is_refused(tmp_path):
    port = free_port()
    process = subprocess.Popen([server_binary(), "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        fault: Exception | None = None
        for _ in range(100):
            try:
                connected(BusAddress(f"nats://127.0.0.1:{port}"))
            except (Retry, Misuse) as told:
                fault = told
            if isinstance(fault, Misuse):
                break
        assert "keeps no streams" in str(fault)
    finally:
        process.terminate()
        process.wait(30)


def test_the_address_is_found_by_word_environment_or_folder(tmp_path):
    folder = bus_folder(tmp_path)
    assert bus_address("", tmp_path, {}).token == ""
    folder.mkdir()
    (folder / "token").write_text("ours\n")
    assert bus_address("", tmp_path, {}) == BusAddress("nats://127.0.0.1:14222", "ours")
    elsewhere = "nats://elsewhere:4222"
    assert bus_address(elsewhere, tmp_path, {}) == BusAddress(elsewhere)  # our token is not sent there
    assert bus_address("", tmp_path, {URL: "nats://localhost:1"}) == BusAddress("nats://localhost:1", "ours")
    other = tmp_path / "other"
    other.write_text("theirs")
    assert bus_address(elsewhere, tmp_path, {TOKEN_FILE: str(other)}) == BusAddress(elsewhere, "theirs")
    with pytest.raises(Misuse, match="cannot be read from"):
        bus_address("", tmp_path, {TOKEN_FILE: str(tmp_path / "missing")})


@pytest.mark.parametrize("url", ["", "127.0.0.1:4222", "http://x", "nats://user:secret@host:4222"])
def test_a_strange_address_is_refused_without_showing_a_secret(url):
    with pytest.raises(Misuse) as refused:
        BusAddress(url)
    assert "secret@" not in str(refused.value)
