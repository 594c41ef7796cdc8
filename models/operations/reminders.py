"""Reminders of deadlines: due "on or before today and not yet sent", one row of proof each.

A sweep after an outage finds everything that was missed; a second one of the same day nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.operations.calendar_days import CalendarNotLoadedError
from models.operations.parties import first_reachable
from models.policy.figures import ReminderRule
from models.rules.stages import Recipient, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Contact, Party
from models.tables.programme import CalendarDay, ProgrammeRow
from models.tables.reminder import Reminder

_PROOF = Reminder.metadata.tables["reminder"]
_NEW_PROOF = {
    "sqlite": sqlite.insert(_PROOF).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_PROOF).on_conflict_do_nothing(),
}
_Due, _Since, _Day = aliased(CalendarDay), aliased(CalendarDay), aliased(CalendarDay)
_Asked, _Above, _Enterprise = aliased(Party), aliased(Party), aliased(Party)

#: So many rows are in memory at once, however many are told of.
_AT_ONCE = 2000


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


def prove_reminders(session: Session, rules: Sequence[ReminderRule], today: date) -> int:
    """Write down every reminder that has come due, by one statement; return how many.

    Nobody is reminded twice on one day: what comes due for somebody who has had today's mail is
    left for the next day, unproven. The leading group has a weekly list of its own.
    Raises `CalendarNotLoadedError` for a day that the calendar does not hold.
    """
    daily = [rule for rule in rules if rule.to is not Recipient.LEADING_GROUP]
    if not daily:
        return 0
    # Two sweeps at once: the second waits here, and then finds nothing.
    session.execute(select(col(ProgrammeRow.key)).with_for_update(key_share=True)).all()
    said = _PROOF.alias("said")
    has_mail = (
        select(literal(1))
        .where(said.c.contact_id == col(Contact.id), said.c.reminded_on == today)
        .exists()
    )
    reaches = _reaches(session, daily, today)
    due = [
        _unproven(rule, rules, reaches[rule.working_days])
        .with_only_columns(*_proof(rule, today), maintain_column_froms=True)
        .where(~has_mail)
        for rule in daily
    ]
    return _prove(session, due)


def list_for_leading_group(session: Session, rules: Sequence[ReminderRule], day: date) -> int:
    """Write down what has come onto the weekly list of `day`, by one statement; return how much."""
    weekly = [rule for rule in rules if rule.to is Recipient.LEADING_GROUP]
    if not weekly:
        return 0
    session.execute(select(col(ProgrammeRow.key)).with_for_update(key_share=True)).all()
    reaches = _reaches(session, weekly, day)
    return _prove(
        session,
        [
            _unproven(rule, rules, reaches[rule.working_days]).with_only_columns(
                *_proof(rule, day), maintain_column_froms=True
            )
            for rule in weekly
        ],
    )


def reminded_on(
    session: Session, rules: Sequence[ReminderRule], day: date
) -> Iterator[list[Reminded]]:
    """Yield whom `day`'s mails remind of what, a list for each person, the most urgent first.

    A matter that several rules name, as after an outage, stands once: under the last of them.
    Read in parts: a day after a long outage may tell of tens of thousands.
    """
    rows = session.execute(
        select(
            _PROOF.c.reminded_on,
            col(Contact.id),
            col(Contact.name),
            col(Contact.email),
            col(_Above.name),
            col(WorkItem.id),
            col(WorkItem.case_no),
            col(_Enterprise.name),
            col(WorkItem.stage),
            col(WorkItem.step),
            _PROOF.c.due_on,
            col(_Due.workday_no) - col(_Day.workday_no),
            _PROOF.c.rule,
            case((col(_Asked.id) != col(_Above.id), col(_Asked.name)), else_=""),
        )
        .select_from(_PROOF)
        .join(WorkItem, col(WorkItem.id) == _PROOF.c.item_id)
        .join(Contact, col(Contact.id) == _PROOF.c.contact_id)
        .join(_Above, col(_Above.id) == col(Contact.party_id))
        .join(_Asked, col(_Asked.id) == col(WorkItem.party_id))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .join(_Day, col(_Day.day) == _PROOF.c.reminded_on)
        .join(_Due, col(_Due.day) == _PROOF.c.due_on)
        .where(_PROOF.c.reminded_on == day)
        .order_by(_PROOF.c.contact_id, _PROOF.c.due_on, _PROOF.c.item_id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for _, theirs in groupby(map(_reminded, rows), key=attrgetter("contact_id")):
        yield _once_each(theirs, rules)


def forecast_reminders(
    session: Session, rules: Sequence[ReminderRule], today: date, until: date
) -> list[Reminded]:
    """Return whom the sweeps after `today`, up to `until`, will remind of what if nobody answers.

    What has come due already and is not proven is told under `today`: the next sweep sends it.
    The weekly list to the leading group is not told of here.
    """
    daily = [rule for rule in rules if rule.to is not Recipient.LEADING_GROUP]
    if not daily:
        return []
    reaches = _reaches(session, daily, until, clamped=True)
    # What is late already is sent today.
    on = case((col(_Day.day) < today, today), else_=col(_Day.day))
    today_no = select(col(CalendarDay.workday_no)).where(col(CalendarDay.day) == today)
    on_no = case((col(_Day.day) < today, today_no.scalar_subquery()), else_=col(_Day.workday_no))
    told = [
        _unproven(rule, rules, reaches[rule.working_days])
        .join(_Day, col(_Day.workday_no) == col(_Due.workday_no) + rule.working_days)
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .where(col(_Day.is_workday), col(_Day.day) <= until)
        .with_only_columns(
            on.label("day"),
            col(Contact.id).label("contact_id"),
            col(Contact.name),
            col(Contact.email),
            col(_Above.name),
            col(WorkItem.id).label("item_id"),
            col(WorkItem.case_no),
            col(_Enterprise.name),
            col(WorkItem.stage),
            col(WorkItem.step),
            col(WorkItem.due_on).label("due_on"),
            col(_Due.workday_no) - on_no,
            literal(rule.key, String()),
            case((col(_Asked.id) != col(_Above.id), col(_Asked.name)), else_=""),
            maintain_column_froms=True,
        )
        for rule in daily
    ]
    every = union_all(*told).subquery("told")
    rows = session.execute(
        select(every).order_by(every.c.contact_id, every.c.due_on, every.c.item_id, every.c.day)
    )
    return _once_each(map(_reminded, rows), rules)


def _prove(session: Session, due: Sequence[Select[Any]]) -> int:
    connection = session.connection()
    statement = _NEW_PROOF[connection.dialect.name].from_select(
        [column.name for column in _PROOF.c], union_all(*due)
    )
    return connection.execute(statement).rowcount


def _proof(rule: ReminderRule, day: date) -> tuple[Any, ...]:
    """Return the columns of a proof, in the table's order."""
    to_nobody = rule.to is Recipient.LEADING_GROUP
    return (
        col(WorkItem.id),
        literal(rule.key, String()),
        col(WorkItem.due_on),
        literal(None, _PROOF.c.contact_id.type) if to_nobody else col(Contact.id),
        literal(day, Date()),
    )


