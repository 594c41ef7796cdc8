"""The programme as data: figures from TOML files, each with its source; none in the code."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from models.policy.figures import (
    Applications,
    Award,
    BatchFigures,
    Body,
    Contradiction,
    ContradictionsFile,
    Eligibility,
    EnterprisesFile,
    MailFile,
    Milestone,
    MilestonesFile,
    MoneyFile,
    Phase,
    ProgrammeFile,
    Remark,
    ReminderRule,
    RemindersFile,
    StepLength,
    StepsFile,
    SubsidyFigures,
    Target,
    Term,
)
from models.policy.forecast import ForecastFigures, ForecastFile
from models.policy.lines import line_of
from models.policy.measures import (
    MeasuresFile,
    MeasureWords,
    ProgressFigures,
    require_measurable,
)
from models.policy.reports import ReportFigures, ReportHeading, ReportsFile, require_reports
from models.policy.sources import (
    PolicyError,
    content_hash,
    read_figures,
    require_distinct,
)
from models.policy.unverified import Unverified, unverified_tables
from models.rules.grading import Rubric
from models.rules.milestones import Measure, RiskRule
from models.rules.report_content import ReportKind
from models.rules.sending_hours import SendingHours
from models.rules.stages import Stage
from models.rules.subsidy import SubsidyPolicy

DEFAULT_PROGRAMME: Final = "huangshi-2024"

_BUILT_IN: Final = Path(str(files(__name__)))
_RUBRICS: Final = "rubrics"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch of enterprises; both windows include their first and last day."""

    number: int
    name: str
    application_starts_on: date
    application_ends_on: date
    #: The contradiction whose reading in force gives the two days below.
    transformation: str
    transformation_starts_on: date
    transformation_ends_on: date
    target: int
    source: str
    verified: bool


@dataclass(frozen=True, kw_only=True)
class Programme:
    """Everything one programme's folder says. `version` changes with any file of it."""

    key: str
    case_prefix: str
    name: str
    document_no: str
    document_title: str
    starts_on: date
    ends_on: date
    version: str
    calendar_years: range
    phases: tuple[Phase, ...]
    batches: tuple[Batch, ...]
    targets: tuple[Target, ...]
    bodies: tuple[Body, ...]
    industries: tuple[Term, ...]
    counties: tuple[Term, ...]
    eligibility: Eligibility
    applications: Applications
    subsidy: SubsidyPolicy
    awards: tuple[Award, ...]
    steps: Mapping[Stage, Mapping[str, StepLength]]
    reminders: tuple[ReminderRule, ...]
    sending_hours: SendingHours
    window_reading: Remark
    milestones: tuple[Milestone, ...]
    contradictions: tuple[Contradiction, ...]
    forecast: ForecastFigures
    reports: Mapping[ReportKind, ReportFigures]
    report_headings: Mapping[str, ReportHeading]
    measures: Mapping[Measure, MeasureWords]
    #: By key: how each milestone and each target is measured.
    progress: Mapping[str, ProgressFigures]
    risk: RiskRule
    #: Everything the lead bureau has still to confirm.
    unverified: tuple[Unverified, ...]

    def step(self, stage: Stage, step: str) -> StepLength:
        """Return how long `step` may take; `PolicyError` if the programme does not say."""
        try:
            return self.steps[stage][step]
        except KeyError:
            raise PolicyError("steps.toml", f"steps.{stage}.{step}", "缺少此项") from None

    def working_days(self, stage: Stage, step: str) -> int | None:
        """Return the working days of `step`, None where it runs until a date of its batch."""
        return self.step(stage, step).working_days

    def batch(self, number: int) -> Batch:
        """Return the batch of that number."""
        for batch in self.batches:
            if batch.number == number:
                return batch
        raise PolicyError("programme.toml", "batches", f"没有第 {number} 批")

    def has_lapsed(self, on: date) -> bool:
        """Return whether the programme's document has lapsed by that day (plan, last paragraph)."""
        return on > self.ends_on

    def contradiction(self, key: str) -> Contradiction:
        """Return the contradiction of that key."""
        for contradiction in self.contradictions:
            if contradiction.key == key:
                return contradiction
        raise PolicyError("contradictions.toml", "contradictions", f"没有 {key}")


def load_programme(key: str = DEFAULT_PROGRAMME, root: Path | None = None) -> Programme:
    """Return the programme in the folder `key`, read once per process.

    Folders are looked for in `root`; without it in `PILOT_POLICY_DIR`, if set, and then among
    those that come with the system. Raises `PolicyError` for a folder, file or figure that is
    missing or wrong.
    """
    roots = (root,) if root is not None else _roots()
    for place in roots:
        # Only names that are listed: a key can never lead out of the root.
        for plan in place.glob("*/programme.toml"):
            if plan.parent.name == key:
                return _programme(plan.parent, key)
    raise PolicyError(f"{key}/programme.toml", "", "没有这个试点方案")


