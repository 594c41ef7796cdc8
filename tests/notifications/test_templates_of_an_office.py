"""An office's own words go before the built-in ones; broken ones are refused when it starts."""

import logging
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.contexts import CONTEXTS
from notifications.render import environment_with, render
from notifications.samples import OPENED, OPENED_AGAIN, RETURNED, SAMPLES
from notifications.template_check import check_templates
from notifications.template_files import BUILT_IN, PARTS, TemplatesRefusedError, own_templates


@pytest.fixture
def office(tmp_path, monkeypatch):
    """Write a template of the office: `office("item_opened/subject.txt", "…")`."""
    monkeypatch.setenv("PILOT_TEMPLATE_DIR", str(tmp_path))
    for read_once in (own_templates, environment_with):
        read_once.cache_clear()

    def write(name, content):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    yield write
    for read_once in (own_templates, environment_with):
        read_once.cache_clear()


def refusal():
    with pytest.raises(TemplatesRefusedError) as refused:
        check_templates()
    return refused.value.faults


def test_the_words_of_the_office_go_before_the_built_in_ones(office):
    words = "{{ enterprise_name }}，请于{{ due_on | chinese_date }}前办理"
    office("item_opened/subject.txt", words)

    assert render(OPENED).subject == "示例精密机械有限公司，请于2024年4月1日前办理"
    assert render(RETURNED).subject == "【退回补正】示例精密机械有限公司：申报·县区初审"


def test_an_own_layout_is_round_every_mail(office):
    office(
        "_layout/body.txt",
        "{{ recipient_name }}同志：\n{% block heading %}{% endblock %}\n"
        "{% block content %}{% endblock %}\n黄石市经信局中小企业科",
    )

    check_templates()

    for sample in SAMPLES:
        assert render(sample).text.startswith("林晓同志：\n")
        assert render(sample).text.endswith("\n黄石市经信局中小企业科\n")


def test_a_copy_of_all_built_in_templates_changes_nothing(office):
    built_in = [render(sample) for sample in SAMPLES]
    for file in BUILT_IN.rglob("*.*"):
        office(str(file.relative_to(BUILT_IN)), file.read_bytes())

    check_templates()

    assert [render(sample) for sample in SAMPLES] == built_in


def test_a_file_written_by_windows_is_read(office):
    office("receipt/subject.txt", b"\xef\xbb\xbf" + "已收到 {{ receipt_no }}\r\n".encode())

    check_templates()

    receipt = next(sample for sample in SAMPLES if sample.template == "receipt")
    assert render(receipt).subject == "已收到 HS-1-0007-0012"


def test_without_own_templates_there_is_nothing_to_refuse(monkeypatch):
    monkeypatch.setenv("PILOT_TEMPLATE_DIR", "")

    check_templates()


@pytest.mark.parametrize(
    ("name", "content", "line", "problem"),
    [
        ("paid/body.txt", "一\n二\n{% if amount %}", 3, "语法错误（Unexpected end of template"),
        ("paid/body.txt", "一\n{{ amount", 2, "语法错误（unexpected end of template"),
        ("paid/body.txt", "一\n\n{{ amont | yuan }}", 3, "没有变量 amont"),
        # whether or not a sample comes by there
        ("paid/body.txt", "一\n{% if false %}\n{{ amont }}{% endif %}", 3, "没有变量 amont"),
        ("paid/body.txt", "一\n{% if false %}{{ amount | euro }}{% endif %}", 2, "没有过滤器 euro"),
        ("paid/body.txt", "一\n{% if amount is plenty %}{% endif %}", 2, "没有判断 plenty"),
        ("paid/body.txt", '{% extends "_layout/letter.txt" %}', 1, "没有模板 _layout/letter.txt"),
        ("paid/body.txt", '\n{% extends "/etc/passwd" %}', 2, "没有模板 /etc/passwd"),
        ("paid/body.txt", '\n{% extends "../../secret" %}', 2, "没有模板 ../../secret"),
        ("paid/body.txt", "\n\n{{ amount.no_such_thing }}", 3, "无法生成邮件（UndefinedError"),
        ("paid/body.txt", "\n{{ paid_on.replace(month=13) }}", 2, "无法生成邮件（ValueError"),
        ("paid/body.txt", "\n{{ voucher_no.__class__.__mro__ }}", 2, "SecurityError"),
        ("paid/body.txt", "\n{{ paid_on.__init__.__globals__ }}", 2, "SecurityError"),
        ("paid/body.txt", "\n{% for i in range(10000000) %}{% endfor %}", 2, "OverflowError"),
        ("paid/subject.txt", " \n{% if false %}主题{% endif %}\n", None, "内容为空"),
        ("paid/body.html", "", None, "内容为空"),
        ("paid/subject.txt", "paid\n主题".encode("gbk"), 2, "不是 UTF-8 编码（可能是 GBK）"),
        ("paid/subject.txt", b"a\nb\n\xff", 3, "不是 UTF-8 编码"),
        ("paid/subject.html", "主题", None, "“paid”中不用这个文件；可用的文件：subject.txt、body"),
        ("paid/old/subject.txt", "主题", None, "“paid”中不用这个文件"),
        ("payed/subject.txt", "主题", None, "没有“payed”这种邮件；可用的文件夹："),
        ("paid.txt", "主题", None, "没有“paid.txt”这种邮件"),
        ("paid", "主题", None, "没有“paid”这种邮件"),
        ("_layout/subject.txt", "主题", None, "“_layout”中不用这个文件；可用的文件：body.html、"),
        ("_layout/body.txt", "一\n{{ voucher }}", 2, "没有变量 voucher"),
        # only one of the mails has it
        ("_layout/body.txt", "一\n{{ voucher_no }}", 2, "无法生成邮件（UndefinedError"),
    ],
)
def test_a_broken_template_is_refused_by_file_and_line(office, name, content, line, problem):
    file = office(name, content)

    fault = refusal()[0]

    assert (file == fault.file or fault.file in file.parents, fault.line) == (True, line)
    assert problem in fault.problem


