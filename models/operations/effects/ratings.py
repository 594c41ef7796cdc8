"""Ratings by the 评测指标: from what was filled in to score and level."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from models.forms.assessment import AssessmentPart, Edition
from models.operations.context import Answering
from models.operations.new_rows import keep
from models.policy import load_rubric
from models.rules.errors import PilotError
from models.rules.grading import (
    level_by_score,
    overall_level,
    require_scenario_levels,
    score_answers,
)
from models.tables.records import Assessment


class IncompleteRatingError(PilotError):
    """The rating is not complete for its edition."""

    def __init__(self, problem: str) -> None:
        """Say what is missing."""
        super().__init__(f"评测：{problem}")


@dataclass(frozen=True)
class Rating:
    """A score and the level that follows from it."""

    score: Decimal
    level: int
    scenarios: dict[str, int]


def rate(part: AssessmentPart) -> Rating:
    """Return score and level of `part` under its own edition.

    Raises `IncompleteRatingError`, or `AnswerError` naming the question.
    """
    rubric = load_rubric(part.edition.value)
    if part.edition is Edition.E2022:
        # Its questions and weights were not found: only total scores can be entered.
        try:
            score = Decimal(part.total_score)
        except InvalidOperation:
            score = Decimal(-1)
        if not score.is_finite() or not 0 <= score <= 100:
            raise IncompleteRatingError("2022年版须填写 0 至 100 的总分")
        return Rating(score, level_by_score(score, rubric.levels), {})
    answers, levels = part.answers.split(), part.scenarios.split()
    if len(answers) != len(rubric.questions):
        raise IncompleteRatingError(
            f"2024年版须依次填写 {len(rubric.questions)} 题的答案，现有 {len(answers)} 个"
        )
    if len(levels) != len(rubric.scenarios) or not all(level.isdecimal() for level in levels):
        raise IncompleteRatingError(
            f"2024年版须依次填写 {len(rubric.scenarios)} 个场景的等级（0 至 4），"
            f"现有 {len(levels)} 个"
        )
    score = score_answers(
        rubric,
        {question.id: given for question, given in zip(rubric.questions, answers, strict=True)},
    )
    scenarios = {
        scenario.id: int(level) for scenario, level in zip(rubric.scenarios, levels, strict=True)
    }
    require_scenario_levels(rubric, scenarios)
    level = overall_level(score, scenarios, rubric.constraint_ids, rubric.levels)
    return Rating(score, level, scenarios)


def keep_rating(
    answering: Answering, part: AssessmentPart, *, is_baseline: bool, is_on_site: bool, on: date
) -> None:
    """Record the rating of `part` with the edition it rests on."""
    rating = rate(part)
    keep(
        answering.session,
        Assessment(
            case_no=answering.case.case_no,
            item_id=answering.item.id,
            is_baseline=is_baseline,
            edition=part.edition.value,
            score=str(rating.score),
            level=rating.level,
            scenarios=json.dumps(rating.scenarios),
            is_on_site=is_on_site,
            assessed_on=on,
        ),
    )
