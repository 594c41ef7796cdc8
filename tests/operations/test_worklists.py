"""What stands where: counted by stage and party, listed by urgency, in one query each."""

from datetime import date

from sqlalchemy import event

from models.operations.worklists import board, case_rows, open_items
from models.rules.stages import CaseStatus, Role, Stage
from tasks.database import reading
from tests.builders import CITY, COUNTY, ENTERPRISE, OTHER_ENTERPRISE, PROVIDER, World


def test_the_board_counts_every_stage_by_who_is_waited_for(world: World) -> None:
    world.open()  # due at the end of January
    world.started(Stage.APPLICATION, "city-review", enterprise=OTHER_ENTERPRISE)
    world.started(Stage.DIAGNOSIS, "diagnose", enterprise="示例华芯电子")

    with reading(world.engine) as session:
        rows = board(session, date(2025, 2, 6))

    assert [(row.label, row.open_items, dict(row.waiting), row.overdue) for row in rows] == [
        ("申报", 2, {Role.ENTERPRISE: 1, Role.CITY_BUREAU: 1}, 2),
        ("诊断", 1, {Role.PROVIDER: 1}, 0),
        ("改造", 0, {}, 0),
        ("验收", 0, {}, 0),
        ("评级", 0, {}, 0),
        ("补助", 0, {}, 0),
    ]


def test_open_items_come_most_urgent_first_with_working_days_left(world: World) -> None:
    submit = world.open()
    review = world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)

    with reading(world.engine) as session:
        items = open_items(session, today=world.today)

    assert [
        (item.case_no, item.party, item.due_on, item.days_left, item.is_overdue) for item in items
    ] == [
        (review, COUNTY, date(2025, 1, 13), 5, False),
        # The 28th to the 31st are the Spring Festival, the 26th is worked.
        (submit, ENTERPRISE, date(2025, 1, 27), 16, False),
    ]


def test_an_item_is_overdue_on_the_day_after_its_last_one(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")  # due on Monday the 13th

    with reading(world.engine) as session:
        days = [date(2025, 1, day) for day in (10, 11, 12, 13, 14, 15)]
        seen = [open_items(session, today=day, case_no=case_no)[0] for day in days]

    # Saturday and Sunday are no working days.
    assert [(item.days_left, item.is_overdue) for item in seen] == [
        (1, False),
        (1, False),
        (1, False),
        (0, False),
        (-1, True),
        (-2, True),
    ]


def test_days_left_are_unknown_where_the_calendar_ends(world: World) -> None:
    world.open()

    with reading(world.engine) as session:
        [item] = open_items(session, today=date(2030, 1, 1))

    assert (item.days_left, item.is_overdue) == (None, True)


def test_items_are_chosen_by_party_role_case_and_lateness(world: World) -> None:
    submit = world.open()
    review = world.started(Stage.APPLICATION, "city-review", enterprise=OTHER_ENTERPRISE)
    diagnose = world.started(Stage.DIAGNOSIS, "diagnose", enterprise="示例华芯电子")
    late = date(2025, 1, 20)

    with reading(world.engine) as session:

        def cases(**wanted: object) -> set[str]:
            return {item.case_no for item in open_items(session, today=late, **wanted)}  # type: ignore[arg-type]

        assert cases() == {submit, review, diagnose}
        assert cases(party=PROVIDER) == {diagnose}
        assert cases(party=CITY) == cases(party="市经信局") == {review}
        assert cases(party="无此单位") == set()
        assert cases(role=Role.ENTERPRISE) == {submit}
        assert cases(case_no=review) == {review}
        assert cases(overdue_only=True) == {review}


def test_an_item_sent_back_says_why_and_in_which_round(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    with reading(world.engine) as session:
        [item] = open_items(session, today=world.today, case_no=case_no)

    assert (item.step_label, item.round, item.reason) == ("提交申报", 2, "缺少营业收入证明")


def test_cases_are_listed_with_what_they_wait_for(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    withdrawn = world.open(OTHER_ENTERPRISE)
    world.say(withdrawn, outcome="撤回申报", reason="另有安排")

    with reading(world.engine) as session:
        rows = case_rows(session, today=world.today)

    assert [(r.case_no, r.stage, r.status, r.step_label, r.party) for r in rows] == [
        (case_no, Stage.DIAGNOSIS, CaseStatus.ACTIVE, "咨询诊断", PROVIDER),
        (withdrawn, Stage.APPLICATION, CaseStatus.WITHDRAWN, "", ""),
    ]


def test_cases_are_chosen_by_stage_status_batch_county_and_text(world: World) -> None:
    first = world.started(Stage.DIAGNOSIS, "diagnose")
    second = world.open("示例华芯电子", batch=1)

    with reading(world.engine) as session:

        def cases(**wanted: object) -> list[str]:
            return [row.case_no for row in case_rows(session, today=world.today, **wanted)]  # type: ignore[arg-type]

        assert cases() == [second, first]
        assert cases(stage=Stage.DIAGNOSIS) == [first]
        assert cases(status=CaseStatus.COMPLETED) == []
        assert cases(batch=1) == [second]
        assert cases(county="大冶市") == [first]
        assert cases(text="华芯") == cases(text="0222ma0ent002g") == cases(text="hs-1-") == [second]
        # What is typed is text, never a pattern.
        assert cases(text="%") == []


def test_each_list_is_one_query_whatever_its_length(world: World) -> None:
    for name in (ENTERPRISE, OTHER_ENTERPRISE, "示例华芯电子", "示例铜都铝业"):
        world.open(name)
    statements: list[str] = []
    event.listen(
        world.engine,
        "before_cursor_execute",
        lambda *given: statements.append(given[2]) if "FROM" in given[2] else None,
    )

    with reading(world.engine) as session:
        counts = []
        for make in (
            lambda: board(session, world.today),
            lambda: open_items(session, today=world.today),
            lambda: case_rows(session, today=world.today),
        ):
            statements.clear()
            counts.append((len(make()), len(statements)))

    assert counts == [(6, 1), (4, 1), (4, 1)]
