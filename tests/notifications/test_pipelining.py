"""The commands of a mail in one packet, and what becomes of them when one is refused or cut off."""

import socket
from contextlib import contextmanager
from threading import Thread

import pytest

from models.rules.mail import MailOutcome
from notifications.mime import Letter
from notifications.server import MailServer
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tests.notifications.test_smtp import a_message, at
from tests.smtp_server import HangUp, Reply, SmtpServer, Wait

ACCEPTED, TRY_AGAIN, REFUSED = MailOutcome
LIN = "lin@example.com"
PLACES = ("at_sender", "at_recipient", "at_data_command")


class Killed(BaseException):
    """The process is told to stop."""


def tell(mail_server, place, what):
    """Have the server do `what` when it comes to `place` with the mail to Lin."""
    todo = getattr(mail_server, place)
    (todo[LIN] if place in ("at_recipient", "at_data") else todo).append(what)


def group(message):
    return (
        f"mail FROM:<{MailSettings().from_address}> size={len(message.content)}\r\n"
        f"rcpt TO:<{message.to_address}>\r\ndata\r\n"
    ).encode()


def sent_in_a_row(sender, count):
    """Send so many mails, each announced with the one before; return how they fared."""
    mails = [a_message(number) for number in range(1, count + 1)]
    attempts = [
        sender.send(mail, following=following)
        for mail, following in zip(mails, [*mails[1:], None], strict=True)
    ]
    sender.close()
    return [attempt.outcome for attempt in attempts]


def test_a_mail_is_one_packet_from_the_second_one_on(mail_server, sender):
    """Its content goes with the commands of the next one: RFC 2920, 3.1."""
    first, second = a_message(1), a_message(2, "chen@example.com")

    attempts = [sender.send(first, following=second), sender.send(second)]
    sender.close()

    greeting, *of_mails, good_bye = mail_server.packets
    assert [attempt.outcome for attempt in attempts] == [ACCEPTED, ACCEPTED]
    assert (greeting[:5], good_bye) == (b"ehlo ", b"quit\r\n")
    assert of_mails == [
        group(first),
        first.content + b".\r\n" + group(second),
        second.content + b".\r\n",
    ]


def test_a_server_that_does_not_offer_it_gets_one_command_after_the_other():
    with SmtpServer(is_pipelining=False) as mail_server:
        sender = at(mail_server.port)
        sender.send(a_message(), following=a_message(2))
        sender.close()

    assert [packet[:4] for packet in mail_server.packets] == [
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
    mail_server, sender, words, outcome, to_data, connections, nobodys
):
    tell(mail_server, "at_recipient", Reply(words))
    if to_data:
        tell(mail_server, "at_data_command", to_data)

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.detail) == (outcome, words[4:])
    assert (following.outcome, mail_server.connections) == (ACCEPTED, connections)
    assert [mail.message_id for mail in mail_server.received] == ["<2@example.com>"]
    assert mail_server.nobodys == nobodys
    if connections == 1:
        assert b"rset\r\n" in mail_server.packets


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
    mail_server, sender, to_data, nobodys
):
    tell(mail_server, "at_sender", Reply("550 5.7.1 you are on a list"))
    if to_data:
        tell(mail_server, "at_data_command", to_data)

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.code, attempt.is_servers_fault) == (TRY_AGAIN, 550, True)
    assert (following.outcome, mail_server.nobodys) == (ACCEPTED, nobodys)
    assert [mail.message_id for mail in mail_server.received] == ["<2@example.com>"]