def load_proposed(folder: Path, key: str) -> tuple[Programme, Path]:
    """Return the programme `key` as a changed policy has it, and the folder that holds its files.

    `folder` holds the files, or a folder of that name with them. Raises `PolicyError`, with the
    line wherever it can be told.
    """
    for place in (folder, folder / key):
        if (place / "programme.toml").is_file():
            try:
                return _programme(place, key), place
            except PolicyError as error:
                text = place / error.file
                if error.line or not text.is_file():
                    raise
                line = line_of(text.read_text(encoding="utf-8"), error.key)
                raise PolicyError(error.file, error.key, error.problem, line) from error
    raise PolicyError(str(folder), "", f"其中没有试点方案 {key} 的政策文件（programme.toml）")


def folder_of(key: str) -> Path:
    """Return the folder whose files are in force for the programme `key`."""
    for place in _roots():
        if (place / key / "programme.toml").is_file():
            return place / key
    raise PolicyError(f"{key}/programme.toml", "", "没有这个试点方案")


@cache
def load_rubric(edition: str) -> Rubric:
    """Return the edition ("2022", "2024") of the national indicators."""
    for file in _rubric_files():
        if file.stem == edition:
            return _checked(file.name, read_figures(file, Rubric))
    raise PolicyError(f"{_RUBRICS}/{edition}.toml", "", "没有这一版评测指标")


def rubric_editions() -> tuple[str, ...]:
    """Return all editions, oldest first."""
    rubrics = [load_rubric(file.stem) for file in _rubric_files()]
    return tuple(rubric.edition for rubric in sorted(rubrics, key=lambda each: each.in_use_from))


def latest_edition(on: date) -> str:
    """Return the edition in use on that day: levels go by the latest one (plan 三（一）4)."""
    in_use = [each for each in rubric_editions() if load_rubric(each).in_use_from <= on]
    if not in_use:
        raise PolicyError(_RUBRICS, "in_use_from", f"{on} 还没有可用的评测指标")
    return in_use[-1]


def _roots() -> tuple[Path, ...]:
    """Return the places to look for programmes, the one of the environment first."""
    own = os.environ.get("PILOT_POLICY_DIR")
    if not own:
        return (_BUILT_IN,)
    if not Path(own).is_dir():
        raise PolicyError(own, "", "PILOT_POLICY_DIR 所指的文件夹不存在")
    return (Path(own), _BUILT_IN)


def _rubric_files() -> list[Path]:
    """Return the files of the national indicators, which no city changes."""
    return sorted((_BUILT_IN / _RUBRICS).glob("*.toml"))


def _checked(file: str, rubric: Rubric) -> Rubric:
    """Return `rubric` if its parts agree: a wrong point would grade enterprises wrongly."""
    require_distinct(file, "questions", [question.id for question in rubric.questions])
    require_distinct(file, "scenarios", [scenario.id for scenario in rubric.scenarios])
    require_distinct(file, "levels", [row.level for row in rubric.levels])
    if file != f"{rubric.edition}.toml":
        raise PolicyError(file, "edition", f"与文件名不一致（{rubric.edition}）")
    for question in rubric.questions:
        require_distinct(file, f"questions（{question.id}）", [o.key for o in question.options])
        points = [option.points for option in question.options]
        best = sum(points) if question.is_multiple else max(points)
        if best != question.max_points:
            raise PolicyError(
                file,
                f"questions（{question.id}）.max_points",
                f"为 {question.max_points}，而各选项最多得 {best}",
            )
    return rubric


def _subsidy_policy(figures: SubsidyFigures) -> SubsidyPolicy:
    """Return the rule's figures; an unconfirmed source says so wherever it is printed."""
    return SubsidyPolicy(
        rate=figures.rate,
        cap=figures.cap,
        min_level=figures.min_level,
        source=figures.source if figures.verified else f"{figures.source}（待核）",
    )


def _batch(figures: BatchFigures, contradictions: Mapping[str, Contradiction]) -> Batch:
    """Return the batch with the transformation window of the reading in force."""
    where = f"batches（{figures.number}）.transformation"
    chosen = contradictions.get(figures.transformation)
    if chosen is None:
        raise PolicyError("programme.toml", where, f"没有 {figures.transformation} 这一条读法")
    reading = chosen.reading_in_force
    if reading.starts_on is None or reading.ends_on is None:
        raise PolicyError("programme.toml", where, f"{chosen.key} 现行读法没有起止日期")
    return Batch(
        number=figures.number,
        name=figures.name,
        application_starts_on=figures.application_starts_on,
        application_ends_on=figures.application_ends_on,
        transformation=figures.transformation,
        transformation_starts_on=reading.starts_on,
        transformation_ends_on=reading.ends_on,
        target=figures.target,
        source=figures.source,
        verified=figures.verified,
    )


