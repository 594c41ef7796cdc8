"""Which rule has fired for which open item: the one query behind reminders and their forecast."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    String,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.operations.calendar_days import not_loaded
from models.operations.parties import first_reachable
from models.policy.figures import ReminderRule
from models.rules.stages import Recipient, Role
from models.tables.case import Case, WorkItem
from models.tables.party import Party
from models.tables.programme import CalendarDay
from models.tables.reminder import Reminder

_PROOF = Reminder.metadata.tables["reminder"]


def told_by(
    session: Session,
    daily: Sequence[ReminderRule],
    rules: Sequence[ReminderRule],
    day: date,
    *,
    clamped: bool = False,
) -> CTE:
    """Return what has fired by `day` and is unproven: item, rule, due day, and whom to write to.

    Materialized: looking up a person is dear, and is done once for each row.
    """
    fired = fired_by(session, daily, rules, day, clamped=clamped)
    return (
        select(
            fired.c.item_id,
            fired.c.rule,
            fired.c.due_on,
            first_reachable(fired.c.above).label("contact_id"),
        )
        .where(fired.c.above.is_not(None))
        .cte("told")
        .prefix_with("MATERIALIZED")
    )


def fired_by(
    session: Session,
    wanted: Sequence[ReminderRule],
    rules: Sequence[ReminderRule],
    day: date,
    *,
    clamped: bool = False,
) -> CTE:
    """Return the (item, rule) that have come due by `day` and are unproven, and which party above.

    `above` is None where there is no such party, or where it is the one asked.
    """
    reaches = _reaches(session, wanted, day, clamped=clamped)
    due = _due_up_to(max((reach for reach in reaches.values() if reach), default=date.min))
    return (
        union_all(*(_unproven(due, rule, rules, reaches[rule.working_days]) for rule in wanted))
        .cte("fired")
        .prefix_with("MATERIALIZED")
    )


def _due_up_to(reach: date) -> CTE:
    """Return the open items due up to `reach`, all that a rule can be about; read once for all.

    With the number of the due day and of the day that set it. Of a stopped clock there is none.
    """
    due, since = aliased(CalendarDay), aliased(CalendarDay)
    return (
        select(
            col(WorkItem.id).label("item_id"),
            col(WorkItem.case_no).label("case_no"),
            col(WorkItem.party_id).label("party_id"),
            col(WorkItem.stage).label("stage"),
            col(WorkItem.step).label("step"),
            col(WorkItem.due_on).label("due_on"),
            col(due.workday_no).label("due_no"),
            col(since.workday_no).label("since_no"),
        )
        .select_from(WorkItem)
        .join(due, col(due.day) == col(WorkItem.due_on))
        .join(
            since,
            col(since.day) == func.coalesce(col(WorkItem.due_since), col(WorkItem.opened_on)),
        )
        .where(col(WorkItem.closed_at).is_(None), col(WorkItem.due_on) <= reach)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )


def _reaches(
    session: Session, rules: Sequence[ReminderRule], day: date, *, clamped: bool = False
) -> dict[int, date | None]:
    """Return, for each rule's `working_days`, the last due day whose rule has fired by `day`.

    None where the calendar begins after it. Looked up beforehand and not joined, so that the open
    items are found by their due day, however many there are. A `day` that the calendar does not
    hold is refused or, `clamped`, taken for its last one.
    """
    last = session.execute(select(func.max(CalendarDay.day))).scalar_one()
    if clamped and last is not None:
        day = min(day, last)
    present = session.execute(
        select(col(CalendarDay.workday_no)).where(col(CalendarDay.day) == day)
    ).scalar()
    if present is None:
        raise not_loaded(session, day)
    return {
        days: session.execute(
            select(func.max(CalendarDay.day)).where(col(CalendarDay.workday_no) <= present - days)
        ).scalar_one()
        for days in {rule.working_days for rule in rules}
    }


def _unproven(
    due: CTE, rule: ReminderRule, rules: Sequence[ReminderRule], reach: date | None
) -> Select[Any]:
    """Return those of `due`, up to `reach`, to which `rule` applies and that it has no proof for.

    A rule whose day lies on or before the day that set the deadline is passed over: who set it
    said it all then.

    Parties are looked up row by row, not joined: only few of the open items come so far, and a
    planner that joins reads all parties there are.
    """
    proof, asked = _PROOF.alias(), aliased(Party)
    is_proven = (
        select(literal(1))
        .where(
            proof.c.item_id == due.c.item_id,
            proof.c.rule == rule.key,
            proof.c.due_on == due.c.due_on,
        )
        .exists()
    )
    wanted = select(
        due.c.item_id,
        literal(rule.key, String()).label("rule"),
        due.c.due_on,
        _above(due, rule).label("above"),
    ).where(
        due.c.due_on <= (reach or date.min),
        due.c.due_no + rule.working_days > due.c.since_no,
        ~is_proven,
        _is_at_its_steps(due, rule, rules),
    )
    if rule.asked:
        role = select(col(asked.role)).where(col(asked.id) == due.c.party_id)
        wanted = wanted.where(role.correlate_except(asked).scalar_subquery().in_(rule.asked))
    return wanted


def _above(due: CTE, rule: ReminderRule) -> ColumnElement[Any]:
    """Return, within a query, the number of the party that `rule` tells; not of the one asked."""
    bureau, of_case, enterprise = aliased(Party), aliased(Case), aliased(Party)
    match rule.to:
        case Recipient.PARTY:
            return due.c.party_id
        case Recipient.LEADING_GROUP:
            return literal(None, _PROOF.c.contact_id.type)
        case Recipient.CITY_BUREAU:
            role, county = Role.CITY_BUREAU, None
        case Recipient.COUNTY_BUREAU:
            role = Role.COUNTY_BUREAU
            county = (
                select(col(enterprise.county))
                .join(of_case, col(of_case.enterprise_id) == col(enterprise.id))
                .where(col(of_case.case_no) == due.c.case_no)
                .correlate_except(enterprise, of_case)
                .scalar_subquery()
            )
    wanted = select(func.min(col(bureau.id))).where(col(bureau.role) == role)
    if county is not None:
        wanted = wanted.where(col(bureau.county) == county)
    return func.nullif(wanted.correlate_except(bureau).scalar_subquery(), due.c.party_id)


def _is_at_its_steps(
    due: CTE, rule: ReminderRule, rules: Sequence[ReminderRule]
) -> ColumnElement[bool]:
    """Return whether `rule` holds for an item: at the steps it names, or where none is named."""
    place = tuple_(due.c.stage, due.c.step)
    if rule.places:
        return place.in_(rule.places)
    named = [place for other in rules if other.to is rule.to for place in other.places]
    return place.not_in(named) if named else true()
