"""Whether the targets will be reached in time, from the items of a database."""

from datetime import date, timedelta

from sqlalchemy import Engine

from models.operations.forecasts import Forecast, TargetForecast, Verdict, forecast
from models.policy import load_programme
from models.rules.stages import Role, Stage
from models.rules.working_days import add_working_days, last_working_day_on_or_before
from tasks.database import reading
from tests.builders import OTHER_ENTERPRISE, World
from tests.many_cases import fill_with_cases


def foreseen(engine: Engine, today: date) -> Forecast:
    with reading(engine) as session:
        return forecast(session, load_programme(), today)


def target(made: Forecast, key: str) -> TargetForecast:
    return next(each for each in made.targets if each.key == key)


def test_without_a_case_every_target_lacks_cases_and_nobody_is_waited_for(world: World) -> None:
    made = foreseen(world.engine, world.today)

    assert {each.verdict for each in made.targets} == {Verdict.TOO_FEW_CASES}
    assert {each.p80 for each in made.targets} == {None}
    assert (made.latest_starts, made.bottleneck) == ((), None)


def test_with_few_data_the_policy_lengths_are_taken_and_it_says_so(world: World) -> None:
    """One case, just past its notice: five working days, fifteen, five, and so on."""
    case_no = world.started(Stage.TRANSFORMATION, "declare")

    made = foreseen(world.engine, world.today)

    assert "改造 · 申报支出" in made.steps_with_few_data
    [start] = made.latest_starts
    assert (start.case_no, start.step, start.goal) == (case_no, "改造 · 申报支出", "评定等级")
    assert start.goal_on == date(2025, 10, 31)
    # dossier 10, assign 3, review 15, assess 10, confirm 5
    assert start.remainder == 43
    assert start.latest_on is not None
    assert add_working_days(start.latest_on, 43) == date(2025, 10, 31)
    assert not start.is_too_late


def test_a_batch_of_one_is_foreseen_by_the_lengths_of_the_steps(world: World) -> None:
    """Annex item 7 of 2025 counts all that were selected: with one case it is that case's day."""
    world.started(Stage.TRANSFORMATION, "declare")

    graded = target(foreseen(world.engine, world.today), "2025-07")

    assert (graded.value, graded.target, graded.in_flight) == (0, 1, 1)
    assert graded.p50 == graded.p80 == add_working_days(world.today, 5 + 43)
    # In time if all take just what they may: that is no observation, and so no share of it.
    assert (graded.verdict, graded.chance_percent) == (Verdict.IN_TIME, None)
    assert graded.steps_with_few_data == (
        "改造 · 申报支出",
        "验收 · 提交验收材料",
        "验收 · 指派验收机构",
        "验收 · 现场验收",
        "评级 · 水平评定",
        "评级 · 确认等级",
    )


def test_before_a_step_without_a_length_a_case_has_a_last_day_that_says_what_it_rests_on(
    world: World,
) -> None:
    """实施改造 may last to the batch's end: beside the other steps it gets one working day."""
    world.started(Stage.DIAGNOSIS, "diagnose")

    made = foreseen(world.engine, world.today)

    [start] = made.latest_starts
    assert (start.step, start.goal, start.goal_on) == (
        "诊断 · 咨询诊断",
        "完成改造",
        load_programme().batch(2).transformation_ends_on,
    )
    assert start.remainder == 5 + 15 + 1  # confirm, contract, implement
    assert start.latest_on is not None
    assert add_working_days(start.latest_on, 21) == last_working_day_on_or_before(start.goal_on)
    assert start.steps_with_few_data == ("诊断 · 确认诊断", "改造 · 签订合同", "改造 · 实施改造")
    assert start.steps_of_one_day == ("改造 · 实施改造",)
    transformed = target(made, "2025-03")
    assert (transformed.verdict, transformed.chance_percent) == (Verdict.IN_TIME, None)
    assert "改造 · 实施改造" in transformed.steps_with_few_data


def test_the_last_day_before_a_step_of_unknown_length_is_past_when_the_targets_are_late(
    world: World,
) -> None:
    """The same forecast gives the step the same length in both of its answers."""
    world.started(Stage.DIAGNOSIS, "diagnose")
    ends_on = load_programme().batch(2).transformation_ends_on
    [start] = foreseen(world.engine, world.today).latest_starts
    assert start.latest_on is not None
    last_day = start.latest_on

    def told(today: date) -> tuple[bool, Verdict]:
        world.go_to(today)
        made = foreseen(world.engine, today)
        # The open item itself, overdue by now, takes one more working day.
        return made.latest_starts[0].is_too_late, target(made, "2025-03").verdict

    assert ends_on > last_day
    day_before = last_working_day_on_or_before(last_day - timedelta(days=1))
    assert told(day_before) == (False, Verdict.IN_TIME)
    assert told(add_working_days(last_day, 1)) == (True, Verdict.LATE)


def test_what_cannot_be_done_in_time_any_more_is_called_too_late(world: World) -> None:
    world.started(Stage.TRANSFORMATION, "declare")
    world.go_to(date(2025, 10, 20))

    made = foreseen(world.engine, world.today)

    [start] = made.latest_starts
    assert start.is_too_late
    assert target(made, "2025-07").verdict is Verdict.LATE
    assert target(made, "2025-07").chance_percent is None  # all by policy lengths


def test_the_party_that_is_waited_for_the_longest_is_the_bottleneck(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    world.go_to(world.today + timedelta(days=21))
    world.started(Stage.DIAGNOSIS, "diagnose", enterprise=OTHER_ENTERPRISE)

    made = foreseen(world.engine, world.today)

    assert made.bottleneck is Role.COUNTY_BUREAU
    assert Role.SYSTEM not in {each.role for each in made.waiting}
    assert sum(each.working_days for each in made.waiting) >= 15


def test_many_cases_are_foreseen_in_order_and_the_same_way_twice(world: World) -> None:
    fill_with_cases(world.engine, 60, seed=2, starts_on=date(2024, 1, 8))
    today = date(2024, 6, 3)

    made = foreseen(world.engine, today)

    assert made == foreseen(world.engine, today)
    for each in made.targets:
        if each.p50 and each.p80:
            assert each.p50 <= each.p80
        rests_on_data = not each.steps_with_few_data
        is_told = rests_on_data and each.verdict is not Verdict.TOO_FEW_CASES
        assert (each.chance_percent in range(101)) if is_told else (each.chance_percent is None)
    assert all(start.remainder is None or start.remainder >= 0 for start in made.latest_starts)
    assert target(made, "2024-03").chance_percent is not None  # all its steps were seen often
    everything = target(made, "transformed-enterprises")
    assert everything.verdict is Verdict.TOO_FEW_CASES  # 60 cases are fewer than 201


def test_nothing_is_changed_by_looking_ahead(world: World) -> None:
    world.started(Stage.DIAGNOSIS, "diagnose")
    before = world.dump()

    foreseen(world.engine, world.today)

    assert world.dump() == before
