"""The commands of a mail in one packet, and what becomes of them when one is refused or cut off."""

import socket
import ssl
from contextlib import contextmanager
from threading import Thread

import pytest

from models.rules.mail import MailOutcome
from notifications.dialogue import Meanwhile, Replies
from notifications.mime import Letter
from notifications.server import MailServer
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tests.notifications.test_smtp import a_message, at
from tests.smtp_server import HangUp, Reply, SmtpServer, Wait

ACCEPTED, TRY_AGAIN, REFUSED = MailOutcome
LIN = "lin@example.com"
PLACES = ("at_sender", "at_recipient", "at_data_command")


@pytest.fixture
def server():
    with SmtpServer() as server:
        yield server


@pytest.fixture
def sender(server):
    sender = Sender(MailSettings(catch_port=server.port))
    yield sender
    sender.close()


class Killed(BaseException):
    """The process is told to stop."""


def killed():
    raise Killed


def tell(server, place, what):
    """Have the server do `what` when it comes to `place` with the mail to Lin."""
    todo = getattr(server, place)
    (todo[LIN] if place in ("at_recipient", "at_data") else todo).append(what)


def group(message):
    return (
        f"mail FROM:<{MailSettings().from_address}> size={len(message.content)}\r\n"
        f"rcpt TO:<{message.to_address}>\r\ndata\r\n"
    ).encode()


def test_a_mail_is_two_packets(server, sender):
    first, second = a_message(1), a_message(2, "chen@example.com")

    attempts = [sender.send(first), sender.send(second)]
    sender.close()

    greeting, *of_mails, good_bye = server.packets
    assert [attempt.outcome for attempt in attempts] == [ACCEPTED, ACCEPTED]
    assert (greeting[:5], good_bye) == (b"ehlo ", b"quit\r\n")
    assert of_mails == [
        group(first),
        first.content + b".\r\n",
        group(second),
        second.content + b".\r\n",
    ]


def test_a_server_that_does_not_offer_it_gets_one_command_after_the_other():
    with SmtpServer(is_pipelining=False) as server:
        sender = at(server.port)
        sender.send(a_message())
        sender.close()

    assert [packet[:4] for packet in server.packets] == [
        *(b"ehlo", b"mail", b"rcpt", b"data"),
        *(a_message().content[:4], b"quit"),
    ]


@pytest.mark.parametrize(
    ("to_data", "connections", "nobodys"),
    [
        (None, 1, []),  # 503: no recipient
        (Reply("554 5.5.1 no valid recipients"), 1, []),
        (Reply("354 go on"), 1, [b".\r\n"]),
        (Reply("421 4.7.0 too many errors"), 2, []),
        (HangUp(), 2, []),
    ],
)
@pytest.mark.parametrize(
    ("words", "outcome"), [("550 5.1.1 no such user", REFUSED), ("450 4.2.1 greylisted", TRY_AGAIN)]
)
def test_a_refused_recipient_stays_refused_whatever_is_said_to_the_data(
    server, sender, words, outcome, to_data, connections, nobodys
):
    tell(server, "at_recipient", Reply(words))
    if to_data:
        tell(server, "at_data_command", to_data)

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.detail) == (outcome, words[4:])
    assert (following.outcome, server.connections) == (ACCEPTED, connections)
    assert [mail.message_id for mail in server.received] == ["<2@example.com>"]
    assert server.nobodys == nobodys
    if connections == 1:
        assert b"rset\r\n" in server.packets


@pytest.mark.parametrize(
    ("to_data", "nobodys"),
    [
        (None, []),
        (Reply("354 go on"), [b".\r\n"]),
        (Reply("421 4.3.2 closing"), []),
        (HangUp(), []),
    ],
)
def test_a_refused_sender_stays_refused_whatever_is_said_to_the_rest(
    server, sender, to_data, nobodys
):
    tell(server, "at_sender", Reply("550 5.7.1 you are on a list"))
    if to_data:
        tell(server, "at_data_command", to_data)

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.code, attempt.is_servers_fault) == (TRY_AGAIN, 550, True)
    assert (following.outcome, server.nobodys) == (ACCEPTED, nobodys)
    assert [mail.message_id for mail in server.received] == ["<2@example.com>"]


