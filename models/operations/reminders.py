"""Reminders of deadlines: due "on or before today and not yet sent", one row of proof each.

A sweep after an outage finds everything that was missed; a second one of the same day nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Insert,
    Select,
    bindparam,
    case,
    insert,
    literal,
    select,
)
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.operations.notices import ends_by_itself
from models.operations.reminder_rules import fired_by, reaches, told_by
from models.policy.figures import ReminderRule
from models.rules.stages import Recipient, Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Contact, Party
from models.tables.programme import CalendarDay, ProgrammeRow
from models.tables.reminder import Reminder

_PROOF = Reminder.metadata.tables["reminder"]
_NEW_PROOF = insert(_PROOF).inline()
_TODAY = bindparam("today", type_=Date())
_Due, _Day = aliased(CalendarDay), aliased(CalendarDay)
_Asked, _Above, _Enterprise = aliased(Party), aliased(Party), aliased(Party)

#: Two sweeps at once: the second waits here, and then finds nothing.
_HOLD = select(col(ProgrammeRow.key)).with_for_update(key_share=True)
#: A policy has one set of rules, and sometimes a proposed one.
_KEPT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminded:
    """One person and one matter; `days_left` counts working days and is negative when overdue."""

    day: date
    #: None for the leading group.
    contact_id: int | None
    name: str
    email: str
    party: str
    item_id: int
    case_no: str
    enterprise: str
    stage: Stage
    step: str
    due_on: date
    days_left: int
    rule: str
    #: In whose court the ball is, where that is not the party reminded; else empty.
    waits_for: str


def prove_reminders(session: Session, rules: Sequence[ReminderRule], today: date) -> None:
    """Write down every reminder that has come due, by one statement.

    Nobody is reminded twice on one day: what comes due for somebody who has had today's mail is
    left for the next day, unproven. The leading group has a weekly list of its own.
    Refused, as `not_loaded` says, for a day that the calendar does not hold.
    """
    daily = tuple(rule for rule in rules if rule.to is not Recipient.LEADING_GROUP)
    if daily:
        _prove(session, _told(daily, tuple(rules)), daily, today)


def list_for_leading_group(session: Session, rules: Sequence[ReminderRule], day: date) -> None:
    """Write down what has come onto the weekly list of `day`, by one statement."""
    weekly = tuple(rule for rule in rules if rule.to is Recipient.LEADING_GROUP)
    if weekly:
        _prove(session, _listed(weekly, tuple(rules)), weekly, day)


def reminded_on(session: Session, day: date, people: Collection[int]) -> list[Reminded]:
    """Return of what `people` were reminded on `day`, one for each proof, the most urgent first."""
    wanted = (
        _with_person_and_item(
            select(
                _PROOF.c.reminded_on,
                *_of_person_and_item(_PROOF),
                _PROOF.c.due_on,
                col(_Due.workday_no) - col(_Day.workday_no),
                _PROOF.c.rule,
                _waits_for(),
            ).select_from(_PROOF),
            _PROOF,
        )
        .join(_Day, col(_Day.day) == _PROOF.c.reminded_on)
        .where(_PROOF.c.reminded_on == day, _PROOF.c.contact_id.in_(people))
        .order_by(_PROOF.c.contact_id, _PROOF.c.due_on, _PROOF.c.item_id)
    )
    return list(map(_reminded, session.execute(wanted)))


def forecast_reminders(
    session: Session, rules: Sequence[ReminderRule], today: date, until: date
) -> list[Reminded]:
    """Return whom the sweeps after `today`, up to `until`, will remind of what if nobody answers.

    A notice that nobody objects to is ended by the sweep: of it nobody is reminded.
    What has come due already and is not proven is told under `today`: the next sweep sends it.
    The weekly list to the leading group is not told of here.
    """
    daily = tuple(rule for rule in rules if rule.to is not Recipient.LEADING_GROUP)
    if not daily:
        return []
    told = told_by(daily, tuple(rules))
    days = case({rule.key: rule.working_days for rule in daily}, value=told.c.rule)
    # What is late already is sent today.
    on = case((col(_Day.day) < today, literal(today, Date())), else_=col(_Day.day))
    today_no = select(col(CalendarDay.workday_no)).where(col(CalendarDay.day) == today)
    on_no = case((col(_Day.day) < today, today_no.scalar_subquery()), else_=col(_Day.workday_no))
    rows = session.execute(
        _with_person_and_item(
            select(
                on,
                *_of_person_and_item(told),
                told.c.due_on,
                col(_Due.workday_no) - on_no,
                told.c.rule,
                _waits_for(),
            ).select_from(told),
            told,
        )
        .join(_Day, col(_Day.workday_no) == col(_Due.workday_no) + days)
        .where(col(_Day.is_workday), col(_Day.day) <= until, ~ends_by_itself())
        .order_by(told.c.contact_id, told.c.due_on, told.c.item_id, col(_Day.day)),
        reaches(session, daily, until, clamped=True),
    )
    return once_each(map(_reminded, rows), rules)


def once_each(reminded: Iterable[Reminded], rules: Sequence[ReminderRule]) -> list[Reminded]:
    """Return one of each (day, person, item), in the order given: under the latest of its rules."""
    # A rule that the policy no longer has says less than any that it has.
    offsets = {rule.key: rule.working_days for rule in rules}
    lowest = min(offsets.values(), default=0) - 1
    latest: dict[tuple[date, int | None, int], Reminded] = {}
    for each in reminded:
        place = (each.day, each.contact_id, each.item_id)
        known = latest.setdefault(place, each)
        if offsets.get(each.rule, lowest) > offsets.get(known.rule, lowest):
            latest[place] = each
    return list(latest.values())


def _prove(
    session: Session, statement: Insert, wanted: tuple[ReminderRule, ...], day: date
) -> None:
    session.execute(_HOLD).all()
    session.connection().execute(statement, {"today": day, **reaches(session, wanted, day)})


@lru_cache(_KEPT)
def _told(daily: tuple[ReminderRule, ...], rules: tuple[ReminderRule, ...]) -> Insert:
    """Return the statement that writes down what has come due for people without mail today."""
    told = told_by(daily, rules)
    said = _PROOF.alias("said")
    has_mail = (
        select(literal(1))
        .where(said.c.contact_id == told.c.contact_id, said.c.reminded_on == _TODAY)
        .exists()
    )
    return _proofs(
        select(told.c.item_id, told.c.rule, told.c.due_on, told.c.contact_id, _TODAY).where(
            told.c.contact_id.is_not(None), ~has_mail
        )
    )


@lru_cache(_KEPT)
def _listed(weekly: tuple[ReminderRule, ...], rules: tuple[ReminderRule, ...]) -> Insert:
    """Return the statement that writes down what has come onto the list; nobody has mail of it."""
    fired = fired_by(weekly, rules)
    nobody = literal(None, _PROOF.c.contact_id.type)
    return _proofs(
        # SQLite takes ON CONFLICT for a join's where no WHERE stands before it.
        select(fired.c.item_id, fired.c.rule, fired.c.due_on, nobody, _TODAY).where(
            fired.c.due_on < _TODAY
        )
    )


def _proofs(due: Select[Any]) -> Insert:
    return _NEW_PROOF.from_select([column.name for column in _PROOF.c], due)


def _of_person_and_item(told: FromClause) -> tuple[Any, ...]:
    """Return who is reminded and of what, in the order of `Reminded`."""
    return (
        told.c.contact_id,
        col(Contact.name),
        col(Contact.email),
        col(_Above.name),
        told.c.item_id,
        col(WorkItem.case_no),
        col(_Enterprise.name),
        col(WorkItem.stage),
        col(WorkItem.step),
    )


def _waits_for() -> ColumnElement[str]:
    return case((col(_Asked.id) != col(_Above.id), col(_Asked.name)), else_="")


def _with_person_and_item(wanted: Select[Any], told: FromClause) -> Select[Any]:
    """Join what `_of_person_and_item` names to `wanted`, which selects from `told`."""
    return (
        wanted.join(WorkItem, col(WorkItem.id) == told.c.item_id)
        .join(Contact, col(Contact.id) == told.c.contact_id)
        .join(_Above, col(_Above.id) == col(Contact.party_id))
        .join(_Asked, col(_Asked.id) == col(WorkItem.party_id))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .join(_Due, col(_Due.day) == told.c.due_on)
    )


def _reminded(row: Any) -> Reminded:
    return Reminded(**dict(zip(Reminded.__slots__, row, strict=True)))