def _require_steps(
    reminders: tuple[ReminderRule, ...], steps: Mapping[Stage, Mapping[str, StepLength]]
) -> None:
    """Raise `PolicyError` where a reminder names a step that there is not."""
    known = {f"{stage.value}.{step}" for stage, those in steps.items() for step in those}
    for rule in reminders:
        for each in rule.steps:
            if each not in known:
                where = f"reminders（{rule.key}）.steps"
                raise PolicyError("reminders.toml", where, f"steps.toml 中没有 {each} 这一步")


@cache
def _programme(folder: Path, key: str) -> Programme:
    """Read and check one folder, which must hold the programme `key`."""
    plan = read_figures(folder / "programme.toml", ProgrammeFile)
    enterprises = read_figures(folder / "enterprises.toml", EnterprisesFile)
    money = read_figures(folder / "money.toml", MoneyFile)
    steps = read_figures(folder / "steps.toml", StepsFile).steps
    reminders = read_figures(folder / "reminders.toml", RemindersFile).reminders
    hours = read_figures(folder / "mail.toml", MailFile).sending_hours
    annex = read_figures(folder / "milestones.toml", MilestonesFile)
    readings = read_figures(folder / "contradictions.toml", ContradictionsFile).contradictions
    measuring = read_figures(folder / "measures.toml", MeasuresFile)

    foreseeing = read_figures(folder / "forecast.toml", ForecastFile).forecast
    reports = read_figures(folder / "reports.toml", ReportsFile)

    if plan.programme.key != key:
        raise PolicyError("programme.toml", "programme.key", f"与文件夹名 {key} 不一致")
    lists: list[tuple[str, str, Sequence[object]]] = [
        ("programme.toml", "phases", [each.key for each in plan.phases]),
        ("programme.toml", "batches", [each.number for each in plan.batches]),
        ("programme.toml", "targets", [each.key for each in plan.targets]),
        ("programme.toml", "bodies", [each.key for each in plan.bodies]),
        ("enterprises.toml", "industries", [each.key for each in enterprises.industries]),
        ("enterprises.toml", "counties", [each.key for each in enterprises.counties]),
        ("money.toml", "awards", [each.key for each in money.awards]),
        ("reminders.toml", "reminders", [each.key for each in reminders]),
        ("milestones.toml", "milestones", [each.key for each in annex.milestones]),
        ("contradictions.toml", "contradictions", [each.key for each in readings]),
        ("reports.toml", "reports", [each.key for each in reports.reports]),
        ("reports.toml", "headings", [each.key for each in reports.headings]),
        ("measures.toml", "measures", [each.key for each in measuring.measures]),
        ("measures.toml", "progress", [each.key for each in measuring.progress]),
    ]
    for file, table, keys in lists:
        require_distinct(file, table, keys)
    numbers = {batch.number for batch in plan.batches}
    for milestone in annex.milestones:
        if milestone.batch is not None and milestone.batch not in numbers:
            where = f"milestones（{milestone.key}）.batch"
            raise PolicyError("milestones.toml", where, f"没有第 {milestone.batch} 批")
    require_reports(reports, frozenset(each.key for each in measuring.progress))
    require_measurable(measuring, plan.targets, annex.milestones, readings)

    _require_steps(reminders, steps)
    sources = [*sorted(folder.glob("*.toml")), *_rubric_files()]
    return Programme(
        key=plan.programme.key,
        case_prefix=plan.programme.case_prefix,
        name=plan.programme.name,
        document_no=plan.programme.document_no,
        document_title=plan.programme.document_title,
        starts_on=plan.programme.starts_on,
        ends_on=plan.programme.ends_on,
        version=content_hash(sources),
        calendar_years=range(plan.calendar.first_year, plan.calendar.last_year + 1),
        phases=plan.phases,
        batches=tuple(_batch(each, {r.key: r for r in readings}) for each in plan.batches),
        targets=plan.targets,
        bodies=plan.bodies,
        industries=enterprises.industries,
        counties=enterprises.counties,
        eligibility=enterprises.eligibility,
        applications=enterprises.applications,
        subsidy=_subsidy_policy(money.subsidy),
        awards=money.awards,
        steps=MappingProxyType({key: MappingProxyType(value) for key, value in steps.items()}),
        reminders=reminders,
        sending_hours=SendingHours(
            starts_at=hours.starts_at,
            ends_at=hours.ends_at,
            working_days_only=hours.working_days_only,
        ),
        window_reading=annex.window_reading,
        milestones=annex.milestones,
        contradictions=readings,
        forecast=foreseeing,
        reports=MappingProxyType({each.key: each for each in reports.reports}),
        report_headings=MappingProxyType({each.key: each for each in reports.headings}),
        measures=MappingProxyType({each.key: each for each in measuring.measures}),
        progress=MappingProxyType({each.key: each for each in measuring.progress}),
        risk=measuring.risk.rule,
        unverified=tuple(unverified_tables(sources)),
    )
