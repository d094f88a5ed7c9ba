"""Channels against real receivers: signed webhook, mail by SMTP, JSON, Slack and Telegram by Apprise; and what they never say."""

import hashlib
import hmac
import logging

import pytest

from b25.config.secret_refs import secret_of
from b25.model.errors import Misuse
from b25.runner.alerts.channels import AppriseChannel, LogChannel, NotAccepted, Outgoing, WebhookChannel, clean
from b25.runner.structured_log import StructuredLog

CANARY = "canary0123456789abcdef"
MESSAGE = Outgoing(
    notification_id="lev/1/firing/2/hook", kind="alert", severity="critical", title="[b25 critical] x", body="<b>body</b>",
    alert_ids=("lev/1",),
)  # fmt: skip


@pytest.mark.spec("NT-01")
def test_a_webhook_is_signed_over_time_and_body(http):
    WebhookChannel("hook", f"http://127.0.0.1:{http.port}/in {CANARY}").send(MESSAGE)
    path, headers, body, _ = http.got[0]
    assert (path, headers["idempotency-key"]) == ("/in", MESSAGE.notification_id)
    stamp, proof = (part.split("=")[1] for part in headers["x-b25-signature"].split(","))
    assert proof == hmac.new(CANARY.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert CANARY.encode() not in body


@pytest.mark.spec("NT-01")
def test_a_mail_arrives(mail):
    AppriseChannel("mail", "mail", f"mailto://127.0.0.1:{mail.port}?from=b25@example.com&to=ann@example.com&mode=insecure").send(
        MESSAGE
    )
    (got,) = mail.got
    assert "[b25 critical] x" in got["Subject"]
    assert got["X-Idempotency-Key"] == MESSAGE.notification_id
    text = "".join(part.get_payload(decode=True).decode() for part in got.walk() if not part.is_multipart())
    assert MESSAGE.notification_id in text
    assert "<b>body" not in text or got.get_content_type() == "text/plain"


@pytest.mark.spec("NT-01")
def test_apprise_posts_json(http):
    AppriseChannel("json", "apprise", f"json://127.0.0.1:{http.port}/in").send(MESSAGE)
    assert http.accepted[0]["title"] == "[b25 critical] x"
    assert http.got[0][1]["x-idempotency-key"] == MESSAGE.notification_id


@pytest.mark.spec("NT-01")
def test_slack_and_telegram(http, monkeypatch):
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.telegram import NotifyTelegram

    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{http.port}/slack")
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{http.port}/bot")
    slack = AppriseChannel("slack", "slack", f"slack://T1JJ3T3L2/A1BRTD4JD/{CANARY}xx/#ops")
    telegram = AppriseChannel("telegram", "telegram", "tgram://123456789:abcdefg_hijklmnop/12315544/")
    slack.send(MESSAGE)
    telegram.send(MESSAGE)
    assert [path.split("/")[1][:5] for path, *_ in http.got] == ["slack", "bot12"]
    assert all("b25 critical" in body.decode() for _, _, body, _ in http.got)


@pytest.mark.spec("NT-N4", "NT-N2")
def test_what_is_not_accepted_is_tried_once_and_says_no_address(http, mail, caplog):
    caplog.set_level(logging.DEBUG)
    http.answers = [500, 302, 500]
    mail.refusals = 1
    for channel in (
        WebhookChannel("a", f"http://127.0.0.1:{http.port}/{CANARY} {CANARY}"),
        WebhookChannel("b", f"http://127.0.0.1:{http.port}/{CANARY} {CANARY}"),
        AppriseChannel("c", "apprise", f"json://user:{CANARY}@127.0.0.1:{http.port}/{CANARY}?retry=5"),
        AppriseChannel("d", "mail", f"mailto://127.0.0.1:{mail.port}?from=b25@example.com&to={CANARY}@example.com&mode=insecure"),
        WebhookChannel("e", f"http://127.0.0.1:1/{CANARY} {CANARY}"),
    ):
        with pytest.raises(NotAccepted) as refused:
            channel.send(MESSAGE)
        assert CANARY not in str(refused.value)
        assert CANARY not in repr(refused.value)
    assert len(http.got) == 3
    told = [one for one in caplog.records if one.name.split(".")[0] in ("apprise", "b25")]
    assert not [one for one in told if CANARY in one.getMessage()]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: WebhookChannel("w", f"http://example.com/in {CANARY}"), "not https"),
        (lambda: WebhookChannel("w", f"https://example.com/{CANARY}"), "no webhook"),
        (lambda: WebhookChannel("w", "https://example.com/ short"), "signing key is short"),
        (lambda: AppriseChannel("m", "mail", f"slack://{CANARY}"), "no address of mail"),
    ],
)
def test_a_wrong_address_is_refused_and_not_repeated(make, says):
    with pytest.raises(Misuse) as refused:
        make()
    assert says in str(refused.value)
    assert CANARY not in str(refused.value)


def test_the_log_is_a_channel(tmp_path):
    LogChannel("log", StructuredLog(tmp_path / "a.jsonl")).send(MESSAGE)
    assert "b25 critical" in (tmp_path / "a.jsonl").read_text()


def test_secrets_come_from_the_environment_a_private_file_or_the_keyring(tmp_path, monkeypatch):
    import keyring

    assert secret_of("env:HOOK", tmp_path, {"HOOK": CANARY}) == CANARY
    path = tmp_path / "hook"
    path.write_text(CANARY + "\n")
    path.chmod(0o644)
    with pytest.raises(Misuse, match="may be read by others") as refused:
        secret_of("file:hook", tmp_path)
    assert CANARY not in str(refused.value)
    path.chmod(0o600)
    assert secret_of("file:hook", tmp_path) == CANARY
    monkeypatch.setattr(keyring, "get_password", lambda service, user: CANARY if (service, user) == ("b25", "hook") else None)
    assert secret_of("keyring:b25/hook", tmp_path) == CANARY
    for wrong in ("env:GONE", "file:gone", "file:../hook", "file:.hook", "keyring:b25/gone", "vault:x"):
        with pytest.raises(Misuse):
            secret_of(wrong, tmp_path, {})


@pytest.mark.spec("NT-N4")
def test_what_leaves_holds_no_secret_by_its_place_and_no_control_character():
    assert clean("a\x00b\x1b[31m signature=geheim") == "a b [31m signature=***"
    assert len(clean("x" * 10_000)) == 4_000
