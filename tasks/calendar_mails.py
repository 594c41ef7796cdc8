"""The mails of the calendar: a window that opens, an event to which parties are invited."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from models.operations.events import invitations
from models.operations.outbox import NewMail, queue_mails
from models.operations.parties import Person, people_of
from models.operations.programmes import require_programme
from models.rules.stages import MAY_APPLY_AGAIN, Role
from models.tables.case import Case
from models.tables.event import Event
from models.tables.mail import machine_now
from models.tables.party import Party
from models.tables.programme import Batch
from notifications.contexts import ApplicationsOpen, EventChanged, EventInvitation, MailContext
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.hand_off_mails import office_words
from tasks.sending_hours import not_before

#: To whom, which mail, and what only this mail says.
_Letter = tuple[Party, type[MailContext], dict[str, object]]

_HOW_TO_ORGANISE = (
    "请将申报通知转告辖区内符合条件的企业",
    "企业申报后，系统会逐件通知贵单位审核推荐",
)
_HOW_TO_APPLY = (
    "向所在县市区经信部门或市经信局提出申报意向，由市经信局立案",
    "立案后会收到办理邮件，按邮件所述在线填写申报表",
)


def mails_for_opening_window(session: Session, moment: Moment, batch: Batch) -> int:
    """Tell the counties, and the enterprises without a case, that `batch` takes applications.

    Returns how many mails that is, also those queued before: the keys are the batch's.
    """
    programme = moment.programme
    has_case = select(col(Case.enterprise_id)).where(
        Case.programme_key == programme.key, col(Case.status).not_in(MAY_APPLY_AGAIN)
    )
    parties = session.exec(
        select(Party)
        .where(
            (col(Party.role) == Role.COUNTY_BUREAU)
            | ((col(Party.role) == Role.ENTERPRISE) & col(Party.id).not_in(has_case))
        )
        .order_by(col(Party.id))
    ).all()
    industries = tuple(each.name for each in programme.industries)
    letters: list[_Letter] = [
        (
            party,
            ApplicationsOpen,
            {
                "batch_number": batch.number,
                "batch_name": batch.name,
                "opens_on": batch.applications_open_on,
                "closes_on": batch.applications_close_on,
                "is_to_county": party.role is Role.COUNTY_BUREAU,
                "industries": industries,
                "how_to_apply": (
                    _HOW_TO_ORGANISE if party.role is Role.COUNTY_BUREAU else _HOW_TO_APPLY
                ),
            },
        )
        for party in parties
    ]
    return _queue(session, moment, letters, f"{batch.number}", "三（一）1")


def mails_for_invitation(
    session: Session, moment: Moment, event: Event, parties: Sequence[Party], note: str
) -> int:
    """Send `parties` the invitation to `event` with its entry for the calendar."""
    words = {**_told(event), "note": note.strip() or None}
    letters: list[_Letter] = [(party, EventInvitation, words) for party in parties]
    return _queue(session, moment, letters, f"{event.id}", "三（三）4")


def mails_for_changed_event(session: Session, moment: Moment, event: Event, reason: str) -> int:
    """Tell all who are invited that `event` is moved or called off, and correct their calendars."""
    is_cancelled = event.cancelled_at is not None
    words = {**_told(event), "is_cancelled": is_cancelled, "reason": reason.strip()}
    letters: list[_Letter] = [
        (party, EventChanged, words) for _, party in invitations(session, event)
    ]
    # Moved there and back again are three changes: each entry in the register is one.
    number = require_programme(session).register_length
    return _queue(session, moment, letters, f"{event.id}:{number}", "三（三）4")


def _told(event: Event) -> dict[str, object]:
    return {
        "event_id": event.id,
        "event_name": event.name,
        "kind_name": event.kind.label,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "place": event.place,
    }


def _queue(
    session: Session,
    moment: Moment,
    letters: Sequence[_Letter],
    about: str,
    clause: str,
) -> int:
    """Queue one mail to the first person whom mail reaches of each party; return how many."""
    programme = moment.programme
    people = people_of(session, {party.id for party, *_ in letters if party.id})
    mails = []
    for party, kind, words in letters:
        person = _first(people.get(party.id or 0, []))
        if person is None:
            continue
        context = kind.model_validate(
            {
                **office_words(programme),
                "programme_name": programme.name,
                "document_no": programme.document_no,
                "document_title": programme.document_title,
                "clause": clause,
                "recipient_party": party.name,
                "recipient_name": person.name,
                "written_at": moment.at,
                "trial_note": trial_note(moment.row),
                **words,
            }
        )
        mails.append(
            NewMail(
                dedup_key=f"{kind.template}:{about}:{party.id}",
                template=kind.template,
                context=context.model_dump_json(),
                to_party=party.name,
                to_name=person.name,
                to_address=person.email,
                queued_at=moment.at,
                contact_id=person.id,
                not_before=not_before(session, kind, programme, moment.row, now=machine_now()),
            )
        )
    queue_mails(session, mails)
    return len(mails)


def _first(people: Sequence[Person]) -> Person | None:
    reachable = [person for person in people if person.is_reachable] or people
    return reachable[0] if reachable else None
