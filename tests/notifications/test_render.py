"""Every mail has its words, the same in text and HTML, and no value can change the page."""

from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import notifications
from notifications.contexts import CONTEXTS, MailContext
from notifications.render import render
from tests.notifications.samples import COMMON, OPENED, OPENED_AGAIN, SAMPLES

TEMPLATES = Path(notifications.__file__).parent / "templates"
HOSTILE = st.text(
    st.sampled_from("<>&\"'{}%/= \r\n\t") | st.characters(codec="utf-8"), max_size=200
)


class Page(HTMLParser):
    """The tags of a page in their order, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data):
        self.text += data


def squeezed(text):
    return "".join(text.split())


def test_every_mail_has_a_sample():
    assert {type(sample) for sample in SAMPLES} == set(MailContext.__subclasses__())


def test_every_mail_has_its_three_templates_and_none_is_left_over():
    written = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.glob("[!_]*/*")}

    assert written == {
        f"{name}/{part}" for name in CONTEXTS for part in ("subject.txt", "body.txt", "body.html")
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_every_mail_renders_completely(sample):
    mail = render(sample)

    assert mail.subject == " ".join(mail.subject.split())
    assert mail.subject
    for words in (mail.subject, mail.text, mail.html):
        assert "{{" not in words
        assert "{%" not in words
        assert "None" not in words
    assert "\n\n\n" not in mail.text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_text_and_html_say_the_same(sample):
    mail = render(sample)
    page = squeezed(Page(mail.html).text)

    for line in mail.text.splitlines():
        # labels end in a colon in the text, and stand in a cell of their own in HTML
        label, _, said = line.strip().strip("【】").partition("：")
        assert squeezed(label) in page
        assert squeezed(said) in page


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_every_mail_says_to_whom_about_what_on_what_ground_and_whom_to_ask(sample):
    mail = render(sample)

    assert mail.text.splitlines()[-2] == "依据：黄政办函〔2024〕12号"
    for fact in ("示例精密机械有限公司　林晓：", "HS-2024-1-0007", "与市经信局联系"):
        assert fact in mail.text


def test_a_request_says_what_by_when_and_how():
    mail = render(OPENED)

    assert mail.subject == "【请办理】示例精密机械有限公司：诊断·确认诊断报告，2024年4月1日前"
    assert mail.text.startswith(
        "示例精密机械有限公司　林晓：\n"
        "\n"
        "您好！\n"
        "\n"
        "现有一项工作请您办理：请阅读服务商提交的诊断报告，并填写是否认可的意见。\n"
        "\n"
        "　　事项：诊断·确认诊断报告\n"
        "　　企业：示例精密机械有限公司\n"
        "　　案卷：HS-2024-1-0007\n"
        "　　编号：42\n"
        "　　期限：2024年4月1日（星期一），含当日，共 5 个工作日\n"
        "\n"
        "【如何办理】\n"
        "　　1. 打开试点管理页面"
    )


def test_a_trial_is_marked_in_the_subject_and_above_the_text():
    mail = render(OPENED_AGAIN)

    assert mail.subject == "【演示】【请重新办理】示例精密机械有限公司：申报·提交申报"
    assert mail.text.startswith(
        "演示数据 · 系统日期 2024-03-25。本邮件仅供演示，请勿据此办理。\n\n示例"
    )
    assert "本邮件仅供演示，请勿据此办理。" in Page(mail.html).text


def test_what_rests_on_an_unconfirmed_figure_says_so():
    assert "说明：办理期限为系统默认值，尚待市经信局核实。" in render(OPENED_AGAIN).text
    assert "说明：" not in render(OPENED).text


@pytest.mark.parametrize(
    ("template", "changes", "words"),
    [
        ("subsidy_decided", {"rate": Decimal("0.375")}, "补助比例：37.5%"),
        ("subsidy_decided", {"rate": Decimal("0")}, "补助比例：0%"),
        ("subsidy_decided", {"amount": Decimal("0.01")}, "补助金额：0.01 元"),
        ("subsidy_decided", {"amount": Decimal("90071992547409.93")}, "90,071,992,547,409.93 元"),
        ("paid", {"paid_on": date(2025, 1, 2)}, "拨付日期：2025年1月2日"),
        (
            "receipt",
            {"answered_at": datetime(2024, 12, 31, 16, 5, tzinfo=UTC)},
            "2025年1月1日 00:05（北京时间）",
        ),
    ],
)
def test_figures_and_days_read_as_people_write_them(template, changes, words):
    sample = next(sample for sample in SAMPLES if sample.template == template)

    assert words in render(sample.model_copy(update=changes)).text


@given(HOSTILE, HOSTILE)
def test_no_name_can_change_the_page_or_the_subject(name, party):
    plain = render(OPENED)
    changed = {**OPENED.model_dump(), "recipient_name": name, "recipient_party": party}
    context = type(OPENED)(**changed)
    hostile = render(context)

    page = Page(hostile.html)
    assert page.tags == Page(plain.html).tags
    assert hostile.subject == plain.subject
    for words in (page.text, hostile.text):
        assert squeezed(f"{context.recipient_party}{context.recipient_name}：") in squeezed(words)


@given(HOSTILE)
def test_a_reason_keeps_its_lines_and_nothing_else_of_a_page(reason):
    changed = {**OPENED_AGAIN.model_dump(), "reason": f"甲{reason}乙"}
    context = type(OPENED_AGAIN)(**changed)
    mail = render(context)
    breaks = context.reason.count("\n")

    plain = render(OPENED_AGAIN.model_copy(update={"reason": "甲" + "\n" * breaks + "乙"}))
    assert Page(mail.html).tags == Page(plain.html).tags


def test_a_subject_is_one_line_whatever_the_names_hold():
    context = type(OPENED)(
        **{**OPENED.model_dump(), **COMMON, "enterprise_name": "甲\r\nBcc: x@example.com\n乙"}
    )

    assert render(context).subject == (
        "【请办理】甲 Bcc: x@example.com 乙：诊断·确认诊断报告，2024年4月1日前"
    )
