"""Scores and levels on small rubrics made for the purpose; the real ones are in tests/policy."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.grading import (
    AnswerError,
    LevelRow,
    Option,
    Question,
    Rubric,
    Scenario,
    level_by_score,
    level_text,
    overall_level,
    require_scenario_levels,
    score_answers,
)


def a_question(number, *, is_multiple, points):
    return Question(
        id=f"Q{number}",
        number=number,
        dimension="数字化基础",
        secondary="设备系统",
        indicator="网络建设",
        text="题目",
        is_multiple=is_multiple,
        max_points=Decimal(10),
        options=(
            Option(key="A", text="无", points=Decimal(0), exclusive=is_multiple),
            *(
                Option(key=key, text=key, points=Decimal(each))
                for key, each in zip("BCD", points, strict=True)
            ),
        ),
        source="测试",
        verified=False,
        confidence="high",
        evidence=(),
    )


def a_row(level, min_score, min_scenarios, min_constraints):
    return LevelRow(
        level=level,
        name=level_text(level),
        min_score=Decimal(min_score),
        min_scenarios=min_scenarios,
        min_constraints=min_constraints,
        source="测试",
        verified=False,
        confidence="high",
    )


ROWS = (a_row(1, 20, 6, 3), a_row(2, 40, 6, 3), a_row(3, 60, 8, 5), a_row(4, 80, 10, 6))
SCORE_ROWS = tuple(a_row(level, 20 * level, 0, 0) for level in (1, 2, 3, 4))
IDS = [f"S{n:02}" for n in range(1, 17)]
CONSTRAINTS = frozenset(IDS[:10])

RUBRIC = Rubric(
    edition="测试版",
    title="测试指标",
    document_no="测试",
    in_use_from=date(2024, 9, 4),
    source="测试",
    verified=False,
    dimensions=(),
    levels=ROWS,
    questions=(
        a_question(1, is_multiple=True, points=["2.5", "2.5", "5"]),
        a_question(2, is_multiple=False, points=["1.5", "3", "10"]),
    ),
    scenarios=tuple(
        Scenario(
            id=key,
            number=number,
            group="生产执行数字化",
            name=f"场景{number}",
            is_constraint=key in CONSTRAINTS,
            level_texts=("一", "二", "三", "四"),
            source="测试",
            verified=False,
            confidence="high",
        )
        for number, key in enumerate(IDS, start=1)
    ),
)


def reached(constraints, others, level):
    """Scenario levels with so many constraint and other scenarios at `level`, the rest at 0."""
    high = {*IDS[:constraints], *IDS[10 : 10 + others]}
    return {key: level if key in high else 0 for key in IDS}


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("A", "A", "0"),
        ("B", "B", "4.0"),
        ("BCD", "D", "20.0"),
        ("d、b", "c", "10.5"),
        ("Ｂ， Ｃ", " b ", "6.5"),
    ],
)
def test_several_options_add_up_and_a_single_one_counts_alone(first, second, score):
    assert score_answers(RUBRIC, {"Q1": first, "Q2": second}) == Decimal(score)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"Q1": "BX", "Q2": "A"}, "第 1 题（网络建设）：没有选项 X，可选 A、B、C、D"),
        ({"Q1": "BB", "Q2": "A"}, "第 1 题（网络建设）：选项有重复：BB"),
        ({"Q1": "AB", "Q2": "A"}, "第 1 题（网络建设）：选项 A 不能与其他选项同时选"),
        ({"Q1": "B", "Q2": "AB"}, "第 2 题（网络建设）：是单选题，只能选一项，现为 AB"),
        ({"Q1": "B"}, "第 2 题（网络建设）：尚未作答"),
        ({"Q1": " ", "Q2": "A"}, "第 1 题（网络建设）：尚未作答"),
        ({"Q1": "B", "Q2": "A", "Q9": "A"}, "测试指标：没有题目 Q9"),
    ],
)
def test_what_makes_no_answer_is_refused_with_the_question(answers, message):
    with pytest.raises(AnswerError) as refused:
        score_answers(RUBRIC, answers)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"S01": 5}, "场景 S01（场景1）：等级应为 0—4，现为 5"),
        ({"S16": -1}, "场景 S16（场景16）：等级应为 0—4，现为 -1"),
        ({"S99": 1}, "测试指标：没有场景 S99"),
    ],
)
def test_scenario_levels_that_do_not_exist_are_refused(changes, message):
    with pytest.raises(AnswerError) as refused:
        require_scenario_levels(RUBRIC, {**reached(0, 0, 0), **changes})

    assert str(refused.value) == message


def test_a_scenario_left_out_is_refused():
    levels = reached(10, 6, 4)
    require_scenario_levels(RUBRIC, levels)
    del levels["S07"]

    with pytest.raises(AnswerError) as refused:
        require_scenario_levels(RUBRIC, levels)
    assert str(refused.value) == "场景 S07（场景7）：尚未评定等级"


@pytest.mark.parametrize(
    ("score", "constraints", "others", "at", "level"),
    [
        ("80", 6, 4, 4, 4),  # everything exactly on the threshold
        ("79.99", 6, 4, 4, 3),  # the score falls short: scenarios above a level count towards it
        ("80", 5, 5, 4, 3),  # a constraint scenario short
        ("80", 6, 3, 4, 3),  # a scenario short
        ("60", 5, 3, 3, 3),
        ("59.99", 5, 3, 3, 2),
        ("100", 4, 4, 3, 2),
        ("40", 3, 3, 2, 2),
        ("40", 3, 2, 2, 0),
        ("40", 2, 6, 2, 0),
        ("39.99", 3, 3, 2, 1),
        ("100", 10, 6, 1, 1),
        ("19.99", 10, 6, 4, 0),
        ("100", 0, 0, 0, 0),
    ],
)
def test_a_level_needs_the_score_and_both_scenario_counts(score, constraints, others, at, level):
    levels = reached(constraints, others, at)

    assert overall_level(Decimal(score), levels, CONSTRAINTS, ROWS) == level


@pytest.mark.parametrize(
    ("score", "level"),
    [("0", 0), ("19.99", 0), ("20", 1), ("39.9", 1), ("40", 2), ("60", 3), ("80", 4), ("100", 4)],
)
def test_by_score_alone_the_threshold_belongs_to_the_higher_level(score, level):
    assert level_by_score(Decimal(score), SCORE_ROWS) == level


def test_rows_that_ask_for_scenarios_are_not_graded_by_score_alone():
    with pytest.raises(ValueError, match="score alone"):
        level_by_score(Decimal(80), ROWS)


def test_an_edition_without_questions_takes_only_a_total():
    bare = Rubric(
        edition="空",
        title="空版",
        document_no="测试",
        in_use_from=date(2022, 1, 1),
        source="测试",
        verified=False,
        dimensions=(),
        levels=SCORE_ROWS,
    )

    with pytest.raises(AnswerError) as refused:
        score_answers(bare, {})
    assert str(refused.value) == "空版：未收录题目，只能填报总分"


def test_levels_have_their_words():
    assert [level_text(level) for level in range(5)] == [
        "未达一级",
        "一级",
        "二级",
        "三级",
        "四级",
    ]
    with pytest.raises(ValueError, match="no level"):
        level_text(5)


@given(
    score=st.decimals(0, 100, places=2),
    levels=st.fixed_dictionaries({key: st.integers(0, 4) for key in IDS}),
    better=st.sampled_from(IDS),
)
def test_doing_better_in_a_scenario_or_in_the_score_never_lowers_the_level(score, levels, better):
    before = overall_level(score, levels, CONSTRAINTS, ROWS)
    raised = {**levels, better: min(levels[better] + 1, 4)}

    assert overall_level(score, raised, CONSTRAINTS, ROWS) >= before
    assert overall_level(score + 1, levels, CONSTRAINTS, ROWS) >= before
