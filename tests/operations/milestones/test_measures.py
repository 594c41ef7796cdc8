"""What the milestones' measures count, as of a day."""

from datetime import date, timedelta

from sqlmodel import Session

from models.operations.milestones import REACHED_BY, MilestoneProgress, measured_cases, progress
from models.operations.milestones.measures import count_providers, reached_at
from models.rules.clock import day_of
from models.rules.milestones import Measure, MilestoneState
from models.rules.stages import Stage
from tasks.answering import withdraw_case
from tasks.database import reading
from tests.builders import ENTERPRISE, OTHER_ENTERPRISE, World


def standing(world: World, key: str, on: date | None = None) -> MilestoneProgress:
    with reading(world.engine) as session:
        found = progress(session, world.moment.programme, on or world.today)
    return next(each for each in found if each.key == key)


def counted(session: Session, measure: Measure, batch: int | None, on: date) -> list[str]:
    wanted = measured_cases(measure, batch, on, programme="huangshi-2024")
    return sorted(case_no for case_no, _ in session.execute(wanted))


def test_all_milestones_and_targets_stand_in_the_order_of_the_plan(world: World) -> None:
    with reading(world.engine) as session:
        found = progress(session, world.moment.programme, world.today)

    programme = world.moment.programme
    assert [each.key for each in found] == [
        *(each.key for each in programme.milestones),
        *(each.key for each in programme.targets),
    ]
    assert {each.key: each.target for each in found if each.is_programme_target} == {
        "transformed-enterprises": 201,  # “超过 200 家”
        "demonstration-enterprises": 20,
        "light-solutions": 20,
        "chain-cases": 4,
    }


def test_a_case_counts_from_the_day_it_was_selected_transformed_and_graded(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")
    selected_on = world.today
    world.go_to(selected_on + timedelta(days=1))
    world.walk(case_no, Stage.TRANSFORMATION, "declare")
    transformed_on = world.today
    world.go_to(transformed_on + timedelta(days=1))
    world.walk(case_no, Stage.SUBSIDY, "propose")
    graded_on = world.today

    reached = dict(
        zip(
            REACHED_BY,
            [selected_on, transformed_on, graded_on],
            strict=True,
        )
    )
    with reading(world.engine) as session:
        for measure, day in reached.items():
            assert counted(session, measure, 2, day) == [case_no]
            assert counted(session, measure, None, day) == [case_no]
            assert counted(session, measure, 1, day) == []
            assert counted(session, measure, 2, day - timedelta(days=1)) == []


def test_a_case_sent_back_for_rectification_is_not_transformed_until_it_is_mended(
    world: World,
) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "review")
    before = world.today
    world.go_to(before + timedelta(days=1))
    world.answer(case_no, outcome="rectify")
    sent_back = world.today
    world.go_to(sent_back + timedelta(days=1))
    world.walk(case_no, Stage.TRANSFORMATION, "declare")

    with reading(world.engine) as session:
        transformed = Measure.CASES_TRANSFORMED
        assert counted(session, transformed, 2, before) == [case_no]
        assert counted(session, transformed, 2, sent_back) == []
        assert counted(session, transformed, 2, world.today) == [case_no]


def test_who_withdraws_counts_up_to_the_day_before(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")
    before = world.today
    world.go_to(before + timedelta(days=1))
    withdraw_case(case_no, "停产", world.deed("撤回"), moment=world.moment, on=world.engine)

    assert standing(world, "2025-01", before).value == 1
    assert standing(world, "2025-01").value == 0


def test_the_batch_is_done_when_all_of_it_is_and_nobody_applies_any_more(world: World) -> None:
    first = world.started(Stage.TRANSFORMATION, "declare")
    other = world.open(OTHER_ENTERPRISE)
    during = standing(world, "2025-03")
    world.go_to(date(2025, 2, 5))
    applying = standing(world, "2025-03")
    withdraw_case(other, "不再申报", world.deed("撤回"), moment=world.moment, on=world.engine)
    settled = standing(world, "2025-03")

    assert (during.value, during.target, during.is_target_final) == (1, 1, False)
    assert (applying.state, applying.is_finished) == (MilestoneState.UNDER_WAY, False)
    assert (settled.target_text, settled.state) == ("全部 1 家", MilestoneState.DONE)
    assert settled.done_on is not None
    assert settled.done_on < world.today
    assert world.case(first).stage is Stage.TRANSFORMATION


def test_a_number_is_reached_on_the_day_of_the_case_that_fills_it(world: World) -> None:
    days = []
    for enterprise in (ENTERPRISE, OTHER_ENTERPRISE):
        world.started(Stage.DIAGNOSIS, "assign-provider", enterprise=enterprise)
        days.append(world.today)
        world.go_to(world.today + timedelta(days=1))

    with reading(world.engine) as session:
        reached = [
            reached_at(
                session, Measure.CASES_SELECTED, 2, world.today, number, programme="huangshi-2024"
            )
            for number in (1, 2, 3)
        ]
    assert [at and day_of(at) for at in reached] == [*days, None]


def test_with_nothing_done_every_state_follows_from_the_day(world: World) -> None:
    states = {
        key: standing(world, key, date(2025, 2, 1)).state.label
        for key in ("2024-01", "2024-11", "2025-01", "2025-02", "2025-09", "2025-08")
    }

    assert states == {
        "2024-01": "逾期",
        "2024-11": "逾期",
        "2025-01": "逾期",
        "2025-02": "进行中",
        "2025-09": "进行中",
        "2025-08": "未开始",
    }


def test_providers_count_by_the_trail_of_the_register(world: World) -> None:
    with reading(world.engine) as session:
        today = count_providers(session, world.today)
        before = count_providers(session, world.today - timedelta(days=1))

    assert before == 0
    assert today == standing(world, "2025-02").value == 2  # the third stands outside the pool