def _reaches(
    session: Session, rules: Sequence[ReminderRule], day: date, *, clamped: bool = False
) -> dict[int, date | None]:
    """Return, for each rule's `working_days`, the last due day whose rule has fired by `day`.

    None where the calendar begins after it. The days are looked up beforehand and not joined, so
    that the open items are found by their due day, however many there are. A `day` that the
    calendar does not hold is refused or, `clamped`, taken for its last one.
    """
    last = session.execute(select(func.max(CalendarDay.day))).scalar_one()
    if clamped and last is not None:
        day = min(day, last)
    present = session.execute(
        select(col(CalendarDay.workday_no)).where(col(CalendarDay.day) == day)
    ).scalar()
    if present is None:
        raise CalendarNotLoadedError(day, 0)
    return {
        days: session.execute(
            select(func.max(CalendarDay.day)).where(col(CalendarDay.workday_no) <= present - days)
        ).scalar_one()
        for days in {rule.working_days for rule in rules}
    }


def _unproven(rule: ReminderRule, rules: Sequence[ReminderRule], reach: date | None) -> Select[Any]:
    """Return the open items due up to `reach` to which `rule` applies and that it has no proof for.

    A rule whose day lies on or before the day that set the deadline is passed over: who set it
    said it all then. Of a stopped clock there is no due day, and so no reminder.
    """
    wanted = (
        select(WorkItem)
        .select_from(WorkItem)
        .join(_Due, col(_Due.day) == col(WorkItem.due_on))
        .join(
            _Since,
            col(_Since.day) == func.coalesce(col(WorkItem.due_since), col(WorkItem.opened_on)),
        )
        .join(_Asked, col(_Asked.id) == col(WorkItem.party_id))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .outerjoin(
            _PROOF,
            and_(
                _PROOF.c.item_id == col(WorkItem.id),
                _PROOF.c.rule == rule.key,
                _PROOF.c.due_on == col(WorkItem.due_on),
            ),
        )
        .where(
            col(WorkItem.closed_at).is_(None),
            col(WorkItem.due_on) <= reach,
            col(_Due.workday_no) + rule.working_days > col(_Since.workday_no),
            _PROOF.c.item_id.is_(None),
            _is_at_its_steps(rule, rules),
        )
    )
    if rule.asked:
        wanted = wanted.where(col(_Asked.role).in_(rule.asked))
    match rule.to:
        case Recipient.LEADING_GROUP:
            return wanted
        case Recipient.PARTY:
            above: Any = col(WorkItem.party_id)
        case Recipient.CITY_BUREAU:
            above = _first_of(Role.CITY_BUREAU)
        case Recipient.COUNTY_BUREAU:
            counted = aliased(Party)
            above = _first_of(
                Role.COUNTY_BUREAU,
                select(col(counted.county))
                .where(col(counted.id) == col(Case.enterprise_id))
                .correlate_except(counted)
                .scalar_subquery(),
            )
    wanted = wanted.join(_Above, col(_Above.id) == above).join(
        Contact, col(Contact.id) == first_reachable(col(_Above.id))
    )
    if rule.to is not Recipient.PARTY:
        wanted = wanted.where(col(_Above.id) != col(WorkItem.party_id))
    return wanted


def _first_of(role: Role, county: Any = None) -> Any:
    """Return, within a query, the number of the bureau of that role, and of that county."""
    bureau = aliased(Party)
    wanted = select(func.min(bureau.id)).where(col(bureau.role) == role)
    if county is not None:
        wanted = wanted.where(col(bureau.county) == county)
    return wanted.correlate_except(bureau).scalar_subquery()


def _is_at_its_steps(rule: ReminderRule, rules: Sequence[ReminderRule]) -> ColumnElement[bool]:
    """Return whether `rule` holds for an item: at the steps it names, or where none is named."""
    place = tuple_(col(WorkItem.stage), col(WorkItem.step))
    if rule.places:
        return place.in_(rule.places)
    named = [place for other in rules if other.to is rule.to for place in other.places]
    return place.not_in(named) if named else true()


def _reminded(row: Any) -> Reminded:
    return Reminded(**dict(zip(Reminded.__slots__, row, strict=True)))


def _once_each(reminded: Iterable[Reminded], rules: Sequence[ReminderRule]) -> list[Reminded]:
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
