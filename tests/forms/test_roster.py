"""The rows of the roster: which are right by themselves, and what is said of the others."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forms.roster import (
    SHEETS,
    EnterpriseRow,
    RosterContext,
    RosterRow,
    columns_of,
    read_row,
)
from models.policy import load_programme
from models.tables.party import Party

CONTEXT = RosterContext(programme=load_programme(), today=date(2025, 1, 6))
LIMITS = load_programme().eligibility


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.__name__)
def test_the_example_of_a_sheet_is_right_and_fills_every_needed_column(
    sheet: type[RosterRow],
) -> None:
    read = read_row(sheet, dict(sheet.example), CONTEXT)

    assert isinstance(read, RosterRow)
    for column in columns_of(sheet, CONTEXT.programme):
        assert column.note or not column.is_required
        assert column.example is not None or not column.is_required
        assert not column.choices or column.example in column.choices


def test_every_fact_of_an_enterprise_has_its_place_in_the_table() -> None:
    assert set(EnterpriseRow.model_fields) <= set(Party.model_fields)


@settings(deadline=None)
@given(st.integers(1, 3000), st.decimals(0, 10**9, places=2))
def test_an_enterprise_above_both_limits_and_no_other_is_too_large(
    headcount: int, revenue: Decimal
) -> None:
    row = {**EnterpriseRow.example, "headcount": str(headcount), "revenue": str(revenue)}

    read = read_row(EnterpriseRow, row, CONTEXT)

    is_too_large = headcount >= LIMITS.staff_below and revenue >= LIMITS.revenue_below
    assert isinstance(read, list) is is_too_large
    if isinstance(read, list):
        assert [problem.field for problem in read] == ["revenue"]


@settings(max_examples=60, deadline=None)
@given(
    cells=st.dictionaries(
        st.sampled_from(sorted(EnterpriseRow.model_fields)),
        st.one_of(st.text(max_size=30), st.dates(), st.sampled_from(["大冶市", "规上", "120"])),
    )
)
def test_any_cells_are_a_row_or_are_told_what_is_wrong(cells: dict[str, object]) -> None:
    found = read_row(EnterpriseRow, cells, CONTEXT)

    if isinstance(found, list):
        assert found
        assert {problem.field for problem in found} <= set(EnterpriseRow.model_fields)
        assert all(problem.what and problem.mend for problem in found)
    else:
        assert {"name", "credit_code", "county", "industry"} <= set(cells)
