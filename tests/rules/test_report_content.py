"""The content of a report: one text, one hash, numbers as they are printed."""

from datetime import date

import pytest

from models.rules.report_content import (
    ColumnKind,
    Report,
    ReportKind,
    cell_text,
    chinese_day,
    chinese_number,
    content_digest,
)


def a_report(**changes: object) -> Report:
    plain: dict[str, object] = {
        "kind": ReportKind.MIDTERM,
        "title": "报告",
        "programme": "试点",
        "document_no": "1号",
        "document_title": "方案",
        "issuer": "市经信局",
        "as_of": date(2024, 12, 31),
        "policy_version": "0",
        "sections": (),
    }
    return Report.model_validate({**plain, **changes})


def test_a_report_is_read_back_from_its_text_and_has_one_hash() -> None:
    report = a_report()

    again = Report.model_validate_json(report.canonical())

    assert again == report
    assert content_digest(again.canonical()) == content_digest(report.canonical())
    assert content_digest(a_report(title="报 告").canonical()) != content_digest(report.canonical())


@pytest.mark.parametrize(
    ("number", "text"), [(1, "一"), (10, "十"), (11, "十一"), (19, "十九"), (20, "二十")]
)
def test_headings_are_numbered_in_chinese(number: int, text: str) -> None:
    assert chinese_number(number) == text


@pytest.mark.parametrize("number", [0, 21])
def test_what_is_no_number_of_a_heading_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        chinese_number(number)


def test_cells_are_printed_as_people_read_them() -> None:
    assert cell_text("1234567.80", ColumnKind.YUAN) == "1,234,567.80"
    assert cell_text(1234, ColumnKind.COUNT) == "1,234"
    assert cell_text("待填写", ColumnKind.COUNT) == "待填写"
    assert cell_text(None, ColumnKind.YUAN) == "—"
    assert cell_text("2024-12-31", ColumnKind.DAY) == "2024-12-31"
    assert chinese_day(date(2024, 2, 9)) == "2024年2月9日"
