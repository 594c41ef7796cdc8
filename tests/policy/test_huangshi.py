"""The Huangshi programme says what the plan says, word for word and figure for figure."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import models.policy
from models.policy import load_programme
from models.policy.sources import PolicyError
from models.rules.stages import STAGE_ORDER, Role, Stage
from models.rules.subsidy import SubsidyPolicy, subsidy_ceiling
from models.rules.working_days import known_years, last_working_day_on_or_before

PLAN = Path(models.policy.__file__).parent.joinpath("huangshi-2024", "plan.txt")

#: The annexes' windows as read off the plan by eye.
WINDOWS = {
    "2024-01": (date(2024, 1, 1), date(2024, 3, 31)),
    "2024-02": (date(2024, 3, 1), date(2024, 3, 31)),
    "2024-03": (date(2024, 3, 1), date(2024, 9, 30)),
    "2024-04": (date(2024, 5, 1), date(2024, 5, 31)),
    "2024-05": (date(2024, 6, 1), date(2024, 6, 30)),
    "2024-06": (date(2024, 6, 1), date(2024, 6, 30)),
    "2024-07": (date(2024, 8, 1), date(2024, 8, 31)),
    "2024-08": (date(2024, 10, 1), date(2024, 10, 31)),
    "2024-09": (date(2024, 10, 1), date(2024, 10, 31)),
    "2024-10": (date(2024, 11, 1), date(2024, 11, 30)),
    "2024-11": (date(2024, 1, 1), date(2024, 12, 31)),
    "2025-01": (date(2025, 1, 1), date(2025, 1, 31)),
    "2025-02": (date(2025, 2, 1), date(2025, 2, 28)),
    "2025-03": (date(2025, 3, 1), date(2025, 10, 31)),
    "2025-04": (date(2025, 6, 1), date(2025, 6, 30)),
    "2025-05": (date(2025, 9, 1), date(2025, 9, 30)),
    "2025-06": (date(2025, 10, 1), date(2025, 10, 31)),
    "2025-07": (date(2025, 10, 1), date(2025, 10, 31)),
    "2025-08": (date(2025, 12, 1), date(2025, 12, 31)),
    "2025-09": (date(2025, 1, 1), date(2025, 12, 31)),
}

#: The design's table of steps; None where a date of the batch ends the step.
WORKING_DAYS = {
    "application": {"submit": None, "county-review": 5, "city-review": 5, "public-notice": 5},
    "diagnosis": {"assign-provider": 5, "diagnose": 15, "confirm": 5},
    "transformation": {"contract": 15, "implement": None, "declare": 5},
    "acceptance": {"dossier": 10, "assign-assessor": 3, "review": 15},
    "grading": {"assess": 10, "confirm-level": 5},
    "subsidy": {"propose": 5, "public-notice": 5, "finance-approve": 5, "pay": 15},
}


def squeezed(text):
    return "".join(text.split())


def test_the_annexes_are_the_plans_word_for_word_and_item_for_item():
    rows = [line.split("\t") for line in PLAN.read_text(encoding="utf-8").splitlines()]
    plan = [squeezed("|".join(row)) for row in rows if len(row) == 3 and row[0].isdigit()]

    assert [
        squeezed(f"{each.number}|{each.wording}|{each.completion}")
        for each in load_programme().milestones
    ] == plan
    assert len(plan) == 20


def test_the_annex_windows_run_from_the_first_of_a_month_to_the_last():
    found = {m.key: (m.starts_on, m.ends_on) for m in load_programme().milestones}

    assert found == WINDOWS


def test_milestones_carry_the_targets_and_batches_the_annexes_state():
    milestones = load_programme().milestones

    assert {m.key: m.target for m in milestones if m.target} == {"2024-01": 100, "2025-01": 100}
    assert {m.key: m.batch for m in milestones if m.batch} == {
        **dict.fromkeys(["2024-01", "2024-03", "2024-06", "2024-07", "2024-08", "2024-09"], 1),
        **dict.fromkeys(["2025-01", "2025-03", "2025-04", "2025-05", "2025-06", "2025-07"], 2),
    }
    for m in milestones:
        assert ("第一批" in m.wording, "第二批" in m.wording) == (m.batch == 1, m.batch == 2)
        assert Role.CITY_BUREAU in m.bodies


def test_every_milestone_can_be_counted_back_in_working_days():
    ends = {m.key: last_working_day_on_or_before(m.ends_on) for m in load_programme().milestones}

    assert ends["2024-01"] == date(2024, 3, 29)
    assert ends["2025-01"] == date(2025, 1, 27)
    assert len(ends) == 20


@pytest.mark.parametrize("stage", STAGE_ORDER)
def test_every_step_of_the_design_has_its_working_days(stage):
    programme = load_programme()

    assert {key: programme.working_days(stage, key) for key in programme.steps[stage]} == (
        WORKING_DAYS[stage.value]
    )


def test_steps_without_working_days_end_with_their_batch():
    programme = load_programme()

    assert programme.step(Stage.APPLICATION, "submit").until == "application-end"
    assert programme.step(Stage.TRANSFORMATION, "implement").until == "batch-end"


def test_a_step_the_programme_does_not_know_is_refused():
    with pytest.raises(PolicyError) as refused:
        load_programme().working_days(Stage.SUBSIDY, "celebrate")

    assert str(refused.value) == "政策文件 steps.toml 的 steps.subsidy.celebrate：缺少此项"


def test_no_step_length_is_taken_as_verified():
    lengths = [each for steps in load_programme().steps.values() for each in steps.values()]

    assert len(lengths) == 19
    assert [each for each in lengths if each.verified] == []


def test_the_subsidy_is_the_plans():
    policy = load_programme().subsidy

    assert policy == SubsidyPolicy(
        rate=Decimal("0.4"),
        cap=Decimal(200000),
        min_level=2,
        source="黄政办函〔2024〕12号 三（一）4",
    )
    assert [
        subsidy_ceiling(Decimal(spend), level, policy).amount
        for spend, level in [(300_000, 2), (500_000, 2), (800_000, 2), (300_000, 1)]
    ] == [120_000, 200_000, 200_000, 0]


def test_awards_are_the_plans():
    assert {each.key: (each.cap, each.cap_per_recipient) for each in load_programme().awards} == {
        "demonstration-enterprise": (100_000, None),
        "light-product": (50_000, 100_000),
        "industrial-internet-platform": (200_000, None),
    }


def test_targets_are_the_plans_and_more_than_200_is_not_200():
    targets = {each.key: each for each in load_programme().targets}

    assert {key: each.number for key, each in targets.items()} == {
        "transformed-enterprises": 200,
        "demonstration-enterprises": 20,
        "light-solutions": 20,
        "chain-cases": 4,
    }
    transformed, chain = targets["transformed-enterprises"], targets["chain-cases"]
    assert [transformed.is_reached(count) for count in (199, 200, 201)] == [False, False, True]
    assert [chain.is_reached(count) for count in (3, 4, 5)] == [False, True, True]


def test_phases_follow_each_other_and_fill_the_programme():
    programme = load_programme()

    assert [(each.key, each.starts_on, each.ends_on) for each in programme.phases] == [
        ("preparation", date(2024, 1, 1), date(2024, 3, 31)),
        ("implementation", date(2024, 4, 1), date(2025, 10, 31)),
        ("summary", date(2025, 11, 1), date(2025, 12, 31)),
    ]
    assert (programme.starts_on, programme.ends_on) == (date(2024, 1, 1), date(2025, 12, 31))


def test_batches_have_their_windows_and_take_the_reading_in_force():
    programme = load_programme()

    assert [
        (
            each.number,
            each.target,
            each.application_starts_on,
            each.application_ends_on,
            each.transformation_starts_on,
            each.transformation_ends_on,
        )
        for each in programme.batches
    ] == [
        (
            1,
            100,
            date(2024, 1, 1),
            date(2024, 3, 31),
            date(2024, 4, 1),
            date(2024, 9, 30),
        ),
        (
            2,
            100,
            date(2025, 1, 1),
            date(2025, 1, 31),
            date(2025, 1, 1),
            date(2025, 10, 31),
        ),
    ]
    assert programme.batch(2) == programme.batches[1]
    with pytest.raises(PolicyError):
        programme.batch(3)


def test_the_five_contradictions_keep_both_readings_and_name_one():
    programme = load_programme()

    assert {
        each.key: ([reading.key for reading in each.readings], each.in_force)
        for each in programme.contradictions
    } == {
        "batch-1-transformation": (["body", "annex"], "body"),
        "midterm-evaluation": (["body", "annex"], "body"),
        "batch-2-transformation": (["body", "annex"], "body"),
        "demonstration-before-acceptance": (["annex", "body"], "annex"),
        "second-year-third-party-and-platform": (["carried-over", "chosen-anew"], "carried-over"),
    }
    assert [each.key for each in programme.contradictions if each.verified] == []


def test_readings_about_time_quote_the_plan():
    plan = squeezed(PLAN.read_text(encoding="utf-8"))
    dated = [
        reading
        for each in load_programme().contradictions
        for reading in each.readings
        if reading.starts_on
    ]

    assert len(dated) == 6
    assert [reading.text for reading in dated if squeezed(reading.text) not in plan] == []


def test_industries_stand_in_the_plan_and_counties_are_still_to_be_confirmed():
    programme = load_programme()

    assert [each.name for each in programme.industries] == [
        "高端装备", "电子信息", "铜铝精深加工", "生物医药",
    ]  # fmt: skip
    named = "、".join(each.name for each in programme.industries)
    assert named in PLAN.read_text(encoding="utf-8")
    assert [each.name for each in programme.counties] == [
        "大冶市", "阳新县", "黄石港区", "西塞山区", "下陆区", "开发区·铁山区",
    ]  # fmt: skip
    assert [each for each in programme.counties if each.verified] == []


@pytest.mark.parametrize(
    ("headcount", "revenue", "small"),
    [
        (999, "400000000", True),
        (1000, "399999999.99", True),
        (1000, "400000000", False),
    ],
)
def test_an_enterprise_below_either_limit_is_small_or_medium(headcount, revenue, small):
    eligibility = load_programme().eligibility

    assert eligibility.is_small_or_medium(headcount, Decimal(revenue)) == small
    assert not eligibility.verified


def test_the_bodies_are_the_roles_and_the_leading_group():
    keys = {each.key for each in load_programme().bodies}

    assert keys == {"leading-group", *(role.value for role in Role if role != Role.SYSTEM)}


def test_the_calendar_covers_the_programme_and_the_year_after_it():
    programme = load_programme()

    assert list(programme.calendar_years) == [2024, 2025, 2026]
    assert set(programme.calendar_years) <= set(known_years())


def test_everything_still_to_be_confirmed_is_listed_with_its_source():
    unverified = {each.place: each.source for each in load_programme().unverified}

    assert unverified["steps.toml steps.application.public-notice"] == (
        "深圳同类项目公示 5 个工作日（黄陂区为 7 个工作日）；黄石的公示期未查到"
    )
    assert "2024.toml levels[1]（2）" in unverified
    assert "money.toml subsidy" not in unverified
