"""What is known of every case at the end of a day, for the reports: a few statements in all.

Nothing after the day is counted. A step is done when its last asking up to that day was answered
by then; a contract and a payment count by their own dates. Two things are known only as they
stand now: a deadline that was extended later, and the county and industry of an enterprise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CursorResult, Select, Subquery, and_, func, select
from sqlmodel import Session, col

from models.operations.milestones import end_of
from models.operations.report_marks import Mark, marks_of
from models.rules.clock import day_of
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Party
from models.tables.programme import Batch
from models.tables.records import Assessment, Award, Contract, Expenditure, Grade, Payment

_ZERO = Decimal("0.00")


@dataclass(kw_only=True)
class CaseLine:
    """One case as it stood at the end of the day; sums are yuan, zero where there is none."""

    case_no: str
    enterprise: str
    county: str
    industry: str
    is_above_scale: bool
    batch: int
    batch_name: str
    opened_on: date
    #: None while it was under way on that day.
    ended: CaseStatus | None
    stage: Stage = Stage.APPLICATION
    step: str = ""
    marks: frozenset[Mark] = frozenset()
    #: When each mark was come to.
    marked_on: dict[Mark, date] = field(default_factory=dict)
    waits_for: Role | None = None
    due_on: date | None = None
    provider_id: int | None = None
    baseline_level: int | None = None
    baseline_edition: str = ""
    level: int | None = None
    level_edition: str = ""
    contract_sum: Decimal = _ZERO
    eligible: Decimal = _ZERO
    ceiling: Decimal = _ZERO
    proposed: Decimal = _ZERO
    approved: Decimal = _ZERO
    paid: Decimal = _ZERO
    paid_on: date | None = None

    def is_overdue(self, as_of: date) -> bool:
        """Whether what the case waited for was past its deadline at the end of that day."""
        return self.due_on is not None and self.due_on < as_of


def _rows(session: Session, statement: Select[Any]) -> CursorResult[Any]:
    """Return plain rows: nothing here is going to be changed."""
    return session.connection().execute(statement)


def case_lines(session: Session, programme_key: str, as_of: date) -> list[CaseLine]:
    """Return every case opened by `as_of` as it stood then, by batch and number."""
    until = end_of(as_of)
    lines = {line.case_no: line for line in _cases(session, programme_key, until)}
    _add_steps(session, lines, until)
    _add_levels(session, lines, until)
    _add_money(session, lines, as_of, until)
    return list(lines.values())


def _cases(session: Session, programme_key: str, until: datetime) -> Iterable[CaseLine]:
    rows = _rows(
        session,
        select(
            col(Case.case_no),
            col(Case.opened_at),
            col(Case.closed_at),
            col(Case.status),
            col(Party.name),
            col(Party.county),
            col(Party.industry),
            col(Party.is_above_scale),
            col(Batch.number).label("batch"),
            col(Batch.name).label("batch_name"),
        )
        .select_from(Case)
        .join(Party, col(Party.id) == col(Case.enterprise_id))
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .where(col(Case.programme_key) == programme_key, col(Case.opened_at) < until)
        .order_by(col(Batch.number), col(Case.case_no)),
    )
    for row in rows:
        has_ended = row.closed_at is not None and row.closed_at < until
        yield CaseLine(
            case_no=row.case_no,
            enterprise=row.name,
            county=row.county,
            industry=row.industry,
            is_above_scale=row.is_above_scale,
            batch=row.batch,
            batch_name=row.batch_name,
            opened_on=day_of(row.opened_at),
            ended=row.status if has_ended else None,
        )


def _last_asked(until: datetime) -> Subquery:
    """Return, per case and step, the number of its last asking up to that instant."""
    return (
        select(
            col(WorkItem.case_no).label("case_no"),
            col(WorkItem.stage).label("stage"),
            col(WorkItem.step).label("step"),
            func.max(col(WorkItem.attempt)).label("attempt"),
        )
        .where(col(WorkItem.opened_at) < until)
        .group_by(col(WorkItem.case_no), col(WorkItem.stage), col(WorkItem.step))
        .subquery()
    )


def _add_steps(session: Session, lines: dict[str, CaseLine], until: datetime) -> None:
    last = _last_asked(until)
    rows = _rows(
        session,
        select(
            col(WorkItem.case_no),
            col(WorkItem.stage),
            col(WorkItem.step),
            col(WorkItem.closed_at),
            col(WorkItem.outcome),
            col(WorkItem.due_on),
            col(Party.role),
        )
        .join(
            last,
            and_(
                col(WorkItem.case_no) == last.c.case_no,
                col(WorkItem.stage) == last.c.stage,
                col(WorkItem.step) == last.c.step,
                col(WorkItem.attempt) == last.c.attempt,
            ),
        )
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .order_by(col(WorkItem.id)),
    )
    done: dict[str, dict[tuple[Stage, str], tuple[str, date]]] = {}
    for case_no, stage, step, closed_at, outcome, due_on, role in rows:
        line = lines.get(case_no)
        if line is None:
            continue
        line.stage, line.step = stage, step
        if closed_at is not None and closed_at < until:
            done.setdefault(case_no, {})[stage, step] = (outcome, day_of(closed_at))
        elif line.ended is None:
            line.waits_for, line.due_on = role, due_on
    for case_no, outcomes in done.items():
        line = lines[case_no]
        line.marked_on = marks_of(outcomes, line.ended)
        line.marks = frozenset(line.marked_on)


def _closed_by(statement: Select[Any], table: Any, until: datetime) -> Select[Any]:
    """Keep the rows of `table` that an item closed before `until` left behind."""
    return statement.join(WorkItem, col(WorkItem.id) == col(table.item_id)).where(
        col(WorkItem.closed_at) < until
    )


def _add_levels(session: Session, lines: dict[str, CaseLine], until: datetime) -> None:
    baselines = _closed_by(
        select(col(Assessment.case_no), col(Assessment.level), col(Assessment.edition))
        .where(col(Assessment.is_baseline))
        .order_by(col(Assessment.id)),
        Assessment,
        until,
    )
    for case_no, level, edition in _rows(session, baselines):
        if case_no in lines:
            lines[case_no].baseline_level, lines[case_no].baseline_edition = level, edition
    grades = _closed_by(
        select(col(Grade.case_no), col(Grade.level), col(Assessment.edition))
        .join(Assessment, col(Assessment.id) == col(Grade.assessment_id))
        .order_by(col(Grade.id)),
        Grade,
        until,
    )
    for case_no, level, edition in _rows(session, grades):
        line = lines.get(case_no)
        if line is not None and Mark.GRADED in line.marks:
            line.level, line.level_edition = level, edition


def _add_money(session: Session, lines: dict[str, CaseLine], as_of: date, until: datetime) -> None:
    contracts = select(
        col(Contract.case_no), col(Contract.amount), col(Contract.provider_id)
    ).where(col(Contract.signed_on) <= as_of)
    for case_no, amount, provider_id in _rows(session, contracts):
        if case_no in lines:
            lines[case_no].contract_sum, lines[case_no].provider_id = amount, provider_id
    spending = _closed_by(
        select(
            col(Expenditure.case_no),
            func.sum(col(Expenditure.eligible_sum)),
        )
        .where(~col(Expenditure.is_replaced))
        .group_by(col(Expenditure.case_no)),
        Expenditure,
        until,
    )
    for case_no, eligible in _rows(session, spending):
        line = lines.get(case_no)
        # What the third party recognised counts from the day it passed the case.
        if line is not None and Mark.ACCEPTED in line.marks and eligible is not None:
            line.eligible = eligible
    last = _last_asked(until)
    awards = (
        _closed_by(
            select(
                col(Award.case_no), col(Award.ceiling), col(Award.amount), col(Award.approved_at)
            ),
            Award,
            until,
        )
        # A proposal that was sent back is asked for anew: only the last asking holds an award.
        .join(
            last,
            and_(
                last.c.case_no == col(WorkItem.case_no),
                last.c.stage == col(WorkItem.stage),
                last.c.step == col(WorkItem.step),
                last.c.attempt == col(WorkItem.attempt),
            ),
        )
    )
    for case_no, ceiling, amount, approved_at in _rows(session, awards):
        if case_no in lines:
            line = lines[case_no]
            line.ceiling, line.proposed = ceiling, amount
            if approved_at is not None and approved_at < until:
                line.approved = amount
    payments = select(col(Payment.case_no), col(Payment.amount), col(Payment.paid_on)).where(
        col(Payment.paid_on) <= as_of
    )
    for case_no, amount, paid_on in _rows(session, payments):
        if case_no in lines:
            lines[case_no].paid, lines[case_no].paid_on = amount, paid_on
