"""What a digest tells: what has happened since the last one, what is late, whose turn it is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from models.lifecycle import STEPS, Stay, step_of
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.case import Answer, Case, WorkItem
from models.tables.party import Party
from models.tables.programme import CalendarDay
from models.tables.reminder import Reminder

#: What is late is listed up to so many, the latest first; all of it is counted.
MOST_LISTED: Final = 50

_Due, _Today, _Enterprise = aliased(CalendarDay), aliased(CalendarDay), aliased(Party)


@dataclass(frozen=True, kw_only=True)
class Done:
    """How often a step had an outcome, whether that closed its item or not."""

    stage: Stage
    step: str
    outcome: str
    count: int

    @property
    def words(self) -> str:
        """申报 · 县市区初审：推荐 3 件."""
        step = step_of(self.stage, self.step)
        ended = next((s.label for s in CaseStatus if s.value == self.outcome), self.outcome)
        labels = {each.value: each.label for each in step.form.outcomes()}
        what = labels.get(self.outcome, ended)
        # One item is answered so several times.
        unit = "次" if _stays(self.stage, self.step, self.outcome) else "件"
        return f"{self.stage.label} · {step.label}：{what} {self.count} {unit}"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What has happened in a time."""

    opened: int
    #: How many cases have ended in which way.
    ended: tuple[tuple[CaseStatus, int], ...]
    done: tuple[Done, ...]


@dataclass(frozen=True, kw_only=True)
class Late:
    """One overdue item, and in whose court the ball is."""

    item_id: int
    case_no: str
    enterprise: str
    stage: Stage
    step: str
    party: str
    role: Role
    due_on: date
    #: Working days; None where the calendar does not reach.
    days_late: int | None


def changes_between(session: Session, since: datetime | None, until: datetime) -> Changes:
    """Return what has happened after `since` (None: ever) up to `until`; counted, not listed."""

    def is_in(column: Any) -> Any:
        return column <= until if since is None else and_(column > since, column <= until)

    opened = session.exec(
        select(func.count()).select_from(Case).where(is_in(col(Case.opened_at)))
    ).one()
    ended = session.execute(
        select(Case.status, func.count())
        .where(is_in(col(Case.closed_at)))
        .group_by(col(Case.status))
        .order_by(col(Case.status))
    ).all()
    done = session.execute(
        select(WorkItem.stage, WorkItem.step, WorkItem.outcome, func.count())
        .where(is_in(col(WorkItem.closed_at)))
        .group_by(col(WorkItem.stage), col(WorkItem.step), col(WorkItem.outcome))
    ).all()
    answered = session.execute(
        select(WorkItem.stage, WorkItem.step, Answer.outcome, func.count())
        .select_from(Answer)
        .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
        .where(is_in(col(Answer.at)), col(Answer.is_accepted))
        .group_by(col(WorkItem.stage), col(WorkItem.step), col(Answer.outcome))
    ).all()
    in_order = ((stage, step.key) for stage, steps in STEPS.items() for step in steps)
    # What leaves its item open has happened, too: progress reports, objections and their end.
    stayed = [row for row in answered if _stays(*row[:3])]
    order = {place: number for number, place in enumerate(in_order)}
    found = [
        Done(stage=stage, step=step, outcome=outcome, count=count)
        for stage, step, outcome, count in (*done, *stayed)
    ]
    found.sort(key=lambda each: (order[each.stage, each.step], each.outcome))
    return Changes(
        opened=opened, ended=tuple((status, count) for status, count in ended), done=tuple(found)
    )


def _stays(stage: Stage, step: str, outcome: str) -> bool:
    return isinstance(step_of(stage, step).outcomes.get(outcome), Stay)


def late_by_role(session: Session, today: date) -> dict[Role, int]:
    """Return how many overdue items wait for whom."""
    counted = session.exec(
        select(Party.role, func.count())
        .select_from(WorkItem)
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .where(col(WorkItem.closed_at).is_(None), col(WorkItem.due_on) < today)
        .group_by(col(Party.role))
    ).all()
    counts = dict(counted)
    return {role: counts[role] for role in Role if role in counts}


def late_items(session: Session, today: date, *, most: int = MOST_LISTED) -> list[Late]:
    """Return the overdue items, the latest first, up to `most`."""
    return _late(session, today, None, most)


def listed_items(
    session: Session, rules: tuple[str, ...], today: date, *, most: int = MOST_LISTED
) -> tuple[list[Late], int]:
    """Return what is on the weekly list by one of `rules` and still open, and how many that are."""
    is_listed = (
        select(Reminder.item_id)
        .where(
            Reminder.item_id == col(WorkItem.id),
            Reminder.due_on == col(WorkItem.due_on),
            col(Reminder.rule).in_(rules),
        )
        .exists()
    )
    count = session.exec(
        select(func.count())
        .select_from(WorkItem)
        .where(col(WorkItem.closed_at).is_(None), col(WorkItem.due_on) < today, is_listed)
    ).one()
    return _late(session, today, is_listed, most), count


def first_workday_of_week(session: Session, day: date) -> date | None:
    """Return the first day of `day`'s week, from Monday, on which people work; None without any."""
    monday = day - timedelta(days=day.weekday())
    return session.exec(
        select(func.min(CalendarDay.day)).where(
            col(CalendarDay.day) >= monday,
            col(CalendarDay.day) < monday + timedelta(days=7),
            col(CalendarDay.is_workday),
        )
    ).one()


def _late(session: Session, today: date, condition: Any, most: int) -> list[Late]:
    wanted = (
        select(
            WorkItem,
            Party,
            col(_Enterprise.name),
            col(_Today.workday_no) - col(_Due.workday_no),
        )
        .select_from(WorkItem)
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .outerjoin(_Due, col(_Due.day) == col(WorkItem.due_on))
        .outerjoin(_Today, col(_Today.day) == today)
        .where(col(WorkItem.closed_at).is_(None), col(WorkItem.due_on) < today)
        .order_by(col(WorkItem.due_on), col(WorkItem.id))
        .limit(most)
    )
    if condition is not None:
        wanted = wanted.where(condition)
    found = session.execute(wanted).all()
    return [
        Late(
            item_id=item.id,
            case_no=item.case_no,
            enterprise=enterprise,
            stage=item.stage,
            step=item.step,
            party=party.name,
            role=party.role,
            due_on=item.due_on,
            days_late=days,
        )
        for item, party, enterprise, days in found
    ]
