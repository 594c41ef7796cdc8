"""Every form is a sheet: nothing is lost between a form and its columns."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import BaseModel

from deployments.demonstration.answers import typical_answer
from models.forms.parts import part_of
from tasks.workbooks.form_columns import as_cell, cells_of, values_of
from tasks.workbooks.worklist_sheets import layouts
from tasks.workbooks.writing import Kind

LAYOUTS = layouts()
ENTERPRISE = {"credit_code": "91420281MA0ENT001U", "county": "大冶市", "industry": "高端装备"}


def paths(form: type[BaseModel], before: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = set()
    for name, field in form.model_fields.items():
        part, is_list = part_of(field)
        if part is None or is_list:
            found.add((*before, name))
        else:
            found |= paths(part, (*before, name))
    return found


def test_every_sheet_has_a_name_of_its_own_that_excel_takes():
    titles = [title for layout in LAYOUTS for title in (layout.title, *layout.lists)]

    assert len(set(titles)) == len(titles) > len(LAYOUTS)
    assert max(len(title) for title in titles) <= 31
    assert not any(letter in title for title in titles for letter in "[]:*?/\\'")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_every_value_of_a_form_has_a_column_or_is_a_list(layout):
    lists = {(form_list.name,) for form_list in layout.lists.values()}
    columns = [each.column.title for each in layout.columns]

    assert {each.path for each in layout.columns} | lists == paths(layout.step.form)
    assert len(set(columns)) == len(columns)
    assert columns[0] == "办理结果"


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_a_form_comes_back_from_its_cells(layout):
    if layout.step.key == "public-notice":
        answer = {"outcome": "登记异议", "objector": "吴九", "reach": "1380", "content": "不符"}
    else:
        answer = typical_answer(
            layout.stage,
            layout.step.key,
            enterprise=ENTERPRISE,
            case_no="HS-1-0001",
            today=date(2025, 1, 6),
        )
    answer = {"handler": "林一", **answer}

    back = values_of(layout.columns, cells_of(layout.columns, answer))
    for form_list in layout.lists.values():
        if form_list.name in answer:
            back[form_list.name] = [
                values_of(form_list.columns, cells_of(form_list.columns, line))
                for line in answer[form_list.name]
            ]

    assert layout.step.form.read(back) == layout.step.form.read(answer)


@pytest.mark.parametrize(
    ("kind", "written", "cell"),
    [
        (Kind.YUAN, "1,200.50", Decimal("1200.50")),
        (Kind.YUAN, "约一千", "约一千"),
        (Kind.YUAN, "NaN", "NaN"),
        (Kind.YUAN, "1234567890123456", "1234567890123456"),
        (Kind.WHOLE, "186", 186),
        (Kind.WHOLE, "一百", "一百"),
        (Kind.DAY, "2024-03-25", date(2024, 3, 25)),
        (Kind.DAY, "2024年3月", "2024年3月"),
        (Kind.TEXT, date(2024, 3, 25), "2024-03-25"),
        (Kind.TEXT, "00186", "00186"),
    ],
)
def test_what_excel_cannot_keep_exactly_stays_text(kind, written, cell):
    assert as_cell(kind, written) == cell
