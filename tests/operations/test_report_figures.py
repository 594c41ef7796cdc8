"""What the reports count: as of a day, nothing of the days after it, the parts adding up."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.operations.documents import IncomingDocument
from models.operations.milestones import progress, record_evidence
from models.operations.parties import party_named
from models.operations.report_facts import CaseLine, case_lines
from models.operations.report_marks import Mark
from models.operations.report_snapshots import compose
from models.policy import load_programme
from models.rules.report_content import ColumnKind, Report, ReportKind, Slot, Table
from models.rules.stages import CaseStatus, Role, Stage
from tasks.answering import withdraw_case
from tasks.database import reading, transaction
from tests.builders import CITY, OTHER_ENTERPRISE, World, fill_world, make_world
from tests.many_cases import fill_with_cases


def line(world: World, case_no: str, as_of: date) -> CaseLine:
    with reading(world.engine) as session:
        lines = case_lines(session, load_programme().key, as_of)
    return next(each for each in lines if each.case_no == case_no)


def report(engine: Engine, as_of: date, kind: ReportKind = ReportKind.FINAL) -> Report:
    with reading(engine) as session:
        return compose(session, load_programme(), kind, as_of)


def tables(of: Report) -> dict[str, Table]:
    return {
        block.title: block
        for section in of.sections
        for block in section.blocks
        if isinstance(block, Table)
    }


def test_each_day_knows_what_had_been_done_by_its_end_and_nothing_later(world: World) -> None:
    first = world.today
    case_no = world.open()
    world.walk(case_no, Stage.DIAGNOSIS, "assign-provider")
    selected_on = world.today
    world.go_to(selected_on + timedelta(days=10))
    world.walk(case_no, Stage.GRADING, "confirm-level")
    world.go_to(world.today + timedelta(days=7))
    graded_on = world.today
    world.walk(case_no)  # to the payment, over a public notice
    paid_on = world.today

    start = line(world, case_no, first)
    assert (start.marks, start.ended) == (frozenset({Mark.APPLIED}), None)
    assert line(world, case_no, selected_on - timedelta(days=1)).marks == {Mark.APPLIED}
    assert line(world, case_no, selected_on).marks == {Mark.APPLIED, Mark.SELECTED}

    before = line(world, case_no, graded_on - timedelta(days=1))
    assert Mark.ACCEPTED in before.marks
    assert Mark.GRADED not in before.marks
    assert (before.eligible, before.level, before.proposed) == (Decimal("300000.00"), None, 0)

    graded = line(world, case_no, graded_on)
    assert (graded.level, graded.proposed, graded.paid) == (2, Decimal("120000.00"), 0)

    late = line(world, case_no, paid_on)
    assert late.ended is CaseStatus.COMPLETED
    assert (late.approved, late.paid) == (Decimal("120000.00"), Decimal("120000.00"))
    assert line(world, case_no, paid_on - timedelta(days=1)).paid == 0
    assert line(world, case_no, paid_on - timedelta(days=1)).ended is None


def test_a_case_sent_back_to_be_mended_is_not_transformed_until_it_is_mended(world: World) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "review")
    assert Mark.TRANSFORMED in line(world, case_no, world.today).marks
    world.go_to(world.today + timedelta(days=1))

    world.answer(case_no, outcome="限期整改")

    assert Mark.TRANSFORMED not in line(world, case_no, world.today).marks
    assert Mark.TRANSFORMED in line(world, case_no, world.today - timedelta(days=1)).marks


def test_who_withdraws_is_selected_no_more_but_was_until_then(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    world.go_to(world.today + timedelta(days=1))

    withdraw_case(case_no, "停产", world.deed("撤回"), moment=world.moment, on=world.engine)

    assert line(world, case_no, world.today).marks == {Mark.APPLIED}
    assert Mark.SELECTED in line(world, case_no, world.today - timedelta(days=1)).marks


def test_a_proposal_that_was_sent_back_is_no_money(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "finance-approve")
    assert line(world, case_no, world.today).proposed == Decimal("120000.00")
    proposed_on = world.today
    world.go_to(world.today + timedelta(days=1))

    world.say(case_no, outcome="退回重报", opinion="请核对比例")

    assert line(world, case_no, world.today).proposed == 0
    assert line(world, case_no, proposed_on).proposed == Decimal("120000.00")


def test_the_report_counts_what_the_milestones_count(world: World) -> None:
    world.started(Stage.ACCEPTANCE, "dossier")
    world.started(Stage.DIAGNOSIS, "diagnose", enterprise=OTHER_ENTERPRISE)
    fill_with_cases(world.engine, 40)
    day = date(2025, 6, 30)

    with reading(world.engine) as session:
        standing = {each.key: each.value for each in progress(session, load_programme(), day)}
    by_batch = tables(report(world.engine, day))["各批次遴选和改造情况"]

    assert by_batch.rows[0][2:] == (standing["2024-01"], standing["2024-03"])
    assert by_batch.rows[1][2:] == (standing["2025-01"], standing["2025-03"])
    assert by_batch.rows[2][3] == standing["transformed-enterprises"]


def test_an_empty_programme_has_a_report_of_noughts_and_slots(world: World) -> None:
    empty = report(world.engine, world.today, ReportKind.MONTHLY)

    assert [section.title for section in empty.text_sections] == [
        "本月进展",
        "目标任务完成情况",
        "数字化改造",
        "复制推广",
        "中小企业创新能力提升",
        "典型经验做法",
        "财政资金使用",
    ]
    assert [block.block for block in empty.text_sections[5].blocks] == ["slot"]
    assert tables(empty)["分批次资金情况"].rows[-1] == (
        ("合计", "0.00", "0.00", "0.00", "0.00", 0, "0.00")
    )
    assert tables(empty)["工作目标完成情况"].rows[1][2] == "待填写"


@pytest.fixture(scope="module")
def crowd(copies, tmp_path_factory):
    """One world with many cases, for tests that only look."""

    def fill(engine: Engine) -> None:
        fill_world(engine)
        fill_with_cases(engine, 80, seed=7)

    yield from copies.fresh(fill)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(day=st.dates(date(2024, 1, 1), date(2025, 12, 31)))
def test_the_parts_of_every_table_add_up_to_its_total_to_the_fen(crowd: Engine, day: date) -> None:
    world = make_world(crowd)
    for table in tables(report(world.engine, day, ReportKind.MONTHLY)).values():
        if not table.has_total:
            continue
        for place, column in enumerate(table.columns):
            if column.kind in (ColumnKind.COUNT, ColumnKind.YUAN):
                cells = [Decimal(row[place] or 0) for row in table.rows]
                assert sum(cells[:-1]) == cells[-1], (table.title, column.title)


def test_the_three_groupings_have_one_total(crowd: Engine) -> None:
    found = tables(report(crowd, date(2025, 10, 31)))

    for what in ("改造进展", "资金情况"):
        totals = {found[f"分{by}{what}"].rows[-1] for by in ("批次", "县市区", "行业")}
        assert len(totals) == 1


def test_a_day_seen_later_is_what_it_was(crowd: Engine) -> None:
    """The figures of a day do not change by what is recorded after it."""
    as_it_was = report(crowd, date(2024, 6, 30)).canonical()
    fill_with_cases(crowd, 10, seed=3, starts_on=date(2025, 7, 1))

    assert report(crowd, date(2024, 6, 30)).canonical() == as_it_was


def test_recorded_evidence_stands_at_the_slot_it_helps_with_and_fills_its_target(
    world: World, tmp_path: Path
) -> None:
    listed = tmp_path / "公布名单.pdf"
    listed.write_bytes(b"%PDF-1.4 list")
    with (
        IncomingDocument(tmp_path / "documents", listed) as document,
        transaction(world.engine) as session,
    ):
        record_evidence(
            session,
            load_programme(),
            "demonstration-enterprises",
            document,
            world.deed("登记佐证"),
            party_named(session, Role.CITY_BUREAU, CITY),
            done_on=world.today - timedelta(days=1),
            number=8,
            note="第一批",
            at=world.moment.at,
        )

    made = report(world.engine, world.today)
    before = report(world.engine, world.today - timedelta(days=2))

    [slot] = [
        block
        for section in made.sections
        for block in section.blocks
        if isinstance(block, Slot) and block.recorded
    ]
    assert slot.recorded == (
        "2025年1月5日，《公布名单.pdf》，载明 8 个，第一批（中小企业数字化转型示范企业）",
    )
    assert tables(made)["工作目标完成情况"].rows[1][2] == 8
    assert tables(before)["工作目标完成情况"].rows[1][2] == "待填写"
