"""The digests: each working day to the coordinators, each week to the leading group."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session, select

from models.lifecycle import step_of
from models.operations.calendar_days import is_workday
from models.operations.digests import (
    Late,
    changes_between,
    first_workday_of_week,
    late_by_role,
    late_items,
    listed_items,
)
from models.operations.outbox import NewMail, queue_mail
from models.operations.reminders import list_for_leading_group
from models.operations.worklists import open_items
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.stages import Recipient
from models.tables.mail import machine_now
from models.tables.programme import Heartbeat, ProgrammeRow
from notifications.contexts import Digest, LateMatter
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import transaction
from tasks.hand_off_mails import office_words
from tasks.recipients import Reader, coordinators, leading_group
from tasks.sending_hours import not_before
from tasks.sweep_watch import PART

#: The parts under which the instants of the last digests are noted.
DAILY: Final = "digest-daily"
WEEKLY: Final = "digest-weekly"

_DAY = timedelta(days=1)
_UNCONFIRMED = "办理时限与催办日程待核（系统默认值，方案未规定）"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A digest that will be sent, to each of its readers."""

    day: date
    is_weekly: bool
    readers: tuple[Reader, ...]
    #: Whom the readers are to hand it on to: the leading group, where no address of it is known.
    hand_on_to: str | None = None

    @property
    def words(self) -> str:
        """每日简报, 每周简报."""
        return "每周简报" if self.is_weekly else "每日简报"


def queue_digests(moment: Moment, on: Engine | None = None) -> list[str]:
    """Queue the digests that are due and not yet sent; return which, in words.

    What the leading group is to know of is written down with its list, all or nothing.
    """
    queued = []
    with transaction(on) as session:
        # Two sweeps at once: the second waits here, and then finds them queued.
        session.exec(select(ProgrammeRow.key).with_for_update(key_share=True)).all()
        for due in _due(session, moment.programme, day_of(moment.at)):
            _queue(session, moment, due)
            queued.append(due.words)
    return queued


def planned_digests(
    session: Session, programme: Programme, today: date, until: date
) -> list[Planned]:
    """Return the digests from the next sweep on up to `until`, as far as the calendar reaches."""
    planned = _due(session, programme, today)
    day, who = today + _DAY, coordinators(session)
    while day <= until:
        first = first_workday_of_week(session, day)
        if first is not None and is_workday(session, day):
            planned.append(Planned(day=day, is_weekly=False, readers=who))
        if day == first:
            planned.append(_weekly(programme, day, who))
        day += _DAY
    return [each for each in planned if each.readers]


def _weekly(programme: Programme, day: date, who: tuple[Reader, ...]) -> Planned:
    """Return the digest to the leading group or, without its address, to those who hand it on."""
    above = leading_group(programme)
    if above is None:
        return Planned(day=day, is_weekly=True, readers=())
    if above.email:
        return Planned(day=day, is_weekly=True, readers=(above,))
    return Planned(day=day, is_weekly=True, readers=who, hand_on_to=above.party)


def _due(session: Session, programme: Programme, today: date) -> list[Planned]:
    due = []
    who = coordinators(session)
    if is_workday(session, today) and _last(session, DAILY, today) != today:
        due.append(Planned(day=today, is_weekly=False, readers=who))
    first = first_workday_of_week(session, today)
    if first is not None and first <= today:
        last = _last(session, WEEKLY, today)
        if last is None or last < first:
            # As it stood on that day, however late the sweep comes.
            due.append(_weekly(programme, first, who))
    return [each for each in due if each.readers]


def _since(session: Session, part: str, today: date) -> datetime | None:
    """Return the programme's instant of the last digest; one from a later day does not count."""
    row = session.get(Heartbeat, part)
    since = None if row is None else datetime.fromisoformat(row.detail)
    return None if since is None or day_of(since) > today else since


def _last(session: Session, part: str, today: date) -> date | None:
    since = _since(session, part, today)
    return None if since is None else day_of(since)


def _queue(session: Session, moment: Moment, due: Planned) -> None:
    programme, today = moment.programme, day_of(moment.at)
    part = WEEKLY if due.is_weekly else DAILY
    since = _since(session, part, today)
    changes = changes_between(session, since, moment.at)
    by_role = late_by_role(session, today)
    count = sum(by_role.values())
    if due.is_weekly:
        rules = programme.reminders
        list_for_leading_group(session, rules, due.day)
        keys = tuple(rule.key for rule in rules if rule.to is Recipient.LEADING_GROUP)
        late, listed = listed_items(session, keys, today)
    else:
        late, listed = late_items(session, today), count
    swept = None if due.is_weekly else _swept(session, today)
    said = partial(
        Digest,
        **office_words(programme),
        programme_name=programme.name,
        document_no=programme.document_no,
        document_title=programme.document_title,
        hand_on_to=due.hand_on_to,
        written_at=moment.at,
        trial_note=trial_note(moment.row),
        unverified_note=_UNCONFIRMED if late else None,
        is_weekly=due.is_weekly,
        day=due.day,
        since=since and day_of(since),
        opened=changes.opened,
        ended=tuple(f"{status.label} {number} 件" for status, number in changes.ended),
        done=tuple(each.words for each in changes.done),
        late_count=count,
        late_by=tuple(f"{role.label} {number} 件" for role, number in by_role.items()),
        late=tuple(map(_late, late)),
        listed_count=listed,
        stopped=tuple(_stopped(session, today)),
        is_swept=None if swept is None else swept >= today - _DAY,
        last_swept_on=swept,
    )
    for reader in due.readers:
        context = said(recipient_party=reader.party, recipient_name=reader.name)
        queue_mail(
            session,
            NewMail(
                dedup_key=f"{Digest.template}:{part}:{due.day}:{reader.contact_id or 0}",
                template=Digest.template,
                context=context.model_dump_json(),
                to_party=reader.party,
                to_name=reader.name,
                to_address=reader.email,
                queued_at=moment.at,
                contact_id=reader.contact_id,
                not_before=not_before(session, Digest, programme, moment.row, now=machine_now()),
            ),
        )
    session.merge(Heartbeat(part=part, beat_at=machine_now(), detail=moment.at.isoformat()))


def _swept(session: Session, today: date) -> date | None:
    """Return the last day that was swept before this one; None where there was none."""
    row = session.get(Heartbeat, PART)
    swept = None if row is None else date.fromisoformat(row.detail)
    return None if swept is None or swept > today else swept


def _stopped(session: Session, today: date) -> Iterator[str]:
    for item in open_items(session, today=today, stopped_only=True):
        assert item.stop is not None  # noqa: S101 -- those alone are given
        yield (
            f"{item.enterprise}（{item.case_no}，事项 {item.item_id}）"
            f"{item.stage.label}·{item.step_label}：{item.stop.words}"
        )


def _late(each: Late) -> LateMatter:
    return LateMatter(
        case_no=each.case_no,
        enterprise_name=each.enterprise,
        item_id=each.item_id,
        stage_name=each.stage.label,
        step_name=step_of(each.stage, each.step).label,
        waits_for=each.party,
        due_on=each.due_on,
        days_late=None if each.days_late is None else max(each.days_late, 0),
    )
