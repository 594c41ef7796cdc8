"""Which rule has fired for which open item: the one query behind reminders and their forecast.

It is built once for the rules of a policy: to write it took longer than to run it.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Date,
    Select,
    String,
    bindparam,
    case,
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
_NOBODY = literal(None, _PROOF.c.contact_id.type)

#: A policy has one set of rules, and sometimes a proposed one.
_KEPT = 8

_Day, _Present = aliased(CalendarDay), aliased(CalendarDay)
#: The last day of each working day's number around the present one, and that number.
_DAYS_AROUND = (
    select(col(_Day.workday_no), func.max(col(_Day.day)), col(_Present.workday_no))
    .join(
        _Present,
        col(_Day.workday_no).between(
            col(_Present.workday_no) - bindparam("latest"),
            col(_Present.workday_no) - bindparam("earliest"),
        ),
    )
    .where(col(_Present.day) == bindparam("day"))
    .group_by(col(_Day.workday_no), col(_Present.workday_no))
)
_LAST_DAY = select(func.max(CalendarDay.day))


def reaches(
    session: Session, wanted: Sequence[ReminderRule], day: date, *, clamped: bool = False
) -> dict[str, date]:
    """Return the parameters of the query: the last due day whose rule has fired by `day`.

    One for each rule's `working_days` and one for all; `date.min` where the calendar begins after
    it. Looked up beforehand and not joined, so that the open items are found by their due day,
    however many there are. A `day` that the calendar does not hold is refused or, `clamped`, taken
    for its last one.
    """
    if clamped and (last := session.execute(_LAST_DAY).scalar_one()) is not None:
        day = min(day, last)
    offsets = {rule.working_days for rule in wanted}
    around = {"day": day, "latest": max(*offsets, 0), "earliest": min(*offsets, 0)}
    days = session.execute(_DAYS_AROUND, around).tuples().all()
    if not days:
        raise not_loaded(session, day)
    present = days[0][2]
    reached = {
        offset: max(
            (last for number, last, _ in days if number <= present - offset), default=date.min
        )
        for offset in offsets
    }
    return {"reach": max(reached.values())} | {
        _reach(offset): last for offset, last in reached.items()
    }


@lru_cache(_KEPT)
def told_by(daily: tuple[ReminderRule, ...], rules: tuple[ReminderRule, ...]) -> CTE:
    """Return what has fired and is unproven: item, rule, due day, and whom to write to.

    By which day, its parameters say: `reaches`. Looking up a person is dear, and is done once for
    each party, however much it is told of.
    """
    fired = fired_by(daily, rules)
    parties = select(fired.c.above).where(fired.c.above.is_not(None)).distinct().subquery()
    people = (
        select(parties.c.above, first_reachable(parties.c.above).label("contact_id"))
        .cte("people")
        .prefix_with("MATERIALIZED")
    )
    return (
        select(fired.c.item_id, fired.c.rule, fired.c.due_on, people.c.contact_id)
        .join_from(fired, people, people.c.above == fired.c.above)
        .cte("told")
    )


@lru_cache(_KEPT)
def fired_by(wanted: tuple[ReminderRule, ...], rules: tuple[ReminderRule, ...]) -> CTE:
    """Return the (item, rule) that have come due and are unproven, and which party above.

    `above` is None where there is no such party, or where it is the one asked.

    Parties are looked up row by row, not joined, and only of what is unproven: few of the open
    items come so far, and a planner that joins reads all parties there are.
    """
    due = _due(wanted)
    unproven = (
        union_all(*(_unproven(due, rule, rules) for rule in wanted))
        .cte("unproven")
        .prefix_with("MATERIALIZED")
    )
    asked = aliased(Party)
    role = (
        select(col(asked.role))
        .where(col(asked.id) == unproven.c.party_id)
        .correlate_except(asked)
        .scalar_subquery()
    )
    above = {rule.key: _above(unproven, rule.to) for rule in wanted}
    return (
        select(
            unproven.c.item_id,
            unproven.c.rule,
            unproven.c.due_on,
            case(above, value=unproven.c.rule).label("above"),
        )
        .where(
            *((unproven.c.rule != rule.key) | role.in_(rule.asked) for rule in wanted if rule.asked)
        )
        .cte("fired")
        .prefix_with("MATERIALIZED")
    )


def _last(rule: ReminderRule) -> BindParameter[date]:
    """Return the last due day for which the rule has fired."""
    return bindparam(_reach(rule.working_days), type_=Date())


def _reach(working_days: int) -> str:
    return f"reach_{working_days}".replace("-", "before_")


def _due(wanted: Sequence[ReminderRule]) -> CTE:
    """Return the open items that a rule can be about; read once for all.

    With the number of the due day and of the day that set it. Of a stopped clock there is none.
    What has been late for long has a proof for every rule: that is seen at one look, and few of
    the others are left to be looked at rule by rule.
    """
    due, since = aliased(CalendarDay), aliased(CalendarDay)
    due_on = col(WorkItem.due_on)
    fired = sum((case((due_on <= _last(rule), 1), else_=0) for rule in wanted), literal(0))
    proofs = (
        select(func.count())
        .where(
            _PROOF.c.item_id == col(WorkItem.id),
            _PROOF.c.due_on == due_on,
            case({rule.key: _last(rule) for rule in wanted}, value=_PROOF.c.rule) >= due_on,
        )
        .correlate(WorkItem)
        .scalar_subquery()
    )
    return (
        select(
            col(WorkItem.id).label("item_id"),
            col(WorkItem.case_no).label("case_no"),
            col(WorkItem.party_id).label("party_id"),
            col(WorkItem.stage).label("stage"),
            col(WorkItem.step).label("step"),
            due_on.label("due_on"),
            col(due.workday_no).label("due_no"),
            col(since.workday_no).label("since_no"),
        )
        .select_from(WorkItem)
        .join(due, col(due.day) == col(WorkItem.due_on))
        .join(
            since,
            col(since.day) == func.coalesce(col(WorkItem.due_since), col(WorkItem.opened_on)),
        )
        .where(col(WorkItem.closed_at).is_(None), due_on <= bindparam("reach"), proofs < fired)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )


def _unproven(due: CTE, rule: ReminderRule, rules: Sequence[ReminderRule]) -> Select[Any]:
    """Return those of `due` to which `rule` applies by now and that it has no proof for.

    A rule whose day lies on or before the day that set the deadline is passed over: who set it
    said it all then.
    """
    proof = _PROOF.alias()
    is_proven = (
        select(literal(1))
        .where(
            proof.c.item_id == due.c.item_id,
            proof.c.rule == rule.key,
            proof.c.due_on == due.c.due_on,
        )
        .exists()
    )
    return select(
        due.c.item_id,
        literal(rule.key, String()).label("rule"),
        due.c.due_on,
        due.c.party_id,
        due.c.case_no,
    ).where(
        due.c.due_on <= _last(rule),
        due.c.due_no + rule.working_days > due.c.since_no,
        ~is_proven,
        _is_at_its_steps(due, rule, rules),
    )


def _above(unproven: CTE, to: Recipient) -> ColumnElement[Any]:
    """Return, within a query, the number of the party that is told; not of the one asked."""
    bureau, of_case, enterprise = aliased(Party), aliased(Case), aliased(Party)
    match to:
        case Recipient.PARTY:
            return unproven.c.party_id
        case Recipient.LEADING_GROUP:
            return _NOBODY
        case Recipient.CITY_BUREAU:
            role, county = Role.CITY_BUREAU, None
        case Recipient.COUNTY_BUREAU:
            role = Role.COUNTY_BUREAU
            county = (
                select(col(enterprise.county))
                .join(of_case, col(of_case.enterprise_id) == col(enterprise.id))
                .where(col(of_case.case_no) == unproven.c.case_no)
                .correlate_except(enterprise, of_case)
                .scalar_subquery()
            )
    wanted = select(func.min(col(bureau.id))).where(col(bureau.role) == role)
    if county is not None:
        wanted = wanted.where(col(bureau.county) == county)
    return func.nullif(wanted.correlate_except(bureau).scalar_subquery(), unproven.c.party_id)


def _is_at_its_steps(
    due: CTE, rule: ReminderRule, rules: Sequence[ReminderRule]
) -> ColumnElement[bool]:
    """Return whether `rule` holds for an item: at the steps it names, or where none is named."""
    place = tuple_(due.c.stage, due.c.step)
    if rule.places:
        return place.in_(rule.places)
    named = [place for other in rules if other.to is rule.to for place in other.places]
    return place.not_in(named) if named else true()
