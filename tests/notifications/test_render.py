"""Every mail has its words, the same in text and HTML, and no value can change the page."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notifications
from notifications.contexts import CONTEXTS, CaseMail, MailContext
from notifications.render import environment_with, render, values_of
from notifications.samples import COMMON, OPENED, OPENED_AGAIN, RETURNED, SAMPLES
from tests.notifications.hostile import with_hostile_words, with_words

TEMPLATES = Path(notifications.__file__).parent / "templates"
COMMON_FIELDS = MailContext.model_fields.keys()


class Page(HTMLParser):
    """The tags of a page in their order, and the text that it shows."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data):
        if any(tag == "body" for tag, _ in self.tags):  # a title is not shown
            self.text += data


def squeezed(text):
    return "".join(text.split())


def words(text):
    """Return `text` without what a text has for a table: colons, brackets around a heading."""
    return re.sub(r"[：【】\s]", "", text)


def test_every_mail_has_a_sample():
    assert {type(sample) for sample in SAMPLES} == set(CONTEXTS.values())


def test_the_samples_of_a_mail_have_each_of_its_facts_and_lack_each_that_may_be_missing():
    for context in CONTEXTS.values():
        samples = [sample for sample in SAMPLES if type(sample) is context]
        for name in context.model_fields.keys() - COMMON_FIELDS:
            values = [getattr(sample, name) for sample in samples]
            assert any(value not in (None, "", ()) for value in values), (context, name)
            if context.model_fields[name].default is None:
                assert None in values, (context, name)


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
def test_text_and_html_say_the_same_words_in_the_same_order(sample):
    mail = render(sample)

    assert words(Page(mail.html).text) == words(mail.text)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_every_mail_says_to_whom_about_what_on_what_ground_and_whom_to_ask(sample):
    mail = render(sample)

    lines = mail.text.splitlines()
    title = "《黄石市中小企业数字化转型试点城市实施方案》（黄政办函〔2024〕12号）"
    ground = f"{title}{sample.clause}" if sample.document_title else "黄政办函〔2024〕12号"
    assert lines[-2:] == [f"依据：{ground}", "（本邮件由试点管理系统自动发出）"]
    assert "示例精密机械有限公司　林晓：" in lines
    [asking] = [line for line in lines if "如有疑问" in line]
    assert asking.startswith("　　如有疑问，请直接回复本邮件，或与市经信局联系")
    about = "，并注明案卷号 HS-1-0007" if isinstance(sample, CaseMail) else ""
    assert asking.endswith((f"联系{about}。", f"（待核）{about}。"))
    signed = lines[lines.index(asking) + 1 : -3]
    day = sample.written_at and f"　　　　　　　　{sample.written_at:%Y年%-m月%-d日}"
    assert signed == ["", "　　　　　　　　市经信局", *([day] if day else [])]


def test_an_office_is_reached_as_far_as_it_is_known_how():
    plain = "或与市经信局联系，并注明"
    called = "或与市经信局联系，电话 0000-0000000（待核），并注明"
    written = "或与市经信局联系，邮箱 office@example.com（待核），并注明"

    assert plain in render(OPENED).text
    assert called in render(RETURNED.model_copy(update={"office_email": None})).text
    assert written in render(RETURNED.model_copy(update={"office_phone": None})).text


def test_a_mail_about_no_case_asks_for_no_case_number():
    class Word(MailContext):
        template = "stage_finished"

    common = {name: value for name, value in COMMON.items() if name in MailContext.model_fields}
    layout = environment_with(None).get_template("_layout/body.txt")

    text = layout.render(values_of(Word(**common)))
    assert "或与市经信局联系。\n" in text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_a_page_is_at_most_600_pixels_wide_and_fetches_nothing(sample):
    page = Page(render(sample).html)

    assert {tag for tag, _ in page.tags} <= {
        *("html", "head", "meta", "title", "body", "table", "tr", "td"),
        *("p", "strong", "span", "br"),
    }
    attributes = [pair for _, pairs in page.tags for pair in pairs]
    assert not {name for name, _ in attributes} & {"src", "href", "background", "class"}
    assert not [value for _, value in attributes if value and "url(" in value]
    widths = [int(value) for name, value in attributes if name == "width" and value.isdigit()]
    assert max(widths, default=0) <= 600
    assert "max-width:600px" in render(sample).html


