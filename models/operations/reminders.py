"""Reminders of deadlines: due "on or before today and not yet sent", one row of proof each.

A sweep after an outage finds everything that was missed; a second one of the same day nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ScalarSelect, Select, Subquery, case, literal, select, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.operations.new_rows import insert_new
from models.operations.parties import first_reachable
from models.policy.figures import ReminderRule
from models.rules.stages import Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Contact, Party
from models.tables.programme import CalendarDay, ProgrammeRow
from models.tables.reminder import Reminder

_PROOF = Reminder.metadata.tables["reminder"]
_NEW_PROOF = insert_new(_PROOF)
_Due, _Opened, _Day = aliased(CalendarDay), aliased(CalendarDay), aliased(CalendarDay)
_Enterprise = aliased(Party)


@dataclass(frozen=True, kw_only=True)
class Reminded:
    """One person and one matter; `days_left` counts working days and is negative when overdue."""

    day: date
    contact_id: int
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


def prove_reminders(session: Session, rules: Sequence[ReminderRule], today: date) -> int:
    """Write down every reminder that has come due, by one statement; return how many.

    Nobody is reminded twice on one day: what comes due for somebody who has had today's mail is
    left for the next day, unproven.
    """
    if not rules:
        return 0
    # Two sweeps at once: the second waits here, and then finds nothing.
    session.execute(select(col(ProgrammeRow.key)).with_for_update(key_share=True)).all()
    said = _PROOF.alias("said")
    has_mail = (
        select(literal(1))
        .where(said.c.contact_id == col(Contact.id), said.c.reminded_on == today)
        .exists()
    )
    fires, wanted = _firing(rules)
    due = (
        wanted.with_only_columns(col(WorkItem.id), fires.c.rule, col(Contact.id), literal(today))
        .where(col(_Due.workday_no) + fires.c.working_days <= _workday_no(today))
        .where(~has_mail)
    )
    statement = _NEW_PROOF.from_select(["item_id", "rule", "contact_id", "reminded_on"], due)
    # Not every driver keeps the count of an INSERT unless it is asked to.
    counted = {"preserve_rowcount": True}
    return session.connection().execute(statement, execution_options=counted).rowcount


def reminded_on(session: Session, rules: Sequence[ReminderRule], day: date) -> list[Reminded]:
    """Return whom `day`'s mails remind of what, person by person, the most urgent first.

    A matter that several rules name, as after an outage, stands once: under the last of them.
    """
    rows = session.execute(
        _told(
            select(
                _PROOF.c.reminded_on,
                _PROOF.c.rule,
                Contact,
                Party,
                WorkItem,
                _Enterprise,
                col(_Due.workday_no) - col(_Day.workday_no),
            )
            .select_from(_PROOF)
            .join(WorkItem, col(WorkItem.id) == _PROOF.c.item_id)
            .join(Contact, col(Contact.id) == _PROOF.c.contact_id)
            .join(_Day, col(_Day.day) == _PROOF.c.reminded_on)
            .join(_Due, col(_Due.day) == col(WorkItem.due_on))
        ).where(_PROOF.c.reminded_on == day)
    )
    return _once_each([_reminded(*row) for row in rows], rules)


def forecast_reminders(
    session: Session, rules: Sequence[ReminderRule], today: date, until: date
) -> list[Reminded]:
    """Return whom the sweeps after `today`, up to `until`, will remind of what if nobody answers.

    What has come due already and is not proven is told under `today`: the next sweep sends it.
    """
    if not rules:
        return []
    fires, wanted = _firing(rules)
    rows = session.execute(
        _told(
            wanted.with_only_columns(
                col(_Day.day),
                fires.c.rule,
                Contact,
                Party,
                WorkItem,
                _Enterprise,
                # What is late already is sent today.
                col(_Due.workday_no)
                - case((col(_Day.day) < today, _workday_no(today)), else_=col(_Day.workday_no)),
            )
            .join(_Day, col(_Day.workday_no) == col(_Due.workday_no) + fires.c.working_days)
            .where(col(_Day.is_workday), col(_Day.day) <= until)
        )
    )
    ahead = [_reminded(max(day, today), *rest) for day, *rest in rows]
    return _once_each(ahead, rules)


def _workday_no(day: date) -> ScalarSelect[int]:
    return select(col(CalendarDay.workday_no)).where(col(CalendarDay.day) == day).scalar_subquery()


def _firing(rules: Sequence[ReminderRule]) -> tuple[Subquery, Select[Any]]:
    """Return the rules as rows, and all (item, rule) that are not proven yet.

    A rule whose day lies on or before the item's first is passed over: the hand-off said it all.
    """
    fires = union_all(
        *(
            select(
                literal(rule.key).label("rule"), literal(rule.working_days).label("working_days")
            )
            for rule in rules
        )
    ).subquery("fires")
    wanted = (
        select(WorkItem)
        .select_from(WorkItem)
        .join(_Due, col(_Due.day) == col(WorkItem.due_on))
        .join(_Opened, col(_Opened.day) == col(WorkItem.opened_on))
        .join(fires, col(_Due.workday_no) + fires.c.working_days > col(_Opened.workday_no))
        .join(Contact, col(Contact.id) == first_reachable(col(WorkItem.party_id)))
        .outerjoin(_PROOF, (_PROOF.c.item_id == col(WorkItem.id)) & (_PROOF.c.rule == fires.c.rule))
        .where(col(WorkItem.closed_at).is_(None), _PROOF.c.item_id.is_(None))
    )
    return fires, wanted


def _told(wanted: Select[Any]) -> Select[Any]:
    return (
        wanted.join(Party, col(Party.id) == col(WorkItem.party_id))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .order_by(col(Contact.id), col(WorkItem.due_on), col(WorkItem.id), col(_Day.day))
    )


def _reminded(
    day: date,
    rule: str,
    contact: Contact,
    party: Party,
    item: WorkItem,
    enterprise: Party,
    days_left: int,
) -> Reminded:
    assert contact.id is not None  # noqa: S101 -- all are read from the database
    assert item.id is not None  # noqa: S101
    assert item.due_on is not None  # noqa: S101 -- joined by it
    return Reminded(
        day=day,
        contact_id=contact.id,
        name=contact.name,
        email=contact.email,
        party=party.name,
        item_id=item.id,
        case_no=item.case_no,
        enterprise=enterprise.name,
        stage=item.stage,
        step=item.step,
        due_on=item.due_on,
        days_left=days_left,
        rule=rule,
    )


def _once_each(reminded: Sequence[Reminded], rules: Sequence[ReminderRule]) -> list[Reminded]:
    """Return one of each (day, item), in the order given: under the latest rule that names it."""
    # A rule that the policy no longer has says less than any that it has.
    offsets = {rule.key: rule.working_days for rule in rules}
    lowest = min(offsets.values(), default=0) - 1
    latest: dict[tuple[date, int], Reminded] = {}
    for each in reminded:
        known = latest.setdefault((each.day, each.item_id), each)
        if offsets.get(each.rule, lowest) > offsets.get(known.rule, lowest):
            latest[each.day, each.item_id] = each
    return list(latest.values())
