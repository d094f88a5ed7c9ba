"""Secrets: read by who may, found wherever they turn up, named nowhere."""

import base64
import html
import json
from urllib.parse import quote

import pytest

from b25.model.errors import Misuse
from b25.reports.kernel_environment import kernel_environment
from b25.reports.secrets import get
from b25.reports.secrets_scan import known_secrets, secrets_in

PLAIN = 'pa"ss<word>&é-1234'


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "secrets"
    made.mkdir()
    for name, text in (("SMTP", PLAIN), ("pair", "KEY=first-secret-value\nsecond-secret-value\n"), ("short", "abc")):
        (made / name).write_text(text)
        (made / name).chmod(0o600)
    return made


def test_a_report_reads_what_it_may(folder):
    allowed = {"B25_REPORT_SECRETS": "SMTP,other", "B25_SECRETS_FOLDER": str(folder)}
    assert get("SMTP", allowed) == PLAIN
    with pytest.raises(Misuse, match="may not read") as found:
        get("pair", allowed)
    assert "secrets = ['pair']" in found.value.remedy
    with pytest.raises(Misuse, match="may not read"):
        get("SMTP", {"B25_SECRETS_FOLDER": str(folder)})
    (folder / "SMTP").chmod(0o644)
    with pytest.raises(Misuse, match="may be read by others"):
        get("SMTP", allowed)


@pytest.mark.parametrize(
    "form",
    [
        str, html.escape, lambda text: json.dumps(text), lambda text: json.dumps(json.dumps(text)),
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(text.encode()).decode(), lambda text: text.encode().hex(),
    ],
)  # fmt: skip
def test_a_secret_is_found_in_the_forms_in_which_texts_hold_it(tmp_path, folder, form):
    path = tmp_path / "report.html"
    path.write_text(f"<p>{form(PLAIN)}</p>")
    assert secrets_in([path, tmp_path / "none"], known_secrets(folder, {})) == ["file SMTP in report.html"]


def test_what_is_known_and_what_is_not(tmp_path, folder):
    environment = {
        "EXCHANGE_API_KEY": "key-of-an-exchange",
        "B25_DATABASE_URL": "postgresql://u:pass-of-database@h/d",
        "LANG": "C.UTF-8",
    }
    known = known_secrets(folder, environment)
    assert set(known.values()) == {
        PLAIN, "first-secret-value", "second-secret-value", "key-of-an-exchange", "pass-of-database",
        "KEY=first-secret-value\nsecond-secret-value",
    }  # fmt: skip
    clean = tmp_path / "a"
    clean.write_text("abc C.UTF-8 nothing here")
    assert secrets_in([clean], known) == []
    clean.write_text("-----BEGIN PRIVATE KEY-----")
    assert secrets_in([clean], {}) == ["a private key in a"]


def test_the_kernels_environment_is_a_list_of_names(stand):
    told = {"PATH": "/bin", "HOME": "/root", "AWS_SECRET_ACCESS_KEY": "x" * 20, "ANY_NAME": "y" * 20, "TZ": "Europe/Berlin"}
    made = kernel_environment(stand.settings, stand.folder, [], {"variable X": "/root"}, told)
    assert made["TZ"] == "UTC"
    assert made["PATH"] == "/bin"
    assert not {"AWS_SECRET_ACCESS_KEY", "ANY_NAME", "HOME", "B25_SECRETS_FOLDER", "B25_REPORT_SECRETS"} & set(made)
    named = kernel_environment(stand.settings, stand.folder, ["SMTP"], {}, told)
    assert named["B25_REPORT_SECRETS"] == "SMTP"