@pytest.mark.parametrize("is_pipelining", [False, True])
@pytest.mark.parametrize(
    ("words", "outcome"), [("554 5.7.1 not today", REFUSED), ("451 4.3.0 later", TRY_AGAIN)]
)
def test_a_mail_refused_before_its_content_leaves_the_way_free_for_the_next(
    server, sender, words, outcome, is_pipelining
):
    server.is_pipelining = is_pipelining
    tell(server, "at_data_command", Reply(words))

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.detail) == (outcome, words[4:])
    assert (following.outcome, server.connections) == (ACCEPTED, 1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("end", [Reply("421 4.3.2 closing"), HangUp()])
@pytest.mark.parametrize("is_kept", [False, True])
def test_a_server_that_ends_it_before_the_content_has_taken_nothing(
    server, sender, place, end, is_kept
):
    """Over a kept connection that is how the server says that it was kept too long."""
    if is_kept:
        sender.send(a_message(1))
    tell(server, place, end)

    attempt = sender.send(a_message(2))
    following = sender.send(a_message(3))

    assert attempt.outcome is (ACCEPTED if is_kept else TRY_AGAIN)
    assert attempt.is_servers_fault is not is_kept
    assert (following.outcome, server.connections) == (ACCEPTED, 2)
    assert [mail.message_id for mail in server.received] == [
        *(["<1@example.com>", "<2@example.com>"] if is_kept else []),
        "<3@example.com>",
    ]


@pytest.mark.parametrize("end", [Reply("421 4.3.2 closing"), HangUp()])
def test_a_server_that_ends_it_after_the_content_may_have_taken_it(server, sender, end):
    sender.send(a_message(1))
    tell(server, "at_data", end)

    attempt = sender.send(a_message(2))

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert server.connections == 1  # not sent a second time at once
    assert sender.send(a_message(3)).outcome is ACCEPTED


@pytest.mark.parametrize("place", PLACES)
def test_a_slow_reply_to_any_command_keeps_us_waiting(server, sender, place):
    waits = []
    sender.meanwhile = Meanwhile(kept_waiting=lambda: waits.append(len(server.received)))
    tell(server, place, Wait(0.2))

    attempt = sender.send(a_message())

    assert attempt.outcome is ACCEPTED
    assert 0 in waits  # before the content


@pytest.mark.parametrize("place", PLACES)
def test_a_server_that_does_not_answer_any_more_hears_nothing_either(server, place):
    sender = at(server.port, timeout=0.2)
    tell(server, place, Wait(60))

    attempt = sender.send(a_message(1))

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert attempt.reason == f"邮件服务器没有及时应答：127.0.0.1:{server.port}"
    assert server.packets[1:] == [group(a_message(1))]
    assert sender.send(a_message(2)).outcome is ACCEPTED
    sender.close()


@pytest.mark.parametrize("moment", ["announced", "kept_waiting", "before_content"])
def test_who_is_told_to_stop_in_the_middle_says_no_good_bye(server, sender, moment):
    """The server may wait for a content, and take whatever comes for its beginning."""
    sender.send(a_message(1))
    before = len(server.packets)
    tell(server, "at_recipient", Wait(0.1))
    sender.meanwhile = Meanwhile(**{moment: killed})

    with pytest.raises(Killed):
        sender.send(a_message(2))

    sender.meanwhile = Meanwhile()
    assert sender.send(a_message(3)).outcome is ACCEPTED
    assert server.packets[before] == group(a_message(2))
    assert server.packets[before + 1][:4] == b"ehlo"
    assert [mail.message_id for mail in server.received] == ["<1@example.com>", "<3@example.com>"]


@pytest.mark.parametrize("is_pipelining", [False, True])
def test_before_the_content_what_is_to_be_done_has_been_done(server, sender, is_pipelining):
    server.is_pipelining = is_pipelining
    content = a_message().content + b".\r\n"
    was_there = []
    sender.meanwhile = Meanwhile(
        before_content=lambda: was_there.append(content in server.packets),
        content_sent=lambda: was_there.append("sent"),
    )

    sender.send(a_message())

    assert was_there == [False, "sent"]
    assert content in server.packets


@pytest.mark.parametrize("address", ["<>\r\nvrfy", '"\r\nvrfy"@example.com'])
def test_an_address_with_a_line_break_sends_no_command_of_its_own(server, sender, address):
    """smtplib finds that out; in what is sent ahead of it, too."""
    with pytest.raises(ValueError, match="newline"):
        sender.send(Letter(to_address=address, content=b"x\r\n"))

    assert sender.send(a_message(2)).outcome is ACCEPTED
    assert b"vrfy" not in b"".join(server.packets)


@contextmanager
def canned(replies):
    """Give a sender to a server that answers a mail's commands so, and what else it heard."""
    heard = []

    def serve():
        client, _ = listener.accept()
        with client:
            client.sendall(b"220 mail.test\r\n")
            client.recv(4096)
            client.sendall(b"250-mail.test\r\n250 PIPELINING\r\n")
            client.recv(4096)
            client.sendall(replies)
            client.settimeout(5)
            while more := client.recv(65536):
                heard.append(more)
                client.sendall(b"250 ok\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        sender = Sender(
            MailSettings(),
            MailServer(host="127.0.0.1", port=listener.getsockname()[1], timeout=0.2),
        )
        yield sender, heard
        sender.close()
        thread.join()


def test_replies_in_one_packet_are_read_one_after_the_other():
    with canned(b"250-2.1.0\r\n250 OK\r\n250 OK\r\n354 go on\r\n") as (sender, heard):
        attempt = sender.send(a_message())

    assert attempt.outcome is ACCEPTED
    assert heard == [a_message().content + b".\r\n", b"quit\r\n"]


@pytest.mark.parametrize("to_mail_and_recipient", [b"550 no\r\n250 ok\r\n", b"250 ok\r\n252 ?\r\n"])
def test_nobody_gets_an_empty_mail(to_mail_and_recipient):
    """The mail was refused, yet the server has a recipient and waits for a content."""
    with canned(to_mail_and_recipient + b"354 go on\r\n") as (sender, heard):
        attempt = sender.send(a_message())

    assert attempt.outcome is TRY_AGAIN
    assert heard == []


def test_a_line_that_is_there_is_not_waited_for():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        replies = Replies(ours)
        theirs.sendall(b"250 one\r\n250 two\r\n25")

        assert replies.readline(100) == b"250 one\r\n"
        assert replies.are_coming()
        assert replies.readline(5) == b"250 t"
        assert replies.readline(100) == b"wo\r\n"
        assert not replies.are_coming()  # half a line is none
        theirs.sendall(b"0 three\n")
        assert replies.are_coming()
        assert replies.readline(100) == b"250 three\n"
        theirs.sendall(b"221 by")
        theirs.shutdown(socket.SHUT_WR)
        assert replies.readline(100) == b"221 by"
        assert replies.readline(100) == b""


def test_what_is_decrypted_already_is_not_waited_for(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    long = b"250 " + b"x" * 5000 + b"\r\n"
    ours, theirs = socket.socketpair()

    def serve():
        with context.wrap_socket(theirs, server_side=True) as server:
            server.sendall(long * 3)  # one record: all of it is decrypted at once
            server.recv(1)

    thread = Thread(target=serve)
    thread.start()
    trusting = ssl.create_default_context(cafile=certificate[0])
    trusting.check_hostname = False
    with trusting.wrap_socket(ours) as client:
        replies = Replies(client)
        lines = [(replies.are_coming(), replies.readline(8192)) for _ in range(3)]
        nothing_more = replies.are_coming()
        client.sendall(b".")
    thread.join()

    assert lines == [(True, long)] * 3
    assert not nothing_more
