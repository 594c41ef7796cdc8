"""The two editions of the national indicators as they are on file."""

from datetime import date
from decimal import Decimal

import pytest

from models.policy import latest_edition, load_rubric, rubric_editions
from models.policy.sources import PolicyError
from models.rules.grading import (
    AnswerError,
    level_by_score,
    overall_level,
    require_scenario_levels,
    score_answers,
)


def everything(rubric):
    """The best answer to every question."""
    return {
        question.id: "".join(option.key for option in question.options if option.points)
        if question.is_multiple
        else max(question.options, key=lambda option: option.points).key
        for question in rubric.questions
    }


def test_the_2024_edition_has_15_questions_and_100_points():
    rubric = load_rubric("2024")

    assert [question.number for question in rubric.questions] == list(range(1, 16))
    assert {each.name: each.max_points for each in rubric.dimensions} == {
        "数字化基础": 50,
        "数字化管理": 30,
        "数字化成效": 20,
        "数字化经营": None,
    }
    for dimension in rubric.dimensions:
        points = [q.max_points for q in rubric.questions if q.dimension == dimension.name]
        assert sum(points) == (dimension.max_points or 0)


def test_the_2024_edition_has_16_scenarios_ten_of_them_constraints():
    rubric = load_rubric("2024")

    assert [scenario.id for scenario in rubric.scenarios] == [f"S{n:02}" for n in range(1, 17)]
    assert sorted(rubric.constraint_ids) == [
        "S01", "S03", "S06", "S07", "S08", "S09", "S10", "S11", "S12", "S13",
    ]  # fmt: skip


def test_the_best_answers_score_100_and_the_exclusive_ones_nothing():
    rubric = load_rubric("2024")

    assert score_answers(rubric, everything(rubric)) == Decimal(100)
    assert score_answers(rubric, {question.id: "A" for question in rubric.questions}) == 0


def test_points_are_exact_decimals():
    rubric = load_rubric("2024")
    answers = {question.id: "A" for question in rubric.questions} | {"F4": "BCO", "F6": "B"}

    assert score_answers(rubric, answers) == Decimal("3.55")  # 0.7 + 0.7 + 0.9 + 1.25


def test_every_multiple_choice_has_one_exclusive_option_and_a_single_one_has_none():
    for question in load_rubric("2024").questions:
        exclusive = [option.key for option in question.options if option.exclusive]
        assert exclusive == (["A"] if question.is_multiple else []), question.id


@pytest.mark.parametrize(
    ("score", "scenarios", "level"),
    [("80", 10, 4), ("79", 10, 3), ("40", 6, 2), ("40", 5, 0), ("20", 6, 1), ("19", 16, 0)],
)
def test_levels_of_the_2024_edition_ask_for_score_and_scenarios(score, scenarios, level):
    rubric = load_rubric("2024")
    # Constraint scenarios first, so that only the two totals decide.
    ordered = sorted(rubric.scenarios, key=lambda each: not each.is_constraint)
    levels = {each.id: 4 if n < scenarios else 0 for n, each in enumerate(ordered)}
    require_scenario_levels(rubric, levels)

    assert overall_level(Decimal(score), levels, rubric.constraint_ids, rubric.levels) == level


def test_level_two_asks_for_three_constraint_scenarios():
    rubric = load_rubric("2024")
    guidance = [each.id for each in rubric.scenarios if not each.is_constraint]
    two = dict.fromkeys([*guidance, "S01", "S03"], 2)
    three = two | {"S06": 2}

    assert overall_level(Decimal(60), two, rubric.constraint_ids, rubric.levels) == 0
    assert overall_level(Decimal(60), three, rubric.constraint_ids, rubric.levels) == 2


def test_nothing_but_the_document_number_of_the_2024_edition_is_taken_as_verified():
    rubric = load_rubric("2024")

    parts = [*rubric.dimensions, *rubric.questions, *rubric.scenarios, *rubric.levels]
    assert rubric.verified
    assert [part for part in parts if part.verified] == []


def test_the_doubts_about_the_2024_edition_are_kept():
    rubric = load_rubric("2024")

    assert [each.id for each in rubric.questions if each.conflict] == ["F3", "F4", "M1"]
    assert [each.id for each in rubric.scenarios if each.conflict] == [
        "S01", "S02", "S04", "S08", "S09", "S12",
    ]  # fmt: skip
    assert [row.level for row in rubric.levels if row.conflict] == [3]


@pytest.mark.parametrize(
    ("score", "level"), [("19", 0), ("20", 1), ("40", 2), ("59.5", 2), ("60", 3), ("80", 4)]
)
def test_the_2022_edition_goes_by_the_total_score_alone(score, level):
    rubric = load_rubric("2022")

    assert level_by_score(Decimal(score), rubric.levels) == level
    with pytest.raises(AnswerError):
        score_answers(rubric, {})


@pytest.mark.parametrize(
    ("on", "edition"),
    [
        (date(2024, 4, 1), "2022"),
        (date(2024, 9, 3), "2022"),
        (date(2024, 9, 4), "2024"),  # issued inside batch 1: the edition trap
        (date(2025, 10, 31), "2024"),
    ],
)
def test_the_latest_edition_changes_inside_batch_one(on, edition):
    assert latest_edition(on) == edition


def test_editions_stand_oldest_first_and_unknown_ones_are_refused():
    assert rubric_editions() == ("2022", "2024")
    with pytest.raises(PolicyError) as refused:
        load_rubric("2023")
    assert str(refused.value) == "政策文件 rubrics/2023.toml：没有这一版评测指标"
    with pytest.raises(PolicyError):
        latest_edition(date(2022, 1, 1))
