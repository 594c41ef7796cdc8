"""Whom a mail reaches: addresses that are not written to, and the way on to the next contact.

The order of a party's people is: the primary contact, then the others as they were entered.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, func

from models.operations.outbox import ClaimedMail, NewMail, queue_mail
from models.rules.errors import PilotError
from models.rules.mail import MOST_ATTEMPTS, Attempt, MailState, checked_address
from models.tables.mail import OutboxMail
from models.tables.party import Contact
from models.tables.reach import IN_FORCE, PhoneCall, Suppression

#: Who is named where no person decided.
SYSTEM_NAME: Final = "系统"

#: Between the key of a mail and the number of the contact who is written to instead.
_NEXT: Final = ":next:"

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
_SUPPRESSION = Suppression.metadata.tables["suppression"]
_CALL = PhoneCall.metadata.tables["phone_call"]
_CONTACT = Contact.metadata.tables["contact"]

_SUPPRESS = {
    name: dialect.insert(_SUPPRESSION).on_conflict_do_nothing(
        index_elements=["address"], index_where=IN_FORCE
    )
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_CALL_FOR = {
    name: dialect.insert(_CALL).on_conflict_do_nothing(index_elements=["mail_id"])
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}


class NotSuppressedError(PilotError):
    """The address is not on the list."""

    def __init__(self, address: str) -> None:
        """Name it."""
        super().__init__(f"{address} 不在停发名单上；可用 pilot mail suppressed list 查看")


class AlreadySuppressedError(PilotError):
    """The address is on the list already."""

    def __init__(self, address: str) -> None:
        """Name it."""
        super().__init__(f"{address} 已在停发名单上；可用 pilot mail suppressed list 查看")


class ReasonMissingError(PilotError):
    """A decision without its reason."""

    def __init__(self) -> None:
        """Say what is wanted."""
        super().__init__("请写明原因，例如 --reason 本人来电更换邮箱")


def suppress(
    session: Session,
    address: str,
    *,
    reason: str,
    by: str,
    at: datetime,
    code: int | None = None,
    detail: str = "",
    mail_id: int | None = None,
) -> bool:
    """Write to `address` no more; False when that was so already. Its people are passed over."""
    folded = address.lower()
    connection = session.connection()
    added = connection.execute(
        _SUPPRESS[connection.dialect.name].returning(_SUPPRESSION.c.id),
        {
            "address": folded,
            "since": at,
            "reason": reason,
            "code": code,
            "detail": detail,
            "mail_id": mail_id,
            "by": by,
            "lifted_by": "",
            "lift_reason": "",
        },
    ).first()
    connection.execute(
        update(_CONTACT)
        .where(func.lower(_CONTACT.c.email) == folded)
        .values(bounced_address=folded)
    )
    return added is not None


def suppress_by_hand(session: Session, address: str, *, reason: str, by: str, at: datetime) -> None:
    """Put `address` on the list as a person decided; refused where it stands there already."""
    if not reason.strip():
        raise ReasonMissingError
    checked_address(address.strip())
    if not suppress(session, address.strip(), reason=reason.strip(), by=by, at=at):
        raise AlreadySuppressedError(address.strip())


def lift(session: Session, address: str, *, reason: str, by: str, at: datetime) -> None:
    """Write to `address` again; what had stood on the list remains on record."""
    if not reason.strip():
        raise ReasonMissingError
    folded = address.strip().lower()
    lifted = session.connection().execute(
        update(_SUPPRESSION)
        .where(_SUPPRESSION.c.address == folded, IN_FORCE)
        .values(lifted_at=at, lifted_by=by, lift_reason=reason.strip())
    )
    if not lifted.rowcount:
        raise NotSuppressedError(address.strip())
    session.connection().execute(
        update(_CONTACT).where(_CONTACT.c.bounced_address == folded).values(bounced_address="")
    )


def suppressions(session: Session, *, with_lifted: bool = False) -> list[Suppression]:
    """Return what stands on the list, the newest first; `with_lifted` all that ever stood."""
    wanted = select(Suppression).order_by(col(Suppression.id).desc())
    if not with_lifted:
        wanted = wanted.where(IN_FORCE)
    return list(session.execute(wanted).scalars())


def refused_for_good(
    session: Session, mail: ClaimedMail, attempt: Attempt, *, now: datetime
) -> None:
    """Pass on a mail that a server has refused; write to a dead address no more.

    One that could not be written fails for everybody: its failure is for whoever looks after us.
    """
    if attempt.is_address_dead:
        suppress(
            session,
            mail.to_address,
            reason=attempt.reason,
            by=SYSTEM_NAME,
            at=now,
            code=attempt.code,
            detail=attempt.detail,
            mail_id=mail.id,
        )
    if attempt.is_address_dead or attempt.code is not None:
        pass_on(session, mail.id, why=attempt.reason, now=now)


def tries_used_up(session: Session, mail: ClaimedMail, attempt: Attempt, *, now: datetime) -> None:
    """Pass on a mail whose last try has ended, unless nobody else would get it either."""
    if not attempt.is_servers_fault:
        why = f"已尝试 {MOST_ATTEMPTS} 次，仍未成功：{attempt.reason}"
        pass_on(session, mail.id, why=why, now=now)


def set_aside(
    session: Session, mails: Sequence[ClaimedMail], *, now: datetime
) -> list[ClaimedMail]:
    """Return those of the claimed `mails` that may be sent; pass on those that would not arrive.

    An address may have died, a person may have left since the mail was queued.
    """
    unreachable = {
        mail_id: "联系人已不在该单位"
        if has_left
        else f"收件地址已列入停发名单（{reason}）"
        if reason
        else "该单位没有可用的联系人"
        for mail_id, has_left, reason in session.execute(
            select(_MAIL.c.id, _CONTACT.c.has_left, _SUPPRESSION.c.reason)
            .outerjoin(_CONTACT, _CONTACT.c.id == _MAIL.c.contact_id)
            .outerjoin(
                _SUPPRESSION,
                and_(_SUPPRESSION.c.address == func.lower(_MAIL.c.to_address), IN_FORCE),
            )
            .where(
                _MAIL.c.id.in_([mail.id for mail in mails]),
                or_(
                    _SUPPRESSION.c.id.is_not(None),
                    _CONTACT.c.has_left,
                    _MAIL.c.to_address == "",
                ),
            )
        )
    }
    for mail_id, why in unreachable.items():
        session.execute(
            update(_MAIL)
            .where(_MAIL.c.id == mail_id)
            .values(state=MailState.FAILED, lease_owner=None, last_error=why)
        )
        pass_on(session, mail_id, why=why, now=now)
    return [mail for mail in mails if mail.id not in unreachable]


def pass_on(session: Session, mail_id: int, *, why: str, now: datetime) -> None:
    """Queue the mail for the next contact of its party or, if nobody is left, for a call.

    Done once for a mail, however often it is asked for; nobody gets the same mail twice.
    """
    mail = (
        session.execute(
            update(_MAIL)
            .where(_MAIL.c.id == mail_id, _MAIL.c.passed_on_at.is_(None))
            .values(passed_on_at=now)
            .returning(*_MAIL.c)
        )
        .mappings()
        .first()
    )
    if mail is None:
        return
    party_id = session.execute(
        select(_CONTACT.c.party_id).where(_CONTACT.c.id == mail["contact_id"])
    ).scalar()
    root = mail["dedup_key"].partition(_NEXT)[0]
    contact = None if party_id is None else _next_contact(session, party_id, root)
    if contact is None:
        connection = session.connection()
        connection.execute(
            _CALL_FOR[connection.dialect.name],
            {
                "mail_id": mail_id,
                "party_id": party_id,
                "since": now,
                "why": why,
                "done_by": "",
                "note": "",
            },
        )
        return
    queue_mail(
        session,
        NewMail(
            dedup_key=f"{root}{_NEXT}{contact.id}",
            template=mail["template"],
            context=json.dumps(
                {
                    **json.loads(mail["context"]),
                    "recipient_name": contact.name,
                    "passed_on_from": mail["to_name"],
                },
                ensure_ascii=False,
            ),
            to_party=mail["to_party"],
            to_name=contact.name,
            to_address=contact.email,
            queued_at=mail["queued_at"],
            case_no=mail["case_no"],
            item_id=mail["item_id"],
            contact_id=contact.id,
        ),
    )


def _next_contact(session: Session, party_id: int, root: str) -> Any:
    """Return the first of the party's people who is reachable and has not had this mail yet."""
    folded = func.lower(_CONTACT.c.email)
    people = session.execute(
        select(_CONTACT.c.id, _CONTACT.c.name, _CONTACT.c.email)
        .where(
            _CONTACT.c.party_id == party_id,
            ~_CONTACT.c.has_left,
            folded != _CONTACT.c.bounced_address,
            folded.not_in(select(_SUPPRESSION.c.address).where(IN_FORCE)),
        )
        .order_by(_CONTACT.c.is_primary.desc(), _CONTACT.c.id)
    ).all()
    keys = {f"{root}{_NEXT}{person.id}": person for person in people}
    tried = session.execute(
        select(_MAIL.c.dedup_key, _MAIL.c.to_address).where(_MAIL.c.dedup_key.in_([root, *keys]))
    ).all()
    had = {row.dedup_key for row in tried}
    addresses = {row.to_address.lower() for row in tried}
    for key, person in keys.items():
        if key not in had and person.email.lower() not in addresses:
            return person
    return None
