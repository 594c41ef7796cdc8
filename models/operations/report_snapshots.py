"""Reports as snapshots: made once from the figures of a day and kept with their hash."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from models.operations.audit import Deed
from models.operations.milestones import progress
from models.operations.parties import party_for_role
from models.operations.register_trail import hold_register, record_registration
from models.operations.report_annexes import enterprises_annex, unverified_annex
from models.operations.report_facts import case_lines
from models.operations.report_material import Material
from models.operations.report_sections import BUILDERS
from models.policy import Programme
from models.policy.reports import ReportHeading
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.report_content import Report, ReportKind, Section, Slot, content_digest
from models.rules.stages import Role
from models.tables.audit import RegisterEntry
from models.tables.report import ReportSnapshot

#: What the register's trail calls the making of a report.
ACTION = "编制报告"


class AsOfError(PilotError):
    """A report cannot be made as of that day."""


class RenewalReasonError(PilotError):
    """A report that exists is made anew only with a reason."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("重新编制（--renew）必须写明理由（--reason）")


class NothingToRenewError(PilotError):
    """There is no earlier report to renew."""

    def __init__(self, kind: ReportKind, as_of: date) -> None:
        """Name it."""
        super().__init__(f"还没有截至 {as_of} 的{kind.label}报告，不必加 --renew")


class UnknownReportError(PilotError):
    """There is no such report."""

    def __init__(self, number: int) -> None:
        """Name its number."""
        super().__init__(f"没有编号为 {number} 的报告；可用 pilot report list 查看")


class ReportAlteredError(PilotError):
    """A stored report is no longer what was made."""

    def __init__(self, number: int, what: str) -> None:
        """Name the report and what is wrong with it."""
        super().__init__(
            f"报告 {number} 不能使用：{what}；请从备份恢复，或用 --renew --reason 重新编制"
        )


@dataclass(frozen=True, kw_only=True)
class SnapshotFault:
    """A report that is not what was made."""

    number: int
    what: str


def require_as_of(programme: Programme, as_of: date, today: date) -> None:
    """Raise `AsOfError` for a day that has not come or lies before the programme."""
    if as_of > today:
        raise AsOfError(f"截至日 {as_of} 晚于今天（{today}），还没有那一天的数据")
    if as_of < programme.starts_on:
        raise AsOfError(f"截至日 {as_of} 早于试点开始（{programme.starts_on}），没有可报告的内容")


def compose(
    session: Session,
    programme: Programme,
    kind: ReportKind,
    as_of: date,
    *,
    trial_note: str | None = None,
) -> Report:
    """Return the report of the day from the database as it stands; nothing is stored."""
    material = Material(
        programme=programme,
        as_of=as_of,
        lines=case_lines(session, programme.key, as_of),
        progress=progress(session, programme, as_of),
    )
    figures = programme.reports[kind]
    issuer = next((body.name for body in programme.bodies if body.key == Role.CITY_BUREAU), "")
    return Report(
        kind=kind,
        title=figures.title,
        programme=programme.name,
        document_no=programme.document_no,
        document_title=programme.document_title,
        issuer=issuer,
        as_of=as_of,
        policy_version=programme.version,
        trial_note=trial_note,
        sections=(
            *(_section(programme.report_headings[key], material) for key in figures.headings),
            enterprises_annex(material),
            unverified_annex(material),
        ),
    )


def _section(heading: ReportHeading, material: Material) -> Section:
    build = BUILDERS.get(heading.key)
    return Section(
        key=heading.key,
        title=heading.title,
        source=heading.source,
        blocks=(
            *(build(material) if build else ()),
            *(
                Slot(prompt=slot.prompt, recorded=material.recorded(slot.evidence))
                for slot in heading.slots
            ),
        ),
    )


