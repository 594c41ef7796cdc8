"""Rosters for tests: the template filled in by a person, and imported into a world."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from models.policy import load_programme
from models.rules.credit_code import check_digit
from tasks.rosters import Imported, Wanted, import_roster
from tasks.workbooks.roster import write_template
from tests.builders import World

#: Sheet -> rows, each column title -> cell.
Sheets = Mapping[str, Sequence[Mapping[str, object]]]

#: The template's heading; its example stands in the row below.
HEADING_ROW = 3
FIRST_ROW = 5


def code(number: int) -> str:
    """Return a credit code of nobody else."""
    stem = f"91420281MA7{number:06}"
    return stem + check_digit(stem)


def an_enterprise(number: int, **changes: object) -> dict[str, object]:
    """Return a row of 企业."""
    return {
        "企业名称": f"名册企业{number}",
        "统一社会信用代码": code(number),
        "所属县市区": "大冶市",
        "所属行业": "高端装备",
        "从业人数": 120,
        **changes,
    }


def a_contact(party: str, name: str = "林一", **changes: object) -> dict[str, object]:
    """Return a row of 联系人."""
    return {
        "单位类别": "企业",
        "单位名称": party,
        "姓名": name,
        "电子邮箱": "lin@example.com",
        **changes,
    }


def two_enterprises() -> dict[str, list[dict[str, object]]]:
    """Return a roster of two new enterprises with one person each."""
    return {
        "企业": [an_enterprise(1), an_enterprise(2)],
        "联系人": [a_contact("名册企业1"), a_contact("名册企业2", 电话="139 0000 0000")],
    }


def fill(path: Path, sheets: Sheets) -> Path:
    """Write the template to `path` and fill it in as a person does, below the example."""
    write_template(path, load_programme(), force=True, rows=20)
    book = load_workbook(path)
    for title, rows in sheets.items():
        sheet: Any = book[title]
        places = {
            str(cell.value).rstrip("*"): cell.column for cell in sheet[HEADING_ROW] if cell.value
        }
        for number, row in enumerate(rows, start=FIRST_ROW):
            for column, value in row.items():
                sheet.cell(number, places[column]).value = value
    book.save(path)
    return path


def brought_in(
    world: World, path: Path, wanted: Wanted = Wanted.APPLY, *, overwrites_checked: bool = False
) -> Imported:
    """Import the roster at `path` into the world."""
    return import_roster(
        path,
        world.deed("名册导入"),
        wanted,
        moment=world.moment,
        overwrites_checked=overwrites_checked,
        on=world.engine,
    )
