"""What the sender makes of a real server's answers, delays and broken connections."""

import logging
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from models.rules.mail import Attempt, MailOutcome
from notifications import smtp
from notifications.message import build_message
from notifications.render import render
from notifications.samples import OPENED
from notifications.server import MailServer, Security
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tests.smtp_server import HangUp, Reply, SmtpServer, Wait

ACCEPTED, TRY_AGAIN, REFUSED = MailOutcome


@pytest.fixture(params=[False, True], ids=["one by one", "pipelining"])
def mail_server(request):
    with SmtpServer(is_pipelining=request.param) as server:
        yield server


def a_message(number=1, to_address="lin@example.com"):
    return build_message(
        render(OPENED),
        MailSettings(),
        to_name="林晓",
        to_address=to_address,
        message_id=f"<{number}@example.com>",
        date=datetime(2024, 3, 25, tzinfo=UTC),
        trial=None,
    )


def at(port, **changes):
    return Sender(MailSettings(), MailServer(host="127.0.0.1", port=port, **changes))


def test_an_accepted_mail_brings_the_servers_own_words(mail_server, sender):
    attempt = sender.send(a_message())

    assert attempt == Attempt(
        outcome=ACCEPTED,
        code=250,
        server=f"127.0.0.1:{mail_server.port}",
        reason="服务器已接收",
        detail="2.0.0 Ok: queued as 0001",
        is_caught=True,  # the settings of a trial: this server stands for the local mailbox
    )
    [mail] = mail_server.received
    assert (mail.to_address, mail.message_id) == ("lin@example.com", "<1@example.com>")
    assert mail.message["Subject"] == render(OPENED).subject


def test_many_mails_go_over_one_connection(mail_server, sender):
    for number in range(5):
        sender.send(a_message(number))

    assert [mail.message_id for mail in mail_server.received] == [
        f"<{n}@example.com>" for n in range(5)
    ]
    assert mail_server.connections == 1


@pytest.mark.parametrize(
    ("at_stage", "words", "outcome", "code", "reason"),
    [
        ("at_recipient", "550 5.1.1 no such user", REFUSED, 550, "收件地址不存在或拒收"),
        ("at_recipient", "552 5.2.2 mailbox full", REFUSED, 552, "收件信箱已满或邮件过大"),
        ("at_recipient", "599 what", REFUSED, 599, "邮件被服务器拒绝"),
        ("at_recipient", "450 4.2.1 greylisted", TRY_AGAIN, 450, "收件信箱暂不可用"),
        ("at_recipient", "499 what", TRY_AGAIN, 499, "邮件服务器要求稍后再试"),
        ("at_data", "550 5.1.1 no such user", REFUSED, 550, "收件地址不存在或拒收"),
        ("at_data", "554 5.7.1 looks like spam", REFUSED, 554, "邮件被服务器拒绝"),
        ("at_data", "451 4.3.0 later", TRY_AGAIN, 451, "邮件服务器暂时出错"),
    ],
)
def test_what_is_said_of_one_mail_ends_or_delays_that_mail_only(
    mail_server, sender, at_stage, words, outcome, code, reason
):
    getattr(mail_server, at_stage)["lin@example.com"].append(Reply(words))

    attempt = sender.send(a_message())
    following = sender.send(a_message(2, "chen@example.com"))

    assert attempt == Attempt(
        outcome=outcome,
        code=code,
        server=f"127.0.0.1:{mail_server.port}",
        reason=f"{reason}（lin@example.com，服务器代码 {code}）",
        detail=words[4:],
        is_address_dead=words == "550 5.1.1 no such user" and at_stage == "at_recipient",
        is_caught=True,
    )
    assert (following.outcome, mail_server.connections) == (ACCEPTED, 1)
    assert [mail.message_id for mail in mail_server.received] == ["<2@example.com>"]


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ("550 5.7.1 you are on a list", 550, "邮件服务器不接受发件地址"),
        ("530 5.7.0 authenticate first", 530, "邮件服务器不接受发件地址"),
        ("421 4.3.2 closing", 421, "邮件服务器暂停服务"),
    ],
)
def test_a_server_that_does_not_like_us_loses_no_mail(mail_server, sender, words, code, reason):
    mail_server.at_sender.append(Reply(words))

    attempt = sender.send(a_message())

    assert attempt == Attempt(
        outcome=TRY_AGAIN,
        code=code,
        server=f"127.0.0.1:{mail_server.port}",
        reason=f"{reason}：127.0.0.1:{mail_server.port}（服务器代码 {code}）",
        detail=words[4:],
        is_caught=True,
        is_servers_fault=True,
    )
    assert sender.send(a_message(2)).outcome is ACCEPTED


def test_a_mail_too_large_for_the_server_is_not_sent_again_and_again(mail_server, sender):
    mail_server.at_sender.append(Reply("552 5.3.4 message too big"))

    attempt = sender.send(a_message())

    assert (attempt.outcome, attempt.is_servers_fault) == (REFUSED, False)
    assert attempt.reason == "收件信箱已满或邮件过大（lin@example.com，服务器代码 552）"


@pytest.mark.parametrize("is_kept_by_server", [True, False])
def test_a_connection_broken_while_a_mail_is_under_way_is_not_tried_at_once(
    mail_server, sender, is_kept_by_server
):
    sender.send(a_message(1))
    mail_server.at_data["lin@example.com"].append(HangUp(kept=is_kept_by_server))

    attempt = sender.send(a_message(2))

    assert (attempt.outcome, attempt.code, attempt.is_servers_fault) == (TRY_AGAIN, None, True)
    assert attempt.reason == f"邮件服务器中途断开连接：127.0.0.1:{mail_server.port}"
    assert len(mail_server.received) == 1 + is_kept_by_server
    assert sender.send(a_message(3)).outcome is ACCEPTED


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(mail_server, sender):
    sender.send(a_message(1))
    mail_server.hang_up()

    assert sender.send(a_message(2)).outcome is ACCEPTED
    assert mail_server.connections == 2


