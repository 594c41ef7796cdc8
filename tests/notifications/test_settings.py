"""In catch mode mail goes to this machine's mailbox, whatever else is set."""

import os

import pytest

from models.rules.errors import PilotError
from notifications.server import MailServer, Security
from notifications.settings import MailMode, MailSettingError, MailSettingMissingError, MailSettings

#: Enough for mail to leave.
COMPLETE = {"host": "smtp.gov.cn", "from_address": "pilot@hs.gov.cn"}


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("PILOT_MAIL_", "PILOT_SMTP_"))]:
        monkeypatch.delenv(name)


def test_without_settings_mail_is_caught():
    settings = MailSettings.read()

    assert settings.server() == MailServer(host="127.0.0.1", port=2525, is_mailbox=True)


def test_catch_mode_cannot_reach_a_real_server_whatever_else_is_set(monkeypatch):
    for name in ("HOST", "SERVER", "SMTP_HOST", "RELAY"):
        monkeypatch.setenv(f"PILOT_MAIL_{name}", "smtp.qq.com")
    for name, value in {"PORT": "465", "USER": "a", "PASSWORD": "b", "SECURITY": "tls"}.items():
        monkeypatch.setenv(f"PILOT_MAIL_{name}", value)
    monkeypatch.setenv("PILOT_MAIL_MODE", "catch")
    monkeypatch.setenv("PILOT_SMTP_CATCH_PORT", "2626")

    settings = MailSettings.read()
    server = settings.server()

    assert not settings.may_reach("a@qq.com")
    assert server == MailServer(host="127.0.0.1", port=2626, is_mailbox=True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PILOT_MAIL_MODE", "real"),
        ("PILOT_MAIL_PORT", "0"),
        ("PILOT_MAIL_SECURITY", "ssl"),
        ("PILOT_MAIL_PER_MINUTE", "0"),
        ("PILOT_MAIL_SEND_TIMEOUT", "600"),
        ("PILOT_MAIL_DISPATCHERS", "9"),
        ("PILOT_MAIL_ALLOWLIST", "a@example.com, 办公室"),
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


@pytest.mark.parametrize(
    ("given", "variable", "why"),
    [
        ({"host": None}, "PILOT_MAIL_HOST", "没有指定发信服务器"),
        ({"user": "a"}, "PILOT_MAIL_PASSWORD", "指定了登录名而没有密码"),
        ({"password": "b"}, "PILOT_MAIL_USER", "指定了密码而没有登录名"),
        (
            {"user": "a", "password": "b", "security": "none"},
            "PILOT_MAIL_SECURITY",
            "密码不能经未加密的连接发送",
        ),
        ({"password_file": "/nowhere"}, "PILOT_MAIL_PASSWORD_FILE", "密码文件 /nowhere 无法读取"),
        ({"ca_file": "/nowhere"}, "PILOT_MAIL_CA_FILE", "证书文件 /nowhere 不存在"),
        ({"from_address": "pilot@hs.example.com"}, "PILOT_MAIL_FROM_ADDRESS", "是虚构的"),
        ({"mode": "allowlist"}, "PILOT_MAIL_ALLOWLIST", "没有列出可以发送的地址或域名"),
    ],
)
def test_mail_does_not_leave_before_its_settings_are_complete(given, variable, why):
    with pytest.raises(MailSettingMissingError, match=why) as refused:
        MailSettings(**{"mode": "live", **COMPLETE, **given})

    assert refused.value.variable == variable
    assert variable in str(refused.value)
    assert MailSettings(**{**COMPLETE, **given, "mode": "catch"}).server().is_mailbox


def test_the_password_may_be_in_a_file(tmp_path):
    (tmp_path / "password").write_text("geheim\n", "utf-8")

    settings = MailSettings(
        mode="live", **COMPLETE, user="a", password_file=tmp_path / "password", port=2587
    )

    assert settings.server() == MailServer(
        host="smtp.gov.cn", port=2587, security=Security.STARTTLS, user="a", password="geheim"
    )
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize(("security", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_each_way_of_encryption_has_its_port(security, port):
    assert MailSettings(mode="live", **COMPLETE, security=security).server().port == port


def test_the_allow_list_holds_addresses_and_domains():
    settings = MailSettings(
        mode=MailMode.ALLOWLIST, **COMPLETE, allowlist="Lin@example.com；@hs.gov.cn, test.cn"
    )

    reached = ["lin@Example.com", "a@HS.gov.cn", "b@test.cn"]
    kept = ["chen@example.com", "lin@example.com.cn", "a@sub.test.cn", "hs.gov.cn@x.cn"]
    assert [settings.may_reach(address) for address in reached] == [True] * 3
    assert [settings.may_reach(address) for address in kept] == [False] * 4


@pytest.mark.parametrize("mode", MailMode)
def test_nobody_is_reached_but_in_the_modes_that_reach_somebody(mode):
    settings = MailSettings(mode=mode, **COMPLETE, allowlist="test.cn")

    assert settings.may_reach("a@b.cn") is (mode is MailMode.LIVE)
    assert issubclass(MailSettingMissingError, PilotError)


@pytest.mark.parametrize(
    "changed",
    [{"host": "b"}, {"port": 2}, {"security": Security.TLS}, {"user": "v"}, {"from_address": "c"}],
)
def test_a_check_holds_for_one_server_one_login_and_one_sender(changed):
    plain = {"host": "a", "port": 1, "security": Security.NONE, "user": "u", "from_address": "b"}

    def fingerprint(*, from_address, **server):
        return MailServer(**server).fingerprint(from_address)

    assert fingerprint(**plain) == fingerprint(**plain)
    assert fingerprint(**plain) != fingerprint(**{**plain, **changed})


@pytest.mark.parametrize(
    ("variable", "given", "said"),
    [
        ("PILOT_MAIL_MODE", "real", "应为 catch、allowlist、live 之一"),
        ("PILOT_MAIL_SECURITY", "ssl", "应为 none、starttls、tls 之一"),
        ("PILOT_MAIL_PER_MINUTE", "0", "不能小于 1"),
        ("PILOT_MAIL_PORT", "smtp", "应为整数"),
    ],
)
def test_a_setting_that_cannot_be_used_says_what_it_should_be(monkeypatch, variable, given, said):
    monkeypatch.setenv(variable, given)

    with pytest.raises(MailSettingError, match=f"的值 '{given}' 不可用：{said}，请改正后重试"):
        MailSettings.read()