def latest(session: Session, kind: ReportKind, as_of: date) -> ReportSnapshot | None:
    """Return the last edition of the report of that day, if it has been made."""
    return session.exec(
        select(ReportSnapshot)
        .where(ReportSnapshot.kind == kind, ReportSnapshot.as_of == as_of)
        .order_by(col(ReportSnapshot.edition).desc())
        .limit(1)
    ).first()


def keep(
    session: Session, report: Report, deed: Deed, *, reason: str = "", at: datetime
) -> ReportSnapshot:
    """Store `report` and write the line of the register's trail that holds its hash.

    Without a `reason` the report that stands for the day is returned if there is one: asked for
    twice, or by two people at once, it is made once. With one a further edition is stored.
    """
    # So that a day does not get two first editions.
    hold_register(session)
    standing = latest(session, report.kind, report.as_of)
    if standing is not None and not reason:
        return standing
    content = report.canonical()
    snapshot = ReportSnapshot(
        kind=report.kind,
        as_of=report.as_of,
        edition=1 if standing is None else standing.edition + 1,
        content=content,
        sha256=content_digest(content),
        made_at=at,
        made_by=deed.actor,
        reason=reason,
    )
    session.add(snapshot)
    session.flush()
    record_registration(
        session,
        deed,
        party_for_role(session, Role.CITY_BUREAU),
        before={} if standing is None else _facts(standing),
        after=_facts(snapshot),
        at=at,
    )
    return snapshot


def _facts(snapshot: ReportSnapshot) -> dict[str, object]:
    return snapshot.model_dump(mode="json", exclude={"content", "made_at"})


def numbered(session: Session, number: int) -> ReportSnapshot:
    """Return the report of that number, or raise `UnknownReportError`."""
    snapshot = session.get(ReportSnapshot, number)
    if snapshot is None:
        raise UnknownReportError(number)
    return snapshot


def all_snapshots(session: Session) -> list[ReportSnapshot]:
    """Return every report made, the newest first."""
    return list(session.exec(select(ReportSnapshot).order_by(col(ReportSnapshot.id).desc())))


def verify_snapshots(session: Session) -> tuple[int, list[SnapshotFault]]:
    """Return how many reports there are, and those that are not what was made.

    The hash is held against the content and against the register's trail, whose own chain
    `pilot audit verify` holds together; a report that the trail knows and the table does not have
    is a fault, too.
    """
    recorded = _recorded(session)
    faults = []
    snapshots = all_snapshots(session)
    for snapshot in snapshots:
        assert snapshot.id is not None  # noqa: S101 -- read from the database
        if what := _fault(snapshot, recorded.pop(snapshot.id, None)):
            faults.append(SnapshotFault(number=snapshot.id, what=what))
    faults += [
        SnapshotFault(number=number, what="登记册的审计链中有，报告本身不在了")
        for number in recorded
    ]
    return len(snapshots), faults


def require_intact(session: Session, snapshot: ReportSnapshot) -> None:
    """Raise `ReportAlteredError` where the snapshot is not what was made: it is drawn no more."""
    assert snapshot.id is not None  # noqa: S101 -- read from the database
    if what := _fault(snapshot, _recorded(session).get(snapshot.id)):
        raise ReportAlteredError(snapshot.id, what)


def _recorded(session: Session) -> dict[int, dict[str, object]]:
    """Return what the register's trail says of each report made."""
    entries = session.exec(select(RegisterEntry.after).where(RegisterEntry.action == ACTION))
    return {facts["id"]: facts for facts in map(json.loads, entries)}


def _fault(snapshot: ReportSnapshot, facts: dict[str, object] | None) -> str | None:
    if content_digest(snapshot.content) != snapshot.sha256:
        return "内容与其哈希不符，内容被改动"
    if facts is None:
        return "登记册的审计链中没有这份报告"
    return None if facts == _facts(snapshot) else "与登记册审计链所记不一致"


def made_on(snapshot: ReportSnapshot) -> date:
    """Return the programme's day on which it was made."""
    return day_of(snapshot.made_at)
