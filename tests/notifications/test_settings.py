"""In catch mode mail goes to this machine's mailbox, whatever else is set."""

import pytest

from notifications.settings import MailServer, MailSettingError, MailSettings


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("MAIL_MODE", "MAIL_FROM_NAME", "MAIL_FROM_ADDRESS", "SMTP_CATCH_PORT"):
        monkeypatch.delenv(f"PILOT_{name}", raising=False)


def test_without_settings_mail_is_caught():
    settings = MailSettings.read()

    assert settings.server() == MailServer(host="127.0.0.1", port=2525)


def test_catch_mode_cannot_reach_a_real_server_whatever_else_is_set(monkeypatch):
    for name in ("HOST", "SERVER", "SMTP_HOST", "RELAY"):
        monkeypatch.setenv(f"PILOT_MAIL_{name}", "smtp.qq.com")
    for name, value in {"PORT": "465", "USER": "a", "PASSWORD": "b", "SECURITY": "tls"}.items():
        monkeypatch.setenv(f"PILOT_MAIL_{name}", value)
    monkeypatch.setenv("PILOT_MAIL_MODE", "catch")
    monkeypatch.setenv("PILOT_SMTP_CATCH_PORT", "2626")

    server = MailSettings.read().server()

    assert server == MailServer(host="127.0.0.1", port=2626)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PILOT_MAIL_MODE", "live"),
        ("PILOT_MAIL_MODE", "CATCH "),
        ("PILOT_MAIL_FROM_ADDRESS", "pilot"),
        ("PILOT_MAIL_FROM_ADDRESS", "a@example.com\r\nBcc: b@example.com"),
        ("PILOT_MAIL_REPLY_TO", "办公室"),
        ("PILOT_SMTP_CATCH_PORT", "0"),
        ("PILOT_SMTP_CATCH_PORT", "smtp.qq.com"),
    ],
)
def test_a_setting_of_no_use_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    with pytest.raises(MailSettingError, match=f"^环境变量 {variable} 的值 .* 不可用"):
        MailSettings.read()


def test_an_empty_setting_is_none(monkeypatch):
    monkeypatch.setenv("PILOT_MAIL_MODE", "")
    monkeypatch.setenv("PILOT_MAIL_FROM_ADDRESS", "")

    assert MailSettings.read() == MailSettings()


def test_a_password_is_never_shown():
    assert "secret" not in repr(MailServer(host="a", port=1, user="u", password="secret"))
