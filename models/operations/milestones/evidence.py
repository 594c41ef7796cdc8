"""Recorded evidence: that something was done which no data of ours can tell."""

from datetime import date, datetime

from sqlmodel import Session, col, select

from models.operations.audit import Deed
from models.operations.context import require_not_future
from models.operations.documents import IncomingDocument
from models.operations.register_trail import hold_register, record_registration
from models.policy import Programme
from models.policy.figures import Milestone, Target
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.milestones import Measure
from models.tables.milestone import MilestoneEvidence
from models.tables.party import Party


class UnknownMilestoneError(PilotError):
    """There is no such milestone or target."""

    def __init__(self, key: str, known: list[str]) -> None:
        """Name the key asked for and those there are."""
        super().__init__(f"没有编号为 {key} 的里程碑；共有 {'、'.join(known)}")


class CountedByDataError(PilotError):
    """The system counts this one by itself."""

    def __init__(self, key: str, how: str) -> None:
        """Name it, and how it is counted."""
        super().__init__(f"{key} 由系统按“{how}”计量，不凭佐证材料登记")


class NumberMissingError(PilotError):
    """The number is what is measured, and none was given."""

    def __init__(self, key: str) -> None:
        """Name the milestone."""
        super().__init__(f"{key} 须写明佐证材料所载的数量（--number），1 以上")


class NumberNotWantedError(PilotError):
    """A number where none is measured."""

    def __init__(self, key: str) -> None:
        """Name the milestone."""
        super().__init__(f"{key} 不按数量计量，请去掉 --number")


class BeforeProgrammeError(PilotError):
    """Something is said to have been done before the programme began."""

    def __init__(self, day: date, starts_on: date) -> None:
        """Name both days."""
        super().__init__(f"完成日期 {day} 早于试点开始日（{starts_on}），请核对")


class UnknownEvidenceError(PilotError):
    """There is no such evidence, or it has been withdrawn."""

    def __init__(self, evidence_id: int) -> None:
        """Name the number asked for."""
        super().__init__(f"没有编号为 {evidence_id} 的有效佐证材料；可用 pilot milestone show 查看")


class NoReasonError(PilotError):
    """A deed that needs a reason."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("必须写明理由（--reason）")


def milestone_or_target(programme: Programme, key: str) -> Milestone | Target:
    """Return the annex item or the target of that key, or raise `UnknownMilestoneError`."""
    promised: tuple[Milestone | Target, ...] = (*programme.milestones, *programme.targets)
    known = {each.key: each for each in promised}
    if key not in known:
        raise UnknownMilestoneError(key, list(known))
    return known[key]


def record_evidence(
    session: Session,
    programme: Programme,
    key: str,
    document: IncomingDocument,
    deed: Deed,
    party: Party,
    *,
    done_on: date,
    number: int | None,
    note: str,
    at: datetime,
) -> tuple[MilestoneEvidence, bool]:
    """Record that `document` shows milestone or target `key` done; return the row, and if new.

    The same file for the same day and number again is the same evidence. The entry of the trail
    stands under `party`, in whose name it is recorded.
    """
    milestone_or_target(programme, key)
    figures = programme.progress[key]
    if figures.evidence is None:
        raise CountedByDataError(key, programme.measures[figures.measure].text)
    if figures.measure is Measure.RECORDED_NUMBER:
        if number is None or number < 1:
            raise NumberMissingError(key)
    elif number is not None:
        raise NumberNotWantedError(key)
    require_not_future("完成日期", done_on, day_of(at))
    if done_on < programme.starts_on:
        raise BeforeProgrammeError(done_on, programme.starts_on)
    # Only one at a time records for a key; the second finds what the first has written.
    hold_register(session)
    known = session.exec(
        select(MilestoneEvidence).where(
            MilestoneEvidence.key == key,
            MilestoneEvidence.document == document.sha256,
            MilestoneEvidence.done_on == done_on,
            MilestoneEvidence.number == (number or 0),
            col(MilestoneEvidence.withdrawn_at).is_(None),
        )
    ).first()
    if known is not None:
        return known, False
    document.keep(session, at)
    row = MilestoneEvidence(
        key=key,
        document=document.sha256,
        file_name=document.name,
        done_on=done_on,
        number=number or 0,
        note=note.strip(),
        recorded_by=deed.actor,
        recorded_at=at,
    )
    session.add(row)
    session.flush()
    record_registration(session, deed, party, before={}, after=_told(row), at=at)
    return row, True


def withdraw_evidence(
    session: Session, evidence_id: int, reason: str, deed: Deed, party: Party, *, at: datetime
) -> MilestoneEvidence:
    """Let a piece of evidence count no more; the file and the record stay."""
    if not reason.strip():
        raise NoReasonError
    row = session.exec(
        select(MilestoneEvidence)
        .where(MilestoneEvidence.id == evidence_id, col(MilestoneEvidence.withdrawn_at).is_(None))
        .with_for_update()
    ).first()
    if row is None:
        raise UnknownEvidenceError(evidence_id)
    row.withdrawn_at = at
    row.withdrawn_because = reason.strip()
    session.add(row)
    session.flush()
    after = {**_told(row), "withdrawn_because": row.withdrawn_because}
    record_registration(session, deed, party, before=_told(row), after=after, at=at)
    return row


def _told(row: MilestoneEvidence) -> dict[str, object]:
    """Return what the trail holds of a piece of evidence."""
    return {
        "milestone": row.key,
        "evidence_id": row.id,
        "document": row.document,
        "file_name": row.file_name,
        "done_on": row.done_on,
        "number": row.number,
        "note": row.note,
    }
