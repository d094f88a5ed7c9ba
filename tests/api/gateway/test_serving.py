"""The process: what it refuses to serve, its TLS, senders that are slow on purpose, and its end."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from b25.api.serve import check_bind, is_local
from b25.api.tls import Certificate
from b25.config.settings import GatewaySettings
from b25.model.errors import Misuse
from tests.conftest import ROOT

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def certificate(folder, *, begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=90), name="cert", mode=0o600):
    """A certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).add_extension(names, False)
        .serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends).sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / f"{name}.pem", folder / f"{name}-key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(key.private_bytes(*form))
    paths[1].chmod(mode)
    return paths


def settings(host, paths=None):
    tls = {} if paths is None else {"tls_certificate": paths[0], "tls_key": paths[1]}
    return GatewaySettings(host=host, **tls)


@pytest.mark.spec("TL-02")
@pytest.mark.spec("S5")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "192.168.1.10", "0.0.0.0", "::", "desk.example"])  # noqa: S104
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("auth", [False, True])
def test_others_are_let_in_with_tls_and_sign_in_only(tmp_path, host, tls, auth):
    asked = settings(host, certificate(tmp_path) if tls else None)
    if is_local(host) or (tls and auth):
        assert (check_bind(asked, has_auth=auth, now=lambda: NOW) is not None) == tls
    else:
        with pytest.raises(Misuse, match="can be reached by others"):
            check_bind(asked, has_auth=auth, now=lambda: NOW)


@pytest.mark.spec("TL-02")
@pytest.mark.spec("S5")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"ends": NOW - timedelta(seconds=1)}, "expired"),
        ({"begins": NOW + timedelta(days=1)}, "not valid before"),
        ({"mode": 0o640}, "read by others"),
        ({"mode": 0o604}, "read by others"),
    ],
)
def test_a_certificate_that_is_not_fit_stops_the_start(tmp_path, words, says):
    with pytest.raises(Misuse, match=says):
        check_bind(settings("127.0.0.1", certificate(tmp_path, **words)), has_auth=True, now=lambda: NOW)


def test_a_key_of_another_certificate_stops_the_start(tmp_path):
    first, second = certificate(tmp_path), certificate(tmp_path, name="other")
    with pytest.raises(Misuse, match="is not the key of"):
        check_bind(settings("127.0.0.1", (first[0], second[1])), has_auth=True, now=lambda: NOW)
    with pytest.raises(Misuse, match="one of tls_certificate"):
        check_bind(GatewaySettings(tls_certificate=first[0]), has_auth=True)
    with pytest.raises(Misuse, match="every host or origin"):
        check_bind(GatewaySettings(hosts=("*",)), has_auth=True)


@pytest.mark.spec("TL-03")
def test_a_new_certificate_is_taken_and_a_bad_one_is_not(tmp_path):
    paths = certificate(tmp_path)
    made = Certificate(*paths, lambda: NOW)
    assert not made.renew()
    certificate(tmp_path, ends=NOW + timedelta(days=200))
    assert made.renew()
    assert made.expires == NOW + timedelta(days=200)
    certificate(tmp_path, ends=NOW - timedelta(days=1))
    with pytest.raises(Misuse, match="expired"):
        made.renew()
    assert made.expires == NOW + timedelta(days=200)


@pytest.fixture
def start(tmp_path):
    """A function that starts a gateway process: `start(**settings)` gives it and its port."""
    processes = []

    def starting(**words):
        (tmp_path / "run").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.api.gateway.serving", str(tmp_path), *(f"{k}={v}" for k, v in words.items())]
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        processes.append(process)
        for line in process.stdout:
            if line.startswith("listens"):
                return process, int(line.split()[2])
        raise AssertionError(process.stderr.read())

    yield starting
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def said_after(port, *sent):
    """What comes back after a beginning, until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), 60) as line:
        line.settimeout(60)
        for one in sent:
            line.sendall(one)
        got = b""
        try:
            while part := line.recv(65_536):
                got += part
        except ConnectionResetError:
            pass
        return got


@pytest.mark.spec("S11", "GW-15")
def test_a_process_serves_bounds_its_senders_and_ends_in_order(start, tmp_path):
    process, port = start(sockets_max=20)
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    wire.request("GET", "/health/ready")
    told = wire.getresponse()
    assert told.status == 200
    assert {one["name"]: one["state"] for one in json.loads(told.read())["checks"]}["database"] == "ok"
    wire.request("GET", "/api/v1/sessions", headers={"x-test-roles": "viewer"})
    told = wire.getresponse()
    assert (told.status, json.loads(told.read())["data"]) == (200, [])
    head = b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    assert b" 400 " in said_after(port, head + b"X-Long: " + b"a" * 40_000 + b"\r\n\r\n").split(b"\r\n")[0]
    many = b"".join(b"X-%d: 1\r\n" % k for k in range(150))
    assert b" 400 " in said_after(port, head + many + b"\r\n").split(b"\r\n")[0]
    assert b" 400 " in said_after(port, b"nonsense\r\n\r\n").split(b"\r\n")[0]
    # Two hosts, two lengths: what a proxy and we might read differently is refused.
    assert b" 421 " in said_after(port, head + b"Host: evil.example\r\nConnection: close\r\n\r\n").split(b"\r\n")[0]
    both = (
        b"POST /api/v1/risk/emergency-stop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert b" 400 " in said_after(port, both).split(b"\r\n")[0]
    # A head that does not end: closed without an answer, ten seconds later.
    assert said_after(port, head) == b""
    held = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(40)]
    try:
        time.sleep(0.5)
        closed = 0
        for one in held:
            one.setblocking(False)
            try:
                closed += one.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionResetError:
                closed += 1
        assert closed >= 20, "more sockets than were allowed"
    finally:
        for one in held:
            one.close()
    wire.close()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert time.monotonic() - began < 30
    assert not list((tmp_path / "run").glob("*.sock"))


@pytest.mark.spec("GW-10")
def test_a_process_speaks_tls_of_today_only_and_takes_a_new_certificate(start, tmp_path):
    now = datetime.now(UTC)
    paths = certificate(tmp_path, begins=now - timedelta(days=1), ends=now + timedelta(days=90))
    process, port = start(tls_certificate=paths[0], tls_key=paths[1])

    def ask():
        trusting = ssl.create_default_context(cafile=paths[0])
        wire = http.client.HTTPSConnection("localhost", port, timeout=60, context=trusting)
        wire.request("GET", "/version")
        told = wire.getresponse()
        told.read()
        assert told.headers["strict-transport-security"].startswith("max-age=")
        serial = x509.load_der_x509_certificate(wire.sock.getpeercert(True)).serial_number
        wire.close()
        return serial

    first = ask()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLS"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("localhost", port), 60) as line, pytest.raises((ssl.SSLError, OSError)):
        old.wrap_socket(line)
    certificate(tmp_path, begins=now - timedelta(days=1), ends=now + timedelta(days=120))
    until_s = time.monotonic() + 60
    while True:
        try:
            if ask() != first:
                break
        except ssl.SSLError:
            pass  # the file is another already, and the process has not looked yet
        assert time.monotonic() < until_s
        time.sleep(0.5)
    assert process.poll() is None


def test_a_second_gateway_on_a_run_folder_is_refused(start):
    start()
    with pytest.raises(AssertionError, match="runs already"):
        start()
