"""A queued reminder does not remind of what has been settled meanwhile.

Looked at when the mail is about to be sent and not when an item is answered: answering stays as
fast as it is, and nothing that happens between the sweep and the sending is missed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from models.operations.outbox import ClaimedMail
from models.operations.reminder_mails import REMINDER
from models.rules.mail import MailState
from models.tables.case import WorkItem
from models.tables.mail import MailAttempt, OutboxMail

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
_WHY: Final = "所提醒的事项均已办结、改期或暂停计时，无需再发"
#: SQLite takes some thirty thousand parameters.
_AT_ONCE: Final = 10_000


def drop_settled(session: Session, mails: Sequence[ClaimedMail]) -> list[ClaimedMail]:
    """Return the claimed `mails` without the matters that are settled; cancel those left empty.

    Settled is what was answered or withdrawn, and what has another due day by now, or none. A mail
    whose last try ended without a note may have arrived: it goes out again word for word.
    """
    reminders = [mail for mail in mails if mail.template == REMINDER]
    if not reminders:
        return list(mails)
    noted = _tries_noted(session, [mail.id for mail in reminders if mail.attempts > 1])
    matters = {
        mail.id: json.loads(mail.context)["matters"]
        for mail in reminders
        if mail.attempts <= noted.get(mail.id, 0) + 1
    }
    due = _due_days(session, {each["item_id"] for theirs in matters.values() for each in theirs})
    kept = []
    for mail in mails:
        theirs = matters.get(mail.id, [])
        still = [each for each in theirs if due.get(each["item_id"]) == _day(each)]
        if len(still) == len(theirs):
            kept.append(mail)
            continue
        values: dict[str, Any]
        if still:
            context = {**json.loads(mail.context), "matters": still}
            values = {"context": json.dumps(context, ensure_ascii=False)}
            kept.append(replace(mail, **values))
        else:
            values = {"state": MailState.CANCELLED, "lease_owner": None, "last_error": _WHY}
        session.execute(update(_MAIL).where(_MAIL.c.id == mail.id).values(**values))
    return kept


def _tries_noted(session: Session, mail_ids: Sequence[int]) -> dict[int, int]:
    """Return how many tries of each mail have been noted; one that has none is left out."""
    if not mail_ids:
        return {}
    counted = (
        select(col(MailAttempt.mail_id), func.count())
        .where(col(MailAttempt.mail_id).in_(mail_ids))
        .group_by(col(MailAttempt.mail_id))
    )
    return dict(session.execute(counted).tuples().all())


def _day(matter: dict[str, Any]) -> date:
    return date.fromisoformat(matter["due_on"])


def _due_days(session: Session, item_ids: Iterable[int]) -> dict[int, date]:
    """Return the due day of each item that is still open and has one."""
    days: dict[int, date] = {}
    wanted = iter(item_ids)
    while some := list(islice(wanted, _AT_ONCE)):
        days.update(
            session.execute(
                select(col(WorkItem.id), col(WorkItem.due_on)).where(
                    col(WorkItem.id).in_(some),
                    col(WorkItem.closed_at).is_(None),
                    col(WorkItem.due_on).is_not(None),
                )
            )
            .tuples()
            .all()
        )
    return days
