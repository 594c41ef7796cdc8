"""How every milestone and every target stands at the end of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from models.operations.milestones import measures
from models.operations.milestones.readings import readings_in_force
from models.policy import Programme
from models.policy.figures import Milestone, Target
from models.rules.clock import day_of
from models.rules.milestones import Measure, MilestoneState, Part, state_of_all
from models.tables.milestone import MilestoneEvidence
from models.tables.programme import Batch
from models.tables.programme import Milestone as MilestoneRow

# Every sweep asks for them: plain columns, and the statements are put together once.
_WINDOWS = select(
    col(MilestoneRow.key), col(MilestoneRow.starts_on), col(MilestoneRow.ends_on)
).where(col(MilestoneRow.programme_key) == bindparam("programme"))
_BATCHES = select(col(Batch.number), col(Batch.applications_close_on)).where(
    col(Batch.programme_key) == bindparam("programme")
)


@dataclass(frozen=True, kw_only=True)
class MilestoneProgress:
    """How one milestone, or one target of the programme, stands.

    `value` is what its measure counts, None where only evidence tells. `target` is the number the
    plan states or, where it says "the batch", how many of the batch were selected so far.
    `is_target_final` is False while that number may still grow. Both days belong to the window.
    """

    key: str
    is_programme_target: bool
    #: The year of the annex, and the item's number in it; of a target the year it is due.
    year: int
    number: int
    name: str
    #: The same in few words, for boards.
    short: str
    batch: int | None
    measure: Measure
    unit: str
    value: int | None
    target: int | None
    #: 100 家以上, 超过 200 家, 全部 104 家; empty where nothing is counted against.
    target_text: str
    is_target_final: bool
    starts_on: date
    ends_on: date
    #: Until when the evidence is due; None where none is asked for.
    evidence_due_on: date | None
    #: What the evidence should be; empty where none is asked for.
    evidence_wanted: str
    evidence: tuple[MilestoneEvidence, ...]
    done_on: date | None
    state: MilestoneState

    @property
    def needs_evidence(self) -> bool:
        """Whether evidence is asked for and has not been recorded."""
        return bool(self.evidence_wanted) and not self.evidence

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is to be done."""
        return self.done_on is not None


def progress(session: Session, programme: Programme, on: date) -> list[MilestoneProgress]:
    """Return the annex items in the plan's order and then the programme's targets, as of `on`.

    What stands in the database at the end of the day `on` decides; what was recorded later of a
    day up to `on` (evidence handed in afterwards) counts, too.
    """
    look = _Look(session, programme, on)
    return [
        *(look.milestone(each) for each in programme.milestones),
        *(look.target(each) for each in programme.targets),
    ]


