import gc
import os
import sys
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tasks.workbooks.cell_text import from_cell, to_cell
from tasks.workbooks.reading import open_workbook
from tasks.workbooks.refusals import CannotWriteError, FileExistsAlreadyError
from tasks.workbooks.saving import save_whole
from tasks.workbooks.writing import Column, Kind, OutgoingWorkbook

#: What a database can hold, and what a form would refuse: any text but halves of letters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
DANGEROUS = st.tuples(st.sampled_from([*"=+-@\t\r\n＝＋－＠'"]), TEXTS).map("".join)


def written(path, *texts):
    book = OutgoingWorkbook()
    sheet = book.sheet("文字", [Column(title="文字"), Column(title="号")])
    for number, text in enumerate(texts):
        sheet.append([text, number])
    book.save(path, force=True)
    return path


def as_excel_keeps_it(text):
    """Return `text` with line ends of one kind and without what XML cannot hold."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        letter
        for letter in lines
        if letter in "\t\n" or (letter >= " " and letter not in "\ufffe\uffff")
    )


@given(st.one_of(TEXTS, DANGEROUS))
@example("'=1+1")
@example("_x003D_1+1")
@example("_x005F_x000D_")
def test_text_comes_back_from_a_cell_as_it_went_in(text):
    kept = as_excel_keeps_it(text)

    back = from_cell(to_cell(text))

    assert back == kept.strip()
    assert not to_cell(text).startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(TEXTS, DANGEROUS), min_size=1, max_size=20))
def test_text_comes_back_from_a_file_and_no_cell_of_it_is_a_formula(tmp_path, texts):
    path = written(tmp_path / "a.xlsx", *texts)

    with open_workbook(path) as book:
        rows = list(book.sheet("文字").table(["文字", "号"]).rows)
    cells = [cell for row in load_workbook(path)["文字"].iter_rows() for cell in row]

    assert [row.values["文字"] or "" for row in rows] == [
        as_excel_keeps_it(text).strip() for text in texts
    ]
    assert [row.problems for row in rows] == [{}] * len(texts)
    assert {cell.data_type for cell in cells} <= {"s", "n"}


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1"])
def test_what_begins_like_a_formula_is_text_with_an_apostrophe_and_stays_text_when_edited(
    tmp_path, text
):
    cell = load_workbook(written(tmp_path / "a.xlsx", text))["文字"]["A2"]

    assert (cell.data_type, cell.value[0], cell.quotePrefix) == ("s", "'", True)


def test_words_that_excel_takes_for_errors_and_dates_stay_text(tmp_path):
    path = written(tmp_path / "a.xlsx", "#N/A", "TRUE", "2024-03-25", "1e5")
    cells = [load_workbook(path)["文字"].cell(row, 1) for row in range(2, 6)]

    assert [(cell.value, cell.data_type, cell.number_format) for cell in cells] == [
        ("#N/A", "s", "@"),
        ("TRUE", "s", "@"),
        ("2024-03-25", "s", "@"),
        ("1e5", "s", "@"),
    ]


def test_a_text_longer_than_a_cell_says_that_it_was_cut(tmp_path):
    with open_workbook(written(tmp_path / "a.xlsx", "长" * 40_000)) as book:
        [row] = book.sheet("文字").table(["文字"]).rows

    assert len(row.values["文字"]) == 32_767
    assert row.values["文字"].endswith("过长，余下从略）")


def a_form(path):
    book = OutgoingWorkbook()
    sheet = book.sheet(
        "企业",
        [
            Column(title="名称", width=30),
            Column(title="金额", kind=Kind.YUAN, is_open=True, note="元"),
            Column(title="日期", kind=Kind.DAY, is_open=True),
            Column(
                title="县市区",
                is_open=True,
                is_needed=True,
                choices=[f"第{i}县" for i in range(99)],
            ),
        ],
        intro=["填报表", "请填写橙色列"],
    )
    sheet.append(["甲", Decimal("120000.55"), date(2024, 3, 25), "第3县"])
    sheet.append(["乙", None, None, None], {"县市区": ["只有这里"]})
    sheet.append_empty(2)
    book.save(path)
    return load_workbook(path)


def test_facts_are_locked_and_answers_open(tmp_path):
    sheet = a_form(tmp_path / "a.xlsx")["企业"]

    assert sheet.protection.sheet
    assert [sheet.cell(4, column).protection.locked for column in (1, 2, 3, 4)] == [
        True,
        False,
        False,
        False,
    ]
    assert sheet.cell(3, 1).protection.locked
    assert [cell.value for cell in sheet[3]] == ["名称", "金额", "日期", "县市区*"]
    assert [cell.number_format for cell in sheet[4]] == ["@", "#,##0.00", "yyyy-mm-dd", "@"]
    assert (sheet.freeze_panes, sheet.column_dimensions["A"].width) == ("B4", 30)
    assert sheet["B3"].comment.text == "元"


def test_drop_downs_live_on_a_hidden_sheet_and_a_row_may_have_its_own(tmp_path):
    book = a_form(tmp_path / "a.xlsx")
    checks = {
        str(check.sqref): (check.type, check.formula1)
        for check in book["企业"].data_validations.dataValidation
    }

    assert checks == {
        "B4:B7": (None, None),
        "D4 D6:D7": ("list", "'选项'!$A$1:$A$99"),
        "D5": ("list", "'选项'!$B$1:$B$1"),
    }
    assert book["选项"].sheet_state == "hidden"
    assert [book["选项"].cell(row, 1).value for row in (1, 99)] == ["第0县", "第98县"]


def test_a_file_that_is_there_is_replaced_only_with_force(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_text("somebody's work")

    with pytest.raises(FileExistsAlreadyError, match="--force"):
        save_whole(path, lambda fresh: fresh.write_text("new"))
    assert path.read_text() == "somebody's work"

    save_whole(path, lambda fresh: fresh.write_text("new"), force=True)
    assert path.read_text() == "new"


def test_a_write_that_fails_leaves_what_was_there_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_text("before")

    def failing(fresh):
        fresh.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        save_whole(path, failing, force=True)

    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.xlsx"]


def test_a_place_that_takes_no_file_is_named(tmp_path):
    with pytest.raises(CannotWriteError, match="nowhere"):
        save_whole(tmp_path / "nowhere" / "a.xlsx", lambda fresh: None)


def test_a_book_that_could_not_be_saved_leaves_no_complaint_behind(tmp_path, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    book = OutgoingWorkbook()
    book.explain("说明", ["一行"])
    book.sheet("文字", [Column(title="文字")]).append(["甲"])

    with pytest.raises(CannotWriteError, match="目录不存在"):
        book.save(tmp_path / "nowhere" / "a.xlsx")
    del book
    gc.collect()

    assert complaints == []