def test_a_server_that_ends_a_long_dialogue_by_421_is_asked_again_at_once(mail_server, sender):
    sender.send(a_message(1))
    mail_server.at_recipient["lin@example.com"].append(Reply("421 4.7.0 too many mails"))

    assert sender.send(a_message(2)).outcome is ACCEPTED
    assert mail_server.connections == 2


@pytest.mark.parametrize("at_stage", ["at_recipient", "at_data"])
@pytest.mark.parametrize("is_connection_kept", [False, True])
def test_a_slow_server_is_left_after_the_time_out(mail_server, at_stage, is_connection_kept):
    sender = at(mail_server.port, timeout=0.3)
    if is_connection_kept:
        sender.send(a_message(1))
    getattr(mail_server, at_stage)["lin@example.com"].append(Wait(60))

    attempt = sender.send(a_message(2))
    sender.close()

    assert (attempt.outcome, attempt.code, attempt.is_servers_fault) == (TRY_AGAIN, None, True)
    assert attempt.reason == f"邮件服务器没有及时应答：127.0.0.1:{mail_server.port}"
    assert mail_server.connections == 1  # not asked a second time


def test_a_server_that_never_greets_is_left_after_the_time_out():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = at(silent.getsockname()[1], timeout=0.2)

        attempt = sender.send(a_message())

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert attempt.reason.startswith("邮件服务器没有及时应答：")


def test_a_server_that_says_a_little_now_and_then_does_not_hold_a_mail_for_ever(
    mail_server, monkeypatch
):
    monkeypatch.setattr(smtp, "LONGEST_SECONDS", 0.5)
    sender = at(mail_server.port, timeout=0.4)
    mail_server.at_sender.append(Wait(0.3))
    mail_server.at_recipient["lin@example.com"].append(Wait(0.3))

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2, "chen@example.com"))
    sender.close()

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert attempt.reason == f"邮件服务器没有及时应答：127.0.0.1:{mail_server.port}"
    assert following.outcome is ACCEPTED
    assert [mail.to_address for mail in mail_server.received] == ["chen@example.com"]


def test_a_server_that_is_down_is_tried_again_and_found_when_it_is_back():
    with SmtpServer() as mail_server:
        port = mail_server.port
        sender = at(port)
        sender.send(a_message(1))

    attempt = sender.send(a_message(2))

    assert attempt == Attempt(
        outcome=TRY_AGAIN,
        server=f"127.0.0.1:{port}",
        reason=f"连接不上邮件服务器：127.0.0.1:{port}",
        detail="[Errno 111] Connection refused",
        is_servers_fault=True,
    )
    with SmtpServer(port=port) as mail_server:
        assert sender.send(a_message(3)).outcome is ACCEPTED
        sender.close()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_encryption_with_a_login(monkeypatch, certificate, security):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with SmtpServer(
        tls=context, is_tls_from_start=security is Security.TLS, login=("pilot", "secret")
    ) as mail_server:
        right = at(mail_server.port, security=security, user="pilot", password="secret")
        wrong = at(mail_server.port, security=security, user="pilot", password="guess")
        without = at(mail_server.port, security=security, user="pilot")

        attempts = [sender.send(a_message()) for sender in (right, wrong, without)]
        right.close()

    assert [attempt.outcome for attempt in attempts] == [ACCEPTED, TRY_AGAIN, TRY_AGAIN]
    assert [attempt.code for attempt in attempts] == [250, 535, 535]
    reason = f"邮件服务器不接受登录名或密码：127.0.0.1:{mail_server.port}（服务器代码 535）"
    assert [attempt.reason for attempt in attempts[1:]] == [reason, reason]
    assert len(mail_server.received) == 1


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificate, security):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with SmtpServer(tls=context, is_tls_from_start=security is Security.TLS) as mail_server:
        attempt = at(mail_server.port, security=security).send(a_message())

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert attempt.reason == f"邮件服务器的证书无法验证：127.0.0.1:{mail_server.port}"
    assert mail_server.received == []


def test_a_server_without_encryption_gets_nothing_where_encryption_is_asked_for(mail_server):
    attempt = at(mail_server.port, security=Security.STARTTLS).send(a_message())

    assert attempt.outcome is TRY_AGAIN
    assert attempt.reason == f"邮件服务器不支持所要求的加密或登录方式：127.0.0.1:{mail_server.port}"
    assert mail_server.received == []


def test_the_servers_words_are_kept_short_and_printable(mail_server, sender):
    mail_server.at_recipient["lin@example.com"].append(Reply("550 " + "no\x00\x07 " * 300))

    attempt = sender.send(a_message())

    assert attempt.detail == ("no " * 300)[:500]


def test_yagmail_prints_nothing_of_its_own(mail_server, sender, capfd):
    sender.send(a_message())

    assert capfd.readouterr() == ("", "")
    assert [type(handler) for handler in logging.getLogger("yagmail.log").handlers] == [
        logging.NullHandler
    ]


def test_the_sender_is_the_only_module_that_loads_yagmail():
    loaded = subprocess.run(
        [
            sys.executable,
            *("-W", "error", "-c"),
            "import sys, notifications.message, notifications.render; a = 'yagmail' in sys.modules;"
            "import notifications.smtp; print(a, 'yagmail' in sys.modules)",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    assert loaded.stdout == "False True\n"
