"""Delivery reports as other servers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.bounces import ReportAction
from notifications.reports import read_report
from tests.notifications.reports import EXCHANGE, OTHERS, OURS, QQ, postfix


@pytest.mark.parametrize(
    ("raw", "key", "status", "code"),
    [
        (postfix(), "<20250106023000.ABC@mail.example.com>", "5.1.1", 550),
        (EXCHANGE, "<8e0c@exchange.example.com>", "5.1.10", 550),
        (QQ, "<tencent_77@qq.example.com>", "5.0.0", 550),
    ],
    ids=["postfix", "exchange", "qq"],
)
def test_a_failure_names_our_mail_and_says_that_the_address_is_dead(raw, key, status, code):
    notice = read_report(raw)

    assert notice is not None
    assert (notice.key, notice.message_id, notice.action) == (key, OURS, ReportAction.FAILED)
    assert (notice.status, notice.code, notice.is_address_dead) == (status, code, True)


def test_a_delay_is_no_failure():
    notice = read_report(postfix(action="delayed", status="4.4.1", diagnostic="smtp; timed out"))

    assert notice is not None
    assert (notice.action, notice.status, notice.code) == (ReportAction.DELAYED, "4.4.1", None)
    assert not notice.is_address_dead


def test_a_report_that_failed_for_some_is_no_failure():
    group = (
        b"Final-Recipient: rfc822; other@example.com\r\nAction: relayed\r\nStatus: 2.1.5\r\n\r\n"
    )
    raw = postfix().replace(b"Final-Recipient", group + b"Final-Recipient", 1)

    notice = read_report(raw)

    assert notice is not None
    assert (notice.action, notice.status) == (ReportAction.RELAYED, "2.1.5")


def test_a_report_without_a_message_id_is_known_by_its_text():
    raw = postfix().replace(b"Message-Id: <20250106023000.ABC@mail.example.com>\r\n", b"")

    first, again, other = read_report(raw), read_report(raw), read_report(raw + b"\r\n")

    assert first is not None
    assert again is not None
    assert other is not None
    assert first.key.startswith("sha256:")
    assert first.key == again.key != other.key


def test_what_a_stranger_writes_is_kept_on_one_line_without_controls():
    notice = read_report(
        postfix(
            diagnostic="smtp; 550 a\x00b\x1b[31m \udc80".encode("utf-8", "surrogateescape").decode(
                "latin-1"
            )
            + "x" * 2000
        )
    )

    assert notice is not None
    assert notice.detail.isprintable()
    assert len(notice.detail) <= 500


@pytest.mark.parametrize("raw", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_report_on_a_mail_of_ours_is_left_alone(raw):
    assert read_report(raw) is None


@given(st.binary(max_size=300), st.integers(0, 1500), st.integers(0, 200))
def test_whatever_a_stranger_breaks_in_a_report_it_is_read_or_left(noise, at, cut):
    raw = postfix()

    notice = read_report(raw[:at] + noise + raw[at + cut :])

    assert notice is None or notice.message_id.endswith("@huangshi.example.com>")
