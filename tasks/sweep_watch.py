"""Whether the day's sweep was done, asked from outside Prefect. The clock imports this: no Prefect.

A sweep notes its day under `PART`; who looks at that sees a missing one whatever has become of
Prefect, its schedule or its worker.
"""

from datetime import date, time, timedelta
from typing import Final

from sqlalchemy import Engine

from models.operations.outbox import NewMail, queue_mail
from models.operations.programmes import present_programme
from models.rules.clock import SHANGHAI, day_of
from models.tables.programme import Heartbeat
from notifications.contexts import SweepMissed
from tasks.answering import Moment, present_moment
from tasks.clock import moved_to, trial_note
from tasks.database import reading, transaction
from tasks.hand_off_mails import office_words
from tasks.recipients import coordinators

#: The part under which a sweep notes the day it was done for.
PART: Final = "sweep"
#: A sweep that has not been done by then is asked for anew; Prefect's schedule starts it at 8:30.
_MISSED_FROM: Final = time(8, 40)
#: And by then it is told to people.
REPORTED_FROM: Final = time(9, 30)
#: A system that has just been set up has its first sweep within minutes.
_SETTING_UP: Final = timedelta(hours=1)


def last_swept_on(on: Engine | None = None) -> date | None:
    """Return the programme's day that was swept last."""
    with reading(on) as session:
        row = session.get(Heartbeat, PART)
    return None if row is None else date.fromisoformat(row.detail)


def is_missed(moment: Moment, on: Engine | None = None) -> bool:
    """Return whether the programme's present day should have had its sweep by now.

    Nobody gets mail at midnight because a new day has begun; but a day that the clock was moved to
    has no morning to wait for.
    """
    if moved_to(moment.row) is None and moment.at.astimezone(SHANGHAI).time() < _MISSED_FROM:
        return False
    return last_swept_on(on) != day_of(moment.at)


def is_to_be_reported(moment: Moment, on: Engine | None = None) -> bool:
    """Return whether people should be told that the day's sweep is missing.

    Not on a moved clock: whoever moves it to another day sees the sweep come.
    """
    at = moment.at.astimezone(SHANGHAI)
    return (
        moved_to(moment.row) is None
        and at.time() >= REPORTED_FROM
        and at - moment.row.loaded_at > _SETTING_UP
        and last_swept_on(on) != at.date()
    )


def report_missing_sweep(on: Engine | None = None, moment: Moment | None = None) -> bool:
    """Mail the coordinators when the day's sweep is missing, once a day; return whether it is."""
    if moment is None:
        with reading(on) as session:
            if present_programme(session) is None:
                return False
        moment = present_moment(on)
    if not is_to_be_reported(moment, on):
        return False
    programme, today = moment.programme, day_of(moment.at)
    last = last_swept_on(on)
    with transaction(on) as session:
        for who in coordinators(session):
            context = SweepMissed(
                **office_words(programme),
                programme_name=programme.name,
                document_no=programme.document_no,
                document_title=programme.document_title,
                recipient_party=who.party,
                recipient_name=who.name,
                written_at=moment.at,
                trial_note=trial_note(moment.row),
                day=today,
                last_swept_on=last,
            )
            queue_mail(
                session,
                NewMail(
                    dedup_key=f"{SweepMissed.template}:{today}:{who.contact_id}",
                    template=SweepMissed.template,
                    context=context.model_dump_json(),
                    to_party=who.party,
                    to_name=who.name,
                    to_address=who.email,
                    queued_at=moment.at,
                    contact_id=who.contact_id,
                ),
            )
    return True
