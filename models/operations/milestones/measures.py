"""What each measure counts, as of the end of a day. One statement each, whatever the number."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Subquery, and_, bindparam, exists, not_
from sqlalchemy import select as select_rows
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from models.rules.clock import SHANGHAI
from models.rules.milestones import Measure
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.audit import RegisterEntry
from models.tables.case import Case, WorkItem
from models.tables.event import Event
from models.tables.milestone import MilestoneEvidence
from models.tables.party import Party
from models.tables.programme import Batch

#: measure -> the step, and its outcome, that makes a case count.
REACHED_BY: Mapping[Measure, tuple[Stage, str, str]] = MappingProxyType(
    {
        Measure.CASES_SELECTED: (Stage.APPLICATION, "public-notice", "passed"),
        Measure.CASES_TRANSFORMED: (Stage.TRANSFORMATION, "implement", "completed"),
        Measure.CASES_GRADED: (Stage.GRADING, "confirm-level", "confirmed"),
    }
)

#: measure -> how a case may have ended so that it does not count any more.
_ENDED_OTHERWISE: Mapping[Measure, frozenset[CaseStatus]] = MappingProxyType(
    {
        Measure.CASES_SELECTED: frozenset({CaseStatus.WITHDRAWN}),
        Measure.CASES_TRANSFORMED: frozenset({CaseStatus.WITHDRAWN, CaseStatus.FAILED}),
        Measure.CASES_GRADED: frozenset({CaseStatus.WITHDRAWN}),
    }
)

_Later = aliased(WorkItem)
_END: Any = bindparam("end")

# Every sweep counts all of this: the statements are put together once.
_APPLYING = (
    select_rows(func.count())
    .select_from(Case)
    .join(Batch, col(Batch.id) == col(Case.batch_id))
    .where(
        col(Case.programme_key) == bindparam("programme"),
        col(Batch.number) == bindparam("batch"),
        col(Case.opened_at) < _END,
        # What ended by then was not selected, or has been.
        (col(Case.closed_at).is_(None)) | (col(Case.closed_at) >= _END),
        ~exists().where(
            col(WorkItem.case_no) == col(Case.case_no),
            col(WorkItem.stage) == Stage.APPLICATION,
            col(WorkItem.step) == "public-notice",
            col(WorkItem.outcome) == "passed",
            col(WorkItem.closed_at) < _END,
        ),
    )
)
_ADMITTED = (
    select_rows(func.count())
    .select_from(RegisterEntry)
    .join(Party, col(Party.id) == col(RegisterEntry.registered_id))
    .where(
        col(Party.role) == Role.PROVIDER,
        col(RegisterEntry.number).in_(
            select(func.max(RegisterEntry.number))
            .where(col(RegisterEntry.at) < _END)
            .group_by(col(RegisterEntry.registered_id))
        ),
        # The text is of our own writing; the two databases have no JSON operator in common.
        col(RegisterEntry.after).contains('"is_admitted": true'),
    )
)
_OVER = (
    select_rows(col(Event.milestone_key), func.count())
    .where(col(Event.ends_at) < _END, col(Event.cancelled_at).is_(None))
    .group_by(col(Event.milestone_key))
)
_EVIDENT = (
    select(MilestoneEvidence)
    .where(
        col(MilestoneEvidence.done_on) <= bindparam("day"),
        col(MilestoneEvidence.withdrawn_at).is_(None),
    )
    .order_by(col(MilestoneEvidence.id))
)


def end_of(day: date) -> datetime:
    """Return the first instant after `day`: what happened before it happened by that day."""
    return datetime.combine(day + timedelta(days=1), time(0), SHANGHAI)


def measured_cases(
    measure: Measure, batch: int | None, on: date, *, programme: str
) -> Select[tuple[str, datetime]]:
    """Return (case_no, reached_at) of every case that counts for `measure` at the end of `on`.

    `batch` None means all batches. The last time the step was asked by then decides: a case that
    was sent back to be mended does not count until it is done again. Join `case_file` and `party`
    on it to count by county or industry. Only for the measures of `REACHED_BY`.
    """
    return _measured(measure, batch, end_of(on), programme)


def _measured(
    measure: Measure, batch: Any, end: Any, programme: Any
) -> Select[tuple[str, datetime]]:
    """Return what `measured_cases` does, of values or of parameters to be bound."""
    stage, step, outcome = REACHED_BY[measure]
    is_asked_again = exists().where(
        col(_Later.case_no) == col(WorkItem.case_no),
        col(_Later.stage) == col(WorkItem.stage),
        col(_Later.step) == col(WorkItem.step),
        col(_Later.attempt) > col(WorkItem.attempt),
        col(_Later.opened_at) < end,
    )
    # What was closed has an instant.
    closed_at = cast("ColumnElement[datetime]", col(WorkItem.closed_at))
    wanted: Select[tuple[str, datetime]] = (
        select_rows(col(WorkItem.case_no), closed_at.label("reached_at"))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .where(
            col(Case.programme_key) == programme,
            col(WorkItem.stage) == stage,
            col(WorkItem.step) == step,
            col(WorkItem.outcome) == outcome,
            col(WorkItem.closed_at) < end,
            not_(is_asked_again),
            not_(
                and_(
                    col(Case.status).in_(_ENDED_OTHERWISE[measure]),
                    col(Case.closed_at) < end,
                )
            ),
        )
    )
    if batch is not None:
        wanted = wanted.join(Batch, col(Batch.id) == col(Case.batch_id)).where(
            col(Batch.number) == batch
        )
    return wanted


def count_cases(
    session: Session, measure: Measure, batch: int | None, on: date, *, programme: str
) -> int:
    """Return how many cases count for `measure` at the end of `on`."""
    bound = {"end": end_of(on), "programme": programme, "batch": batch}
    return session.scalar(_count(measure, is_of_batch=batch is not None), bound) or 0


@cache
def _count(measure: Measure, *, is_of_batch: bool) -> Select[tuple[int]]:
    return select_rows(func.count()).select_from(_any_cases(measure, is_of_batch=is_of_batch))


@cache
def _reached(measure: Measure, *, is_of_batch: bool) -> Select[tuple[datetime]]:
    cases = _any_cases(measure, is_of_batch=is_of_batch)
    in_order = select_rows(cases.c.reached_at).order_by(cases.c.reached_at)
    return in_order.offset(bindparam("before")).limit(1)


def _any_cases(measure: Measure, *, is_of_batch: bool) -> Subquery:
    batch: Any = bindparam("batch") if is_of_batch else None
    return _measured(measure, batch, _END, bindparam("programme")).subquery()


def reached_at(
    session: Session, measure: Measure, batch: int | None, on: date, number: int, *, programme: str
) -> datetime | None:
    """Return when the `number`-th of the cases that count was reached; None where it was not."""
    bound = {"end": end_of(on), "programme": programme, "batch": batch, "before": number - 1}
    return session.scalar(_reached(measure, is_of_batch=batch is not None), bound)


def cases_applying(session: Session, batch: int, on: date, *, programme: str) -> int:
    """Return how many cases of `batch` were neither selected nor out of it by the end of `on`."""
    bound = {"end": end_of(on), "batch": batch, "programme": programme}
    return session.scalar(_APPLYING, bound) or 0


def count_providers(session: Session, on: date) -> int:
    """Return how many providers stood in the pool at the end of `on`, by the register's trail."""
    return session.scalar(_ADMITTED, {"end": end_of(on)}) or 0


def events_over(session: Session, on: date) -> dict[str, int]:
    """Return by milestone how many of its events were over at the end of `on`."""
    return dict(session.execute(_OVER, {"end": end_of(on)}).tuples().all())


def evidence_on(session: Session, on: date) -> dict[str, list[MilestoneEvidence]]:
    """Return by key what is evident at the end of `on`, the latest recorded last."""
    found: dict[str, list[MilestoneEvidence]] = {}
    for row in session.exec(_EVIDENT, params={"day": on}):
        found.setdefault(row.key, []).append(row)
    return found
