"""`b25 venue` as one starts it: it says where it is and how to get in, serves, and ends in good order."""

import json
import signal
import socket
import stat
import subprocess
import sys

import ccxt
import pytest

from b25.venue.wire.server import Venue, VenueSettings
from tests.venue.wire.venues import order


def start(root, folder, *words):
    command = [sys.executable, "-m", "b25", "venue", "--port", "0", "--tls-port", "0", "--folder", str(folder), "--json", *words]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_serves_and_keeps_its_key(root, tmp_path):
    folder = tmp_path / "venue"
    keys = []
    for _ in range(2):
        with start(root, folder, "--market", "none", "--read-lag-ms", "0") as process:
            facts = json.loads(process.stdout.readline())
            ports = {name: int(facts[url].rpartition(":")[2]) for name, url in (("tls_port", "rest_url"), ("port", "ws_url"))}
            client = ccxt.binance(Venue(VenueSettings(folder=folder, **ports)).ccxt_config(facts["api_key"], facts["secret"]))
            assert client.fetch_balance()["USDT"]["free"] == 100_000
            assert client.create_order("BTC/USDT", "limit", "buy", 0.01, float(order()["price"]))["status"] == "open"
            client.session.close()
            keys.append(facts["api_key"])
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert process.returncode == 0
    assert keys[0] == keys[1]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("words", [("--clock", "lunar"), ("--market", "moon"), ("--scenario", "none.toml")])
def test_nonsense_is_told_at_once(root, tmp_path, words):
    with start(root, tmp_path, *words) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert json.loads(said)["error"]["remedy"]


def test_a_port_that_is_taken_is_told_with_its_number(root, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start(root, tmp_path, "--market", "none", "--port", port) as process:
            said, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert f"127.0.0.1:{port}" in json.loads(said)["error"]["what"]


def test_a_damaged_file_of_keys_is_told(root, tmp_path):
    (tmp_path / "venue-keys.json").write_text("{")
    with start(root, tmp_path, "--market", "none") as process:
        said, _ = process.communicate(timeout=120)
    assert "venue-keys.json" in json.loads(said)["error"]["what"]