def test_a_template_that_needs_what_a_mail_may_lack_is_refused(office):
    file = office("item_opened/subject.txt", "请办理\n{{ due_on | chinese_date }}前\n")

    [fault] = refusal()

    assert (fault.file, fault.line) == (file, 2)


def test_all_that_is_wrong_is_said_at_once_in_words(office):
    one = office("paid/subject.txt", "{{ voucher }}")
    two = office("receipt/body.txt", "一\n{{ receipt | yuan }}{% if no %}{% endif %}")

    with pytest.raises(TemplatesRefusedError) as refused:
        check_templates()

    assert str(refused.value) == (
        "邮件模板不可用，请改正，或移走该文件以使用自带的模板（PILOT_TEMPLATE_DIR）：\n"
        f"{one} 第 1 行：没有变量 voucher；\n"
        f"{two} 第 2 行：没有变量 receipt；\n"
        f"{two} 第 2 行：没有变量 no"
    )


def test_a_folder_that_is_not_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PILOT_TEMPLATE_DIR", str(tmp_path / "none"))

    [fault] = refusal()

    assert (fault.file, fault.problem) == (tmp_path / "none", "文件夹不存在")


def test_files_of_the_system_and_of_editors_are_passed_over(office):
    office(".DS_Store", b"\xff")
    office("paid/.subject.txt.swp", b"\xff")

    check_templates()


def test_what_was_checked_is_what_is_sent_whatever_happens_to_the_files_meanwhile(office):
    file = office("receipt/subject.txt", "已收到 {{ receipt_no }}")
    receipt = next(sample for sample in SAMPLES if sample.template == "receipt")
    check_templates()

    file.write_text("{{ broken", encoding="utf-8")
    office("payed/subject.txt", "主题")

    assert render(receipt).subject == "已收到 HS-1-0007-0012"


def test_a_template_that_fails_on_what_no_sample_has_does_not_hold_up_the_mail(office, caplog):
    office("item_opened/subject.txt", "{% if item_id > 99 %}{{ due_on.month }}{% endif %}请办理")
    check_templates()
    rare = OPENED_AGAIN.model_copy(update={"item_id": 100})
    with caplog.at_level(logging.ERROR):
        mail = render(rare)

    assert mail.subject == "【演示】【请重新办理】示例精密机械有限公司：申报·提交申报"
    assert render(OPENED_AGAIN).subject == "【演示】请办理"
    assert "own template of item_opened failed" in caplog.text


@given(
    name=st.sampled_from([f"{mail}/{part}" for mail in CONTEXTS for part in PARTS]),
    content=st.binary(max_size=60)
    | st.text(st.sampled_from("{}%# \n'\"|.()[]ifforendblocksuper_甲"), max_size=60).map(
        str.encode
    ),
)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_file_makes_the_check_fail_in_another_way_than_by_refusing(office, name, content):
    for read_once in (own_templates, environment_with):
        read_once.cache_clear()
    file = office(name, content)

    with suppress(TemplatesRefusedError):
        check_templates()
    file.unlink()