class _Look:
    """One look at the database: what several milestones need is read once."""

    def __init__(self, session: Session, programme: Programme, on: date) -> None:
        self._session = session
        self._programme = programme
        self._on = on
        self._evidence = measures.evidence_on(session, on)
        self._readings = readings_in_force(session, programme)
        self._events_over = measures.events_over(session, on)
        self._close_on = dict(
            session.execute(_BATCHES, {"programme": programme.key}).tuples().all()
        )
        self._admitted: int | None = None
        self._counted: dict[tuple[Measure, int | None], int] = {}
        self._applying: dict[int, int] = {}
        self._windows: Mapping[str, tuple[date, date]] = {
            row.key: (row.starts_on, row.ends_on)
            for row in session.execute(_WINDOWS, {"programme": programme.key})
        }

    def milestone(self, milestone: Milestone) -> MilestoneProgress:
        figures = self._programme.progress[milestone.key]
        starts_on, ends_on = self._windows.get(
            milestone.key, (milestone.starts_on, milestone.ends_on)
        )
        unit = self._programme.measures[figures.measure].unit
        evidence = tuple(self._evidence.get(milestone.key, ()))
        value = self._value(milestone.key, figures.measure, milestone.batch, evidence)
        target, is_final = milestone.target, True
        text = f"{target} {unit}以上" if target else ""
        if figures.out_of is not None and milestone.batch is not None:
            target = self._cases(figures.out_of, milestone.batch)
            is_final = self._is_settled(milestone.batch)
            text = f"{'全部' if is_final else '已入选的'} {target} {unit}"
        parts = []
        if target is not None:
            done_on = None
            if value is not None and is_final and 0 < target <= value:
                done_on = self._reached_on(figures.measure, milestone.batch, target)
            parts.append(
                Part(
                    value=value,
                    target=target,
                    done_on=done_on,
                    starts_on=starts_on,
                    ends_on=ends_on,
                )
            )
        evidence_due_on = None
        if figures.evidence is not None:
            evidence_due_on = self._evidence_due_on(figures.evidence_window, ends_on)
            parts.append(
                Part(
                    value=value if target is None else None,
                    target=None,
                    done_on=min((each.done_on for each in evidence), default=None),
                    starts_on=starts_on,
                    ends_on=evidence_due_on,
                )
            )
        return MilestoneProgress(
            key=milestone.key,
            is_programme_target=False,
            year=milestone.ends_on.year,
            number=milestone.number,
            name=milestone.wording,
            short=figures.short,
            batch=milestone.batch,
            measure=figures.measure,
            unit=unit,
            value=value,
            target=target,
            target_text=text,
            is_target_final=is_final,
            starts_on=starts_on,
            ends_on=ends_on,
            evidence_due_on=evidence_due_on,
            evidence_wanted=figures.evidence or "",
            evidence=evidence,
            done_on=_done_on(parts),
            state=state_of_all(parts, self._programme.risk, self._on),
        )

    def target(self, target: Target) -> MilestoneProgress:
        figures = self._programme.progress[target.key]
        evidence = tuple(self._evidence.get(target.key, ()))
        value = self._value(target.key, figures.measure, None, evidence)
        least = target.number + (target.comparison == "more-than")
        done_on = None
        if value is not None and value >= least:
            if figures.measure in measures.REACHED_BY:
                done_on = self._reached_on(figures.measure, None, least)
            else:
                done_on = min(each.done_on for each in evidence if each.number >= least)
        part = Part(
            value=value,
            target=least,
            done_on=done_on,
            starts_on=self._programme.starts_on,
            ends_on=target.due_on,
        )
        words = "超过" if target.comparison == "more-than" else ""
        return MilestoneProgress(
            key=target.key,
            is_programme_target=True,
            year=target.due_on.year,
            number=self._programme.targets.index(target) + 1,
            name=target.name,
            short=figures.short,
            batch=None,
            measure=figures.measure,
            unit=target.unit,
            value=value,
            target=least,
            target_text=f"{words} {target.number} {target.unit}".strip(),
            is_target_final=True,
            starts_on=self._programme.starts_on,
            ends_on=target.due_on,
            evidence_due_on=target.due_on if figures.evidence else None,
            evidence_wanted=figures.evidence or "",
            evidence=evidence,
            done_on=done_on,
            state=state_of_all([part], self._programme.risk, self._on),
        )

    def _value(
        self, key: str, measure: Measure, batch: int | None, evidence: tuple[MilestoneEvidence, ...]
    ) -> int | None:
        match measure:
            case Measure.PROVIDERS_ADMITTED:
                if self._admitted is None:
                    self._admitted = measures.count_providers(self._session, self._on)
                return self._admitted
            case Measure.EVENTS_HELD:
                return self._events_over.get(key, 0)
            case Measure.RECORDED_NUMBER:
                return evidence[-1].number if evidence else 0
            case Measure.EVIDENCE:
                return None
            case _:
                return self._cases(measure, batch)

    def _cases(self, measure: Measure, batch: int | None) -> int:
        if (measure, batch) not in self._counted:
            self._counted[measure, batch] = measures.count_cases(
                self._session, measure, batch, self._on, programme=self._programme.key
            )
        return self._counted[measure, batch]

    def _reached_on(self, measure: Measure, batch: int | None, number: int) -> date | None:
        at = measures.reached_at(
            self._session, measure, batch, self._on, number, programme=self._programme.key
        )
        return at and day_of(at)

    def _is_settled(self, batch: int) -> bool:
        """Return whether nobody can be selected any more: the list of the batch is complete."""
        if self._on <= self._close_on[batch]:
            return False
        if batch not in self._applying:
            self._applying[batch] = measures.cases_applying(
                self._session, batch, self._on, programme=self._programme.key
            )
        return not self._applying[batch]

    def _evidence_due_on(self, contradiction: str | None, ends_on: date) -> date:
        reading = self._readings.get(contradiction or "")
        return (reading.ends_on if reading else None) or ends_on


def _done_on(parts: list[Part]) -> date | None:
    """Return the day on which the last of `parts` was done; None while one is not."""
    days = [part.done_on for part in parts]
    return None if None in days else max(day for day in days if day is not None)
