"""The mails of a day's reminders: queued by one statement, written when they are about to go.

Until then a mail only names its day: the proofs say of what it reminds. So a sweep of any size
puts no mail together, and what is written is written once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Date, Insert, String, bindparam, cast, func, insert, literal, select, update
from sqlmodel import Session

from models.lifecycle import step_of
from models.operations.new_rows import insert_new
from models.operations.outbox import ClaimedMail
from models.operations.reminders import Reminded, reminded_on
from models.rules.mail import MailState
from models.tables.columns import UTCDateTime
from models.tables.mail import OutboxMail, machine_now
from models.tables.party import Contact, Party
from models.tables.reminder import Reminder

#: The template of the mails that remind; its context has `matters`, each an item and its due day.
REMINDER: Final = "due_matters"

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
_PROOF = Reminder.metadata.tables["reminder"]
_CONTACT = Contact.metadata.tables["contact"]
_PARTY = Party.metadata.tables["party"]

_ON_THE_DAY = _PROOF.c.reminded_on == bindparam("day", type_=Date())
_PEOPLE = select(func.count(_PROOF.c.contact_id.distinct())).where(_ON_THE_DAY)


def _at(name: str) -> Any:
    return bindparam(name, type_=UTCDateTime())


_KNOWN = _MAIL.alias("known")
#: In the order of their numbers, and sorted before the words are put beside them.
_TOLD = (
    select(_CONTACT.c.id, _CONTACT.c.name, _CONTACT.c.email, _PARTY.c.name.label("party"))
    .join_from(_CONTACT, _PARTY, _PARTY.c.id == _CONTACT.c.party_id)
    .where(_CONTACT.c.id.in_(select(_PROOF.c.contact_id).where(_ON_THE_DAY)))
    .order_by(_CONTACT.c.id)
    .subquery("told")
)
_QUEUED: Final[Mapping[str, Any]] = {
    "dedup_key": bindparam("key", type_=String()) + cast(_TOLD.c.id, String),
    "template": literal(REMINDER),
    "context": bindparam("context", type_=String()),
    "contact_id": _TOLD.c.id,
    "to_party": _TOLD.c.party,
    "to_name": _TOLD.c.name,
    "to_address": _TOLD.c.email,
    "state": literal(MailState.QUEUED, _MAIL.c.state.type),
    "queued_at": _at("queued_at"),
    "entered_at": _at("now"),
    "attempts": literal(0),
    "next_try_at": _at("next_try_at"),
    "held_until": _at("held_until"),
    "last_error": literal(""),
}
_IS_KNOWN = select(literal(1)).where(_KNOWN.c.dedup_key == _QUEUED["dedup_key"]).exists()
#: Passes over mails that are there: PostgreSQL finds them in less time than it needs to be ready
#: for them, SQLite the other way round.
_QUEUE: Final[Mapping[str, Insert]] = {
    "postgresql": insert(_MAIL)
    .inline()
    .from_select(list(_QUEUED), select(*_QUEUED.values()).where(~_IS_KNOWN)),
    "sqlite": insert_new(_MAIL).from_select(
        list(_QUEUED), select(*_QUEUED.values()).where(_TOLD.c.id.is_not(None))
    ),
}
_WRITE = update(_MAIL).where(_MAIL.c.id == bindparam("mail")).values(context=bindparam("words"))


@dataclass(frozen=True, kw_only=True)
class Announced:
    """What is said in all the mails of a day, in the terms of their context.

    Its note of doubt stays in a mail unless all that it rests on is among the confirmed.
    """

    words: Mapping[str, object]
    confirmed_rules: Sequence[str]
    #: `stage.step`
    confirmed_steps: Sequence[str]


def queue_reminders(
    session: Session,
    day: date,
    announced: Announced,
    *,
    queued_at: datetime,
    held_until: datetime | None,
) -> int:
    """Queue `day`'s mail for everybody whom its proofs name; return how many people that are.

    Also what an earlier sweep of the day has proven counts: its mails have their keys already.
    """
    people: int = session.execute(_PEOPLE, {"day": day}).scalar_one()
    if people:
        now = machine_now()
        connection = session.connection()
        connection.execute(
            _QUEUE[connection.dialect.name],
            {
                "day": day,
                "key": f"{REMINDER}:{day}:",
                "context": json.dumps(
                    {"day": day.isoformat(), **vars(announced)}, ensure_ascii=False
                ),
                "queued_at": queued_at,
                "now": now,
                "next_try_at": held_until or now,
                "held_until": held_until,
            },
        )
    return people


def write_reminders(session: Session, mails: Sequence[ClaimedMail]) -> list[ClaimedMail]:
    """Return the claimed `mails`, written where they were not, and keep what was written.

    Kept together with the claim: a mail that may have arrived goes out again word for word.
    """
    written = contexts_of(session, mails)
    if written:
        session.connection().execute(
            _WRITE, [{"mail": mail, "words": context} for mail, context in written.items()]
        )
    return [replace(mail, context=written.get(mail.id, mail.context)) for mail in mails]


def contexts_of(
    session: Session, mails: Iterable[ClaimedMail | OutboxMail]
) -> dict[int | None, str]:
    """Return, by their numbers, the contexts of those of `mails` that are not written yet.

    Of an earlier version there may be reminders that were written by their sweep.
    """
    unwritten: dict[date, dict[int | None, Announced]] = {}
    for mail in mails:
        if mail.template == REMINDER and "matters" not in (about := json.loads(mail.context)):
            day = date.fromisoformat(about.pop("day"))
            unwritten.setdefault(day, {})[mail.id] = Announced(**about)
    written: dict[int | None, str] = {}
    for day, of_day in unwritten.items():
        named = select(_MAIL.c.contact_id, _MAIL.c.id).where(_MAIL.c.id.in_(of_day))
        numbers = dict(session.execute(named).tuples().all())
        told = reminded_on(session, day, numbers.keys())
        for contact_id, theirs in groupby(told, key=attrgetter("contact_id")):
            number = numbers[contact_id]
            context = _context(of_day[number], list(theirs))
            written[number] = json.dumps(context, ensure_ascii=False)
    return written


def _context(announced: Announced, told: Sequence[Reminded]) -> dict[str, object]:
    """Return what one person's mail says; a matter that several rules name stands once."""
    is_confirmed = all(
        each.rule in announced.confirmed_rules
        and f"{each.stage.value}.{each.step}" in announced.confirmed_steps
        for each in told
    )
    return {
        **announced.words,
        "recipient_party": told[0].party,
        "recipient_name": told[0].name,
        "unverified_note": None if is_confirmed else announced.words["unverified_note"],
        "matters": list({each.item_id: _matter(each) for each in told}.values()),
    }


def _matter(each: Reminded) -> dict[str, object]:
    return {
        "case_no": each.case_no,
        "enterprise_name": each.enterprise,
        "item_id": each.item_id,
        "stage_name": each.stage.label,
        "step_name": step_of(each.stage, each.step).label,
        "due_on": each.due_on.isoformat(),
        "days_left": each.days_left,
        "waits_for": each.waits_for or None,
    }
