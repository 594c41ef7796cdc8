"""Digital levels by the national indicators (中小企业数字化水平评测指标), any edition."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Final

from models.rules.errors import PilotError

#: The highest level an enterprise, or one scenario of it, can reach.
TOP_LEVEL: Final = 4
_NUMERALS: Final = "零一二三四"
#: What people put between the letters of an answer: `B、C`.
_SEPARATORS: Final = dict.fromkeys(map(ord, " \t,、;"))


class _Figures:
    """Base of what is read from a file: a key there that is no field here is a mistake."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Option(_Figures):
    """One choice of a question; an exclusive one ("none") goes with no other."""

    key: str
    text: str
    points: Decimal
    exclusive: bool = False


@dataclass(frozen=True, kw_only=True)
class Question(_Figures):
    """One scored question."""

    id: str
    number: int
    dimension: str
    secondary: str
    indicator: str
    text: str
    is_multiple: bool
    max_points: Decimal
    options: tuple[Option, ...]
    source: str
    verified: bool
    confidence: str
    evidence: tuple[str, ...]
    input_fields: tuple[str, ...] = ()
    formula: str = ""
    note: str = ""
    conflict: str = ""


@dataclass(frozen=True, kw_only=True)
class Scenario(_Figures):
    """One business scenario; `level_texts` describe levels one to four."""

    id: str
    number: int
    group: str
    name: str
    is_constraint: bool
    level_texts: tuple[str, str, str, str]
    source: str
    verified: bool
    confidence: str
    conflict: str = ""


@dataclass(frozen=True, kw_only=True)
class LevelRow(_Figures):
    """What one level asks for: a score and how many scenarios at that level or above."""

    level: int
    name: str
    min_score: Decimal
    min_scenarios: int
    min_constraints: int
    source: str
    verified: bool
    confidence: str
    note: str = ""
    conflict: str = ""


@dataclass(frozen=True, kw_only=True)
class Dimension(_Figures):
    """One of the four dimensions; without `max_points` it is not scored, or not known."""

    name: str
    source: str
    verified: bool
    confidence: str
    max_points: Decimal | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Remark(_Figures):
    """Something about the edition that the person who grades should know."""

    topic: str
    text: str
    source: str
    verified: bool


@dataclass(frozen=True, kw_only=True)
class Rubric(_Figures):
    """One edition of the indicators. Without questions only total scores can be entered."""

    edition: str
    title: str
    document_no: str
    in_use_from: date
    source: str
    verified: bool
    dimensions: tuple[Dimension, ...]
    levels: tuple[LevelRow, ...]
    questions: tuple[Question, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def constraint_ids(self) -> frozenset[str]:
        """The ids of the 约束性 scenarios."""
        return frozenset(scenario.id for scenario in self.scenarios if scenario.is_constraint)


class AnswerError(PilotError):
    """An assessment's answers do not fit the questions."""

    def __init__(self, subject: str, problem: str) -> None:
        """Say which question or scenario, and what is wrong."""
        self.subject = subject
        super().__init__(f"{subject}：{problem}")


def level_text(level: int) -> str:
    """Return `二级` for 2 and `未达一级` for 0."""
    if not 0 <= level <= TOP_LEVEL:
        raise ValueError(f"there is no level {level}")
    return f"{_NUMERALS[level]}级" if level else "未达一级"


def _chosen(question: Question, letters: str) -> list[Option]:
    """Return the options that `letters` name; raise `AnswerError` if they make no answer."""
    subject = f"第 {question.number} 题（{question.indicator}）"
    keys = unicodedata.normalize("NFKC", letters).upper().translate(_SEPARATORS)
    options = {option.key: option for option in question.options}
    unknown = "、".join(dict.fromkeys(key for key in keys if key not in options))
    if unknown:
        raise AnswerError(subject, f"没有选项 {unknown}，可选 {'、'.join(options)}")
    if not keys:
        raise AnswerError(subject, "尚未作答")
    if len(set(keys)) < len(keys):
        raise AnswerError(subject, f"选项有重复：{keys}")
    if not question.is_multiple and len(keys) > 1:
        raise AnswerError(subject, f"是单选题，只能选一项，现为 {keys}")
    chosen = [options[key] for key in keys]
    if len(chosen) > 1:
        for option in chosen:
            if option.exclusive:
                raise AnswerError(subject, f"选项 {option.key} 不能与其他选项同时选")
    return chosen


def score_answers(rubric: Rubric, answers: Mapping[str, str]) -> Decimal:
    """Return the score of `answers` (question id → the letters chosen), unrounded.

    Every question must be answered. Letters may be in either case and be separated by spaces or
    commas. Raises `AnswerError` for the first one that makes no answer.
    """
    if not rubric.questions:
        raise AnswerError(rubric.title, "未收录题目，只能填报总分")
    known = {question.id for question in rubric.questions}
    strange = [given for given in answers if given not in known]
    if strange:
        raise AnswerError(rubric.title, f"没有题目 {'、'.join(strange)}")
    return sum(
        (
            option.points
            for question in rubric.questions
            for option in _chosen(question, answers.get(question.id, ""))
        ),
        Decimal(0),
    )


def require_scenario_levels(rubric: Rubric, scenario_levels: Mapping[str, int]) -> None:
    """Raise `AnswerError` unless every scenario of `rubric`, and no other, has a level 0-4."""
    names = {scenario.id: scenario.name for scenario in rubric.scenarios}
    strange = [given for given in scenario_levels if given not in names]
    if strange:
        raise AnswerError(rubric.title, f"没有场景 {'、'.join(strange)}")
    for key, name in names.items():
        if key not in scenario_levels:
            raise AnswerError(f"场景 {key}（{name}）", "尚未评定等级")
        if not 0 <= scenario_levels[key] <= TOP_LEVEL:
            raise AnswerError(
                f"场景 {key}（{name}）", f"等级应为 0—{TOP_LEVEL}，现为 {scenario_levels[key]}"
            )


def overall_level(
    score: Decimal,
    scenario_levels: Mapping[str, int],
    constraint_ids: frozenset[str],
    level_rows: Sequence[LevelRow],
) -> int:
    """Return the highest level whose score and scenario counts are both reached; 0 if none is.

    A scenario counts towards its own level and all below it; a score on the threshold reaches it.
    """
    for row in sorted(level_rows, key=lambda row: row.level, reverse=True):
        reached = {key for key, level in scenario_levels.items() if level >= row.level}
        if (
            score >= row.min_score
            and len(reached) >= row.min_scenarios
            and len(reached & constraint_ids) >= row.min_constraints
        ):
            return row.level
    return 0


def level_by_score(score: Decimal, level_rows: Sequence[LevelRow]) -> int:
    """Return the highest level whose score is reached, 0 if none is: the 2022 edition's rule.

    Rows that also ask for scenarios are a `ValueError`: they need `overall_level`.
    """
    if any(row.min_scenarios or row.min_constraints for row in level_rows):
        raise ValueError("this edition's levels do not rest on the score alone")
    return overall_level(score, {}, frozenset(), level_rows)
