"""Which reading is in force where the plan disagrees with itself, and changing it on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from models.operations.audit import Deed
from models.operations.milestones.evidence import NoReasonError
from models.operations.register_trail import hold_register, record_registration
from models.policy import Programme
from models.policy.figures import Contradiction, Reading
from models.rules.errors import PilotError
from models.tables.case import Case, WorkItem
from models.tables.milestone import ReadingChoice
from models.tables.party import Party
from models.tables.programme import Batch


class UnknownContradictionError(PilotError):
    """There is no such contradiction."""

    def __init__(self, key: str, known: list[str]) -> None:
        """Name the key asked for and those there are."""
        super().__init__(f"没有编号为 {key} 的矛盾；共有 {'、'.join(known)}")


class UnknownReadingError(PilotError):
    """The contradiction has no such reading."""

    def __init__(self, contradiction: str, key: str, known: list[str]) -> None:
        """Name the contradiction, the key asked for and those there are."""
        super().__init__(f"{contradiction} 没有名为 {key} 的读法；应为 {'、'.join(known)} 之一")


Window = tuple[date, date]


@dataclass(frozen=True, kw_only=True)
class MovedBatch:
    """A batch whose transformation window is another under the new reading."""

    number: int
    name: str
    before: Window
    after: Window


@dataclass(frozen=True, kw_only=True)
class MovedItem:
    """An open item that runs to the end of its batch, and would be due on another day."""

    item_id: int
    case_no: str
    before: date
    after: date


@dataclass(frozen=True, kw_only=True)
class MovedEvidence:
    """A milestone whose evidence would be due on another day."""

    milestone: str
    before: date
    after: date


@dataclass(frozen=True, kw_only=True)
class ReadingChange:
    """What putting a reading in force touches."""

    contradiction: Contradiction
    before: Reading
    after: Reading
    batches: tuple[MovedBatch, ...]
    items: tuple[MovedItem, ...]
    evidence: tuple[MovedEvidence, ...]
    #: True where the reading has been chosen already: nothing is left to be done.
    is_chosen: bool


def reading_choices(session: Session) -> dict[str, ReadingChoice]:
    """Return by contradiction the choice that counts, where one was made."""
    return {
        choice.contradiction: choice
        for choice in session.exec(select(ReadingChoice).order_by(col(ReadingChoice.id)))
    }


def readings_in_force(session: Session, programme: Programme) -> Mapping[str, Reading]:
    """Return the reading in force of every contradiction, by its key."""
    choices = reading_choices(session)
    found = {}
    for each in programme.contradictions:
        chosen = choices.get(each.key)
        found[each.key] = next(
            (reading for reading in each.readings if chosen and reading.key == chosen.reading),
            each.reading_in_force,
        )
    return found


def weigh_reading(
    session: Session, programme: Programme, contradiction: str, reading: str
) -> ReadingChange:
    """Return what putting `reading` in force would touch; nothing is changed."""
    keys = [each.key for each in programme.contradictions]
    if contradiction not in keys:
        raise UnknownContradictionError(contradiction, keys)
    disputed = programme.contradiction(contradiction)
    wanted = next((each for each in disputed.readings if each.key == reading), None)
    if wanted is None:
        raise UnknownReadingError(contradiction, reading, [each.key for each in disputed.readings])
    present = readings_in_force(session, programme)[contradiction]
    chosen = reading_choices(session).get(contradiction)
    batches = _moved_batches(session, programme, disputed, wanted)
    return ReadingChange(
        contradiction=disputed,
        before=present,
        after=wanted,
        batches=batches,
        items=_moved_items(session, programme, batches),
        evidence=_moved_evidence(programme, disputed, present, wanted),
        is_chosen=chosen is not None and chosen.reading == reading,
    )


def choose_reading(
    session: Session,
    programme: Programme,
    contradiction: str,
    reading: str,
    reason: str,
    deed: Deed,
    party: Party,
    *,
    at: datetime,
) -> ReadingChange:
    """Put `reading` in force, with its windows and what follows from them; return what moved.

    A choice made already is left as it is. Confirming the reading the policy begins with is a
    choice too: from then on it is the bureau's and not the system's.
    """
    if not reason.strip():
        raise NoReasonError
    hold_register(session)
    change = weigh_reading(session, programme, contradiction, reading)
    if change.is_chosen:
        return change
    session.add(
        ReadingChoice(
            contradiction=contradiction,
            reading=reading,
            reason=reason.strip(),
            chosen_by=deed.actor,
            chosen_at=at,
        )
    )
    for batch in change.batches:
        row = session.exec(
            select(Batch)
            .where(Batch.programme_key == programme.key, Batch.number == batch.number)
            .with_for_update()
        ).one()
        row.transformation_from, row.transformation_until = batch.after
        session.add(row)
    for due_on in {item.after for item in change.items}:
        moved = [item.item_id for item in change.items if item.after == due_on]
        session.connection().execute(
            update(WorkItem.metadata.tables["work_item"])
            .where(WorkItem.metadata.tables["work_item"].c.id.in_(moved))
            .values(due_on=due_on)
        )
    before = {"contradiction": contradiction, "reading": change.before.key}
    after = {
        "contradiction": contradiction,
        "reading": reading,
        "reason": reason.strip(),
        **({"batches": [vars(each) for each in change.batches]} if change.batches else {}),
        **({"items": [vars(each) for each in change.items]} if change.items else {}),
    }
    record_registration(session, deed, party, before=before, after=after, at=at)
    return change


def _moved_batches(
    session: Session, programme: Programme, disputed: Contradiction, wanted: Reading
) -> tuple[MovedBatch, ...]:
    numbers = [each.number for each in programme.batches if each.transformation == disputed.key]
    if wanted.starts_on is None or wanted.ends_on is None:
        return ()
    after = (wanted.starts_on, wanted.ends_on)
    rows = session.exec(
        select(Batch)
        .where(Batch.programme_key == programme.key, col(Batch.number).in_(numbers))
        .order_by(col(Batch.number))
    )
    return tuple(
        MovedBatch(number=row.number, name=row.name, before=before, after=after)
        for row in rows
        if (before := (row.transformation_from, row.transformation_until)) != after
    )


def _moved_items(
    session: Session, programme: Programme, batches: tuple[MovedBatch, ...]
) -> tuple[MovedItem, ...]:
    """Return the open items of `batches` whose step runs to the end of its batch."""
    steps = [
        (stage, step)
        for stage, lengths in programme.steps.items()
        for step, length in lengths.items()
        if length.until == "batch-end"
    ]
    moved = []
    for batch in batches:
        rows = session.exec(
            select(WorkItem)
            .join(Case, col(Case.case_no) == col(WorkItem.case_no))
            .join(Batch, col(Batch.id) == col(Case.batch_id))
            .where(
                Batch.number == batch.number,
                Batch.programme_key == programme.key,
                col(WorkItem.closed_at).is_(None),
                or_(
                    *(
                        (col(WorkItem.stage) == stage) & (col(WorkItem.step) == step)
                        for stage, step in steps
                    )
                ),
            )
            .order_by(col(WorkItem.id))
        )
        for row in rows:
            # As when it was opened: the calendar of the plan does not move into the past.
            after = max(batch.after[1], row.opened_on)
            if row.id is not None and row.due_on is not None and row.due_on != after:
                moved.append(
                    MovedItem(item_id=row.id, case_no=row.case_no, before=row.due_on, after=after)
                )
    return tuple(moved)


def _moved_evidence(
    programme: Programme, disputed: Contradiction, present: Reading, wanted: Reading
) -> tuple[MovedEvidence, ...]:
    if present.ends_on is None or wanted.ends_on is None or present.ends_on == wanted.ends_on:
        return ()
    return tuple(
        MovedEvidence(milestone=key, before=present.ends_on, after=wanted.ends_on)
        for key, figures in programme.progress.items()
        if figures.evidence_window == disputed.key
    )