def test_a_request_says_what_by_when_and_how():
    mail = render(OPENED)

    assert mail.subject == "【请办理】示例精密机械有限公司：诊断·确认诊断，2024年4月1日截止"
    assert mail.text.startswith(
        "黄石市中小企业数字化转型试点城市\n"
        "诊断·确认诊断：请办理\n"
        "\n"
        "示例精密机械有限公司　林晓：\n"
        "\n"
        "　　您好！\n"
        "\n"
        "　　示例精密机械有限公司的“诊断·确认诊断”现由贵单位办理。请阅读诊断报告并确认是否认可。\n"
        "\n"
        "【办理期限】\n"
        "　　2024年4月1日（星期一），含当日；截至3月25日还有 5 个工作日。\n"
        "\n"
        "　　事项：诊断·确认诊断\n"
        "　　企业：示例精密机械有限公司\n"
        "　　案卷号：HS-1-0007\n"
        "　　事项编号：42\n"
        "\n"
        "【如何办理】\n"
        "　　1. 打开办理页面，搜索案卷号 HS-1-0007"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"working_days": 0}, "含当日；截至3月25日已不足 1 个工作日。"),
        ({"working_days": None}, "（星期一），含当日。"),
        ({"written_at": None}, "含当日；还有 5 个工作日。"),
        # still the 25th in UTC, already the 26th where it is read
        ({"written_at": datetime(2024, 3, 25, 16, tzinfo=UTC)}, "截至3月26日还有 5 个工作日。"),
        ({"due_on": None}, "未设固定期限，请尽早办理。"),
    ],
)
def test_a_deadline_says_what_is_known_of_it(changes, words):
    assert words in render(OPENED.model_copy(update=changes)).text


def test_a_return_says_why_and_what_is_next_by_when():
    mail = render(RETURNED)

    assert (
        "【原因】\n"
        "　　承诺书未盖章。\n"
        "\n"
        "【下一步】\n"
        "　　请贵单位办理“提交申报”，期限：2024年3月31日（星期日），含当日；"
        "截至3月25日还有 4 个工作日。\n"
    ) in mail.text
    assert [deadline.day for deadline in mail.deadlines] == [date(2024, 3, 31)]


def test_a_trial_is_marked_in_the_subject_and_above_the_text():
    mail = render(OPENED_AGAIN)

    assert mail.subject == "【演示】【请重新办理】示例精密机械有限公司：申报·提交申报"
    assert mail.text.startswith(
        "演示数据 · 系统日期 2024-03-25。本邮件仅供演示，请勿据此办理。\n\n黄石市"
    )
    assert "本邮件仅供演示，请勿据此办理。" in Page(mail.html).text


def test_what_rests_on_an_unconfirmed_figure_says_so():
    assert "说明：办理时限待核（系统默认值，方案未规定）" in render(OPENED_AGAIN).text
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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_no_value_can_change_a_page_or_add_a_line(sample, data):
    hostile = with_hostile_words(sample, data)
    harmless = with_words(hostile, lambda text: re.sub(r"[^\n]+", "字", text))

    mail, plain = render(hostile), render(harmless)

    page = Page(mail.html)
    assert page.tags == Page(plain.html).tags
    assert mail.subject.splitlines() == [mail.subject]
    assert mail.text.count("\n") == plain.text.count("\n")
    assert words(page.text) == words(mail.text)
    for value in (hostile.recipient_party, hostile.recipient_name):
        assert squeezed(value) in squeezed(page.text)


def test_a_subject_is_one_line_whatever_the_names_hold():
    context = type(OPENED)(
        **{**OPENED.model_dump(), "enterprise_name": "甲\r\nBcc: x@example.com\n乙"}
    )

    assert render(context).subject == (
        "【请办理】甲 Bcc: x@example.com 乙：诊断·确认诊断，2024年4月1日截止"
    )
