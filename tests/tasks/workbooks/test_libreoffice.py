"""LibreOffice opens what we write, shows it and keeps the drop-downs: no file needs a repair."""

import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tasks.workbooks.case_table import write_case_table
from tasks.workbooks.reading import open_workbook
from tasks.workbooks.worklist_sheets import (
    ITEM,
    REASON,
    STATUS,
    ItemRow,
    ListRow,
    explanation,
    layouts,
    write_list,
    write_step,
    write_way_back,
)
from tasks.workbooks.writing import Column, Kind, OutgoingWorkbook

#: Together far more than the 255 letters that a list inside a cell may have.
PEOPLE = [f"联系人{number:03}号" for number in range(200)]
TEXTS = ["=1+1", "'=1+1", "+86 714 1", "-", "@SUM(A1)", "#N/A", "a\nb", "😀", "长" * 5000]


def a_worklist(path: Path, *, has_results: bool) -> Path:
    book = OutgoingWorkbook()
    counts = {layout.title: 2 for layout in layouts()}
    book.explain("说明", explanation("市经信局", date(2024, 3, 25), counts, ""))
    for layout in layouts():
        result = {STATUS: "未受理", REASON: "原因"} if has_results else None
        rows = [
            ItemRow(
                facts={
                    ITEM: number,
                    "企业名称": f"示例企业{number}",
                    "截止日期": date(2024, 3, 25),
                },
                cells={},
                choices={"经办人": [*PEOPLE, f"另一人{number}"]},
                result=result,
            )
            for number in (1, 2)
        ]
        write_step(book, layout, rows)
        for title in layout.lists:
            known = [ListRow(item_id=1, enterprise="示例企业1")]
            write_list(book, layout, title, known, {1: "示例企业1", 2: "示例企业2"})
    write_way_back(book, "0" * 32, "市经信局", date(2024, 3, 25))
    book.save(path)
    return path


def texts(path: Path) -> Path:
    book = OutgoingWorkbook()
    sheet = book.sheet(
        "文字", [Column(title="文字"), Column(title="金额", kind=Kind.YUAN)], is_protected=False
    )
    for text in TEXTS:
        sheet.append([text, Decimal("120000.55")])
    book.save(path)
    return path


def drop_downs(path: Path) -> dict[str, dict[tuple[int, int], str]]:
    """Return, for every sheet, where which list is offered."""
    book = load_workbook(path)
    return {
        sheet.title: {
            cell: check.formula1.replace("'", "")
            for check in sheet.data_validations.dataValidation
            if check.type == "list"
            for cells in check.sqref.ranges
            for cell in cells.cells
        }
        for sheet in book.worksheets
    }


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Every kind of workbook, as written and as LibreOffice has saved it, in one go."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is missing; tests/need-debian-packages installs it"
    folder = tmp_path_factory.mktemp("written")
    write_case_table(folder / "cases.xlsx", [], heading="截至 2024-03-25")
    written = [
        a_worklist(folder / "list.xlsx", has_results=False),
        a_worklist(folder / "results.xlsx", has_results=True),
        texts(folder / "texts.xlsx"),
        folder / "cases.xlsx",
    ]
    done = subprocess.run(
        [
            soffice,
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            *("--convert-to", "xlsx", "--outdir", str(folder / "out")),
            *map(str, written),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert "Error" not in done.stdout + done.stderr
    return {path.stem: (path, folder / "out" / path.name) for path in written}


@pytest.mark.parametrize("name", ["list", "results"])
def test_drop_downs_survive(converted: dict[str, tuple[Path, Path]], name: str) -> None:
    before, after = (drop_downs(path) for path in converted[name])

    assert sum(map(len, before.values())) > 300
    assert after == before


@pytest.mark.parametrize("name", ["list", "results", "texts", "cases"])
def test_every_sheet_and_row_is_there_and_the_file_may_come_back(
    converted: dict[str, tuple[Path, Path]], name: str
) -> None:
    def content(path: Path) -> dict[str, list[object]]:
        with open_workbook(path) as book:
            return {
                title: [
                    [value for value in row.values if value is not None] for row in sheet.rows()
                ]
                for title, sheet in book.sheets.items()
            }

    before, after = (content(path) for path in converted[name])

    assert after == before


def test_text_that_looks_like_a_formula_is_text_there_too(
    converted: dict[str, tuple[Path, Path]],
) -> None:
    with open_workbook(converted["texts"][1]) as book:
        rows = list(book.sheet("文字").table(["文字", "金额"]).rows)

    assert [row.values["文字"] for row in rows] == TEXTS
    assert {row.values["金额"] for row in rows} == {"120000.55"}
    assert {len(row.problems) for row in rows} == {0}


def test_facts_stay_locked(converted: dict[str, tuple[Path, Path]]) -> None:
    sheet = load_workbook(converted["list"][1])["申报·县市区初审"]

    assert sheet.protection.sheet
    assert sheet["A4"].protection.locked
    assert not sheet["H4"].protection.locked