@pytest.mark.parametrize("is_pipelining", [False, True])
@pytest.mark.parametrize(
    ("words", "outcome"), [("554 5.7.1 not today", REFUSED), ("451 4.3.0 later", TRY_AGAIN)]
)
def test_a_mail_refused_before_its_content_leaves_the_way_free_for_the_next(
    mail_server, sender, words, outcome, is_pipelining
):
    mail_server.is_pipelining = is_pipelining
    tell(mail_server, "at_data_command", Reply(words))

    attempt = sender.send(a_message(1))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.detail) == (outcome, words[4:])
    assert (following.outcome, mail_server.connections) == (ACCEPTED, 1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("end", [Reply("421 4.3.2 closing"), HangUp()])
@pytest.mark.parametrize("is_kept", [False, True])
def test_a_server_that_ends_it_before_the_content_has_taken_nothing(
    mail_server, sender, place, end, is_kept
):
    """Over a kept connection that is how the server says that it was kept too long."""
    if is_kept:
        sender.send(a_message(1))
    tell(mail_server, place, end)

    attempt = sender.send(a_message(2))
    following = sender.send(a_message(3))

    assert attempt.outcome is (ACCEPTED if is_kept else TRY_AGAIN)
    assert attempt.is_servers_fault is not is_kept
    assert (following.outcome, mail_server.connections) == (ACCEPTED, 2)
    assert [mail.message_id for mail in mail_server.received] == [
        *(["<1@example.com>", "<2@example.com>"] if is_kept else []),
        "<3@example.com>",
    ]


@pytest.mark.parametrize("end", [Reply("421 4.3.2 closing"), HangUp()])
def test_a_server_that_ends_it_after_the_content_may_have_taken_it(mail_server, sender, end):
    sender.send(a_message(1))
    tell(mail_server, "at_data", end)

    attempt = sender.send(a_message(2))

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert mail_server.connections == 1  # not sent a second time at once
    assert sender.send(a_message(3)).outcome is ACCEPTED


@pytest.mark.parametrize("place", PLACES)
def test_a_server_that_does_not_answer_any_more_hears_nothing_either(mail_server, place):
    sender = at(mail_server.port, timeout=0.2)
    tell(mail_server, place, Wait(60))

    attempt = sender.send(a_message(1))

    assert (attempt.outcome, attempt.is_servers_fault) == (TRY_AGAIN, True)
    assert attempt.reason == f"邮件服务器没有及时应答：127.0.0.1:{mail_server.port}"
    assert mail_server.packets[1:] == [group(a_message(1))]
    assert sender.send(a_message(2)).outcome is ACCEPTED
    sender.close()


@pytest.mark.parametrize("replies", [0, 1, 2, 3])
def test_who_is_told_to_stop_in_the_middle_says_no_good_bye(mail_server, replies):
    """The server may wait for a content, and take whatever comes for its beginning."""
    is_stopped = []

    class Stopped(Sender):
        def connection(self, *given, **named):
            client = super().connection(*given, **named)
            get_reply = client.getreply

            def stopped_reply():
                if len(is_stopped) == replies + 1:
                    is_stopped.append(None)
                    raise Killed
                if is_stopped:
                    is_stopped.append(None)
                return get_reply()

            client.getreply = stopped_reply
            return client

    sender = Stopped(MailSettings(catch_port=mail_server.port))
    sender.send(a_message(1))
    before = len(mail_server.packets)
    is_stopped.append(None)

    with pytest.raises(Killed):
        sender.send(a_message(2))
    is_stopped.extend([None] * 10)

    assert sender.send(a_message(3)).outcome is ACCEPTED
    sender.close()
    heard = mail_server.packets[before:]
    assert heard[0] == group(a_message(2))
    assert heard.index(b"quit\r\n") == len(heard) - 1
    assert [mail.message_id for mail in mail_server.received] == [
        "<1@example.com>",
        *(["<2@example.com>"] if replies == 3 else []),
        "<3@example.com>",
    ]


@pytest.mark.parametrize("is_pipelining", [False, True])
def test_while_the_server_takes_in_a_content_there_is_time_for_something_else(
    mail_server, sender, is_pipelining
):
    mail_server.is_pipelining = is_pipelining
    mail_server.at_data[LIN].extend([Wait(0.2), Wait(0.2)])
    received = []
    sender.meanwhile = lambda: received.append(len(mail_server.received))

    sender.send(a_message(1), following=a_message(2))
    sender.send(a_message(2))

    assert received == [0, 1]


@pytest.mark.parametrize(
    ("words", "outcome"), [("554 5.6.0 bad content", REFUSED), ("451 4.3.0 later", TRY_AGAIN)]
)
def test_a_refused_content_leaves_the_following_mail_on_its_way(
    mail_server, sender, words, outcome
):
    tell(mail_server, "at_data", Reply(words))

    attempt = sender.send(a_message(1), following=a_message(2))
    following = sender.send(a_message(2))

    assert (attempt.outcome, attempt.detail) == (outcome, words[4:])
    assert (following.outcome, mail_server.connections) == (ACCEPTED, 1)
    assert [mail.message_id for mail in mail_server.received] == ["<2@example.com>"]
    assert b"rset\r\n" not in mail_server.packets


@pytest.mark.parametrize("place", ["at_recipient", "at_data_command"])
@pytest.mark.parametrize(
    ("words", "outcome"), [("550 5.7.1 no", REFUSED), ("450 4.2.1 later", TRY_AGAIN)]
)
def test_a_refused_announcement_is_of_the_following_mail_alone(
    mail_server, sender, place, words, outcome
):
    first, second = a_message(1, "chen@example.com"), a_message(2)
    third = a_message(3, "wang@example.com")
    if place == "at_recipient":
        mail_server.at_recipient[LIN].append(Reply(words))
    else:  # the first one goes through
        mail_server.at_data_command.extend([Wait(0), Reply(words)])

    attempts = [
        sender.send(first, following=second),
        sender.send(second, following=third),
        sender.send(third),
    ]

    assert [attempt.outcome for attempt in attempts] == [ACCEPTED, outcome, ACCEPTED]
    assert mail_server.connections == 1
    assert [mail.message_id for mail in mail_server.received] == [
        "<1@example.com>",
        "<3@example.com>",
    ]


def test_another_mail_than_the_announced_one_goes_over_a_new_connection(mail_server, sender):
    sender.send(a_message(1), following=a_message(2))

    attempt = sender.send(a_message(3, "chen@example.com"))

    assert (attempt.outcome, mail_server.connections) == (ACCEPTED, 2)
    assert [(mail.message_id, mail.to_address) for mail in mail_server.received] == [
        ("<1@example.com>", LIN),
        ("<3@example.com>", "chen@example.com"),
    ]
    assert (mail_server.nobodys, b"quit\r\n" in mail_server.packets) == ([], False)


def test_nothing_is_said_to_a_server_that_awaits_an_announced_mail_which_does_not_come(
    mail_server, sender
):
    sender.send(a_message(1), following=a_message(2))
    sender.close()

    other = at(mail_server.port)
    assert other.send(a_message(3)).outcome is ACCEPTED  # whatever came before it is heard now
    other.close()
    assert [mail.message_id for mail in mail_server.received] == [
        "<1@example.com>",
        "<3@example.com>",
    ]
    assert mail_server.packets.count(b"quit\r\n") <= 1  # the other's


@pytest.mark.parametrize("end", [Reply("421 4.7.0 too many mails"), HangUp()])
def test_a_server_that_ends_it_after_so_many_mails_has_not_taken_the_announced_one(
    mail_server, sender, end
):
    mail_server.at_sender.extend([Wait(0), end])

    outcomes = sent_in_a_row(sender, 4)

    assert outcomes == [ACCEPTED] * 4
    assert mail_server.connections == 2
    assert [mail.message_id for mail in mail_server.received] == [
        f"<{number}@example.com>" for number in range(1, 5)
    ]
    # That is no reason to send each by itself.
    assert sum(b"\r\n.\r\nmail" in packet for packet in mail_server.packets) == 3


@pytest.mark.parametrize("end", [Reply("421 4.3.2 closing"), HangUp()])
def test_a_server_that_ends_it_at_a_content_has_not_heard_of_the_following_mail(
    mail_server, sender, end
):
    tell(mail_server, "at_data", end)

    attempts = [sender.send(a_message(1), following=a_message(2)), sender.send(a_message(2))]

    assert [attempt.outcome for attempt in attempts] == [TRY_AGAIN, ACCEPTED]
    assert [mail.message_id for mail in mail_server.received] == ["<2@example.com>"]


def test_a_server_that_forgets_what_comes_with_a_content_gets_each_mail_by_itself(mail_server):
    """RFC 2920 does not allow that; filters between us and a server are said to do it."""
    mail_server.is_forgetful = True

    outcomes = sent_in_a_row(at(mail_server.port, timeout=0.3), 4)

    assert outcomes == [ACCEPTED] * 4
    assert mail_server.connections == 2  # found out once
    assert [mail.message_id for mail in mail_server.received] == [
        f"<{number}@example.com>" for number in range(1, 5)
    ]


@pytest.mark.parametrize("words", ["503 5.5.0 improper pipelining", "451 4.7.1 slow down"])
def test_a_server_that_refuses_what_comes_with_a_content_gets_each_mail_by_itself(
    mail_server, sender, words
):
    mail_server.at_sender.extend([Wait(0), Reply(words)])

    outcomes = sent_in_a_row(sender, 4)

    assert outcomes == [ACCEPTED] * 4
    assert mail_server.connections == 2
    assert sum(b"mail FROM" in packet for packet in mail_server.packets) == 5
    assert not any(b"\r\n.\r\nmail" in packet for packet in mail_server.packets[-4:])


@pytest.mark.parametrize("address", ["<>\r\nvrfy", '"\r\nvrfy"@example.com'])
def test_an_address_with_a_line_break_sends_no_command_of_its_own(mail_server, sender, address):
    """smtplib finds that out; in what is sent ahead of it, too."""
    with pytest.raises(ValueError, match="newline"):
        sender.send(Letter(to_address=address, content=b"x\r\n"))

    assert sender.send(a_message(2)).outcome is ACCEPTED
    assert b"vrfy" not in b"".join(mail_server.packets)


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
