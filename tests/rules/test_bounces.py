"""Which refusals say that an address is dead."""

import pytest

from models.rules.bounces import DeliveryNotice, ReportAction, is_address_dead


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (550, "5.1.1 <lin@example.com>: Recipient address rejected: User unknown"),
        (550, "User not found: lin@163.example.com"),
        (550, "The recipient may contain a non-existent account, please check the address."),
        (551, "User not local"),
        (553, "mailbox name not allowed"),
        (550, "5.1.10 Recipient not found; see 5.7.1"),
        (550, "5.2.1 The email account that you tried to reach is disabled"),
        (550, "5.0.0 no such user"),
        (550, "no such user at 5.7.1.25"),
    ],
)
def test_a_dead_address_is_known(code, words):
    assert is_address_dead(code, words)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (550, "5.7.1 Message rejected as spam"),
        (550, "relay not permitted"),
        (550, "Mail content denied"),
        (550, "RP:TRL http://mail.163.example.com/help"),
        (550, "5.4.1 Recipient address rejected: Access denied"),
        (552, "5.2.2 Mailbox full"),
        (552, "message size exceeds"),
        (554, "5.7.1 blocked by policy"),
        (554, "no valid recipients"),
        (553, "5.1.8 sender address does not exist"),
        (None, "not an answer at all"),
    ],
)
def test_a_refusal_of_the_mail_or_of_us_leaves_the_address_alive(code, words):
    assert not is_address_dead(code, words)


@pytest.mark.parametrize(
    ("action", "status", "is_dead", "reason"),
    [
        ("failed", "5.1.1", True, "被退回：收件地址不存在或已停用（5.1.1）"),
        ("failed", "5.2.2", False, "被退回：收件信箱已满（5.2.2）"),
        ("failed", "5.3.4", False, "被退回：邮件过大或对方系统不接受（5.3.4）"),
        ("failed", "5.7.1", False, "被退回：被对方的安全策略拒收（5.7.1）"),
        ("failed", "4.4.7", False, "被退回：对方服务器多日未能接收（4.4.7）"),
        ("failed", "5.4.6", False, "被退回：对方服务器退回（5.4.6）"),
        ("delayed", "5.1.1", False, "被退回：对方服务器退回（5.1.1）"),
    ],
)
def test_a_report_says_in_words_why_a_mail_came_back(action, status, is_dead, reason):
    notice = DeliveryNotice(
        key="1", message_id="<1>", action=ReportAction(action), status=status, code=550
    )

    assert (notice.is_address_dead, notice.reason) == (is_dead, reason)
