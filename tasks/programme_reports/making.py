"""Make a report: take the snapshot of the day, or make it, and draw it into a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from sqlalchemy import Engine

from models.operations.audit import Deed
from models.operations.report_snapshots import (
    NothingToRenewError,
    RenewalReasonError,
    compose,
    keep,
    latest,
    made_on,
    require_as_of,
    require_intact,
)
from models.rules.clock import day_of
from models.rules.report_content import Report, ReportKind
from models.tables.report import ReportSnapshot
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import reading, transaction
from tasks.programme_reports.drawing import Printed
from tasks.programme_reports.refusals import UnknownFormatError
from tasks.workbooks.saving import require_free, save_whole

#: What a file's name ends in -> the module that draws it.
_FORMATS = MappingProxyType(
    {".docx": "as_docx", ".xlsx": "as_xlsx", ".html": "as_html", ".pdf": "as_pdf"}
)


class _Format(Protocol):
    """A module that draws a report."""

    def require_usable(self) -> str:
        """Raise a `PilotError` where this machine lacks what the format needs.

        Return what is to be known of the files that it writes here, or nothing.
        """

    def draw(self, printed: Printed) -> bytes:
        """Return the file; the same snapshot gives the same bytes."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A report in a file, whether its figures were stored before, and what to know of the file."""

    snapshot: ReportSnapshot
    report: Report
    is_new: bool
    remark: str


def format_of(path: Path) -> _Format:
    """Return what draws files of that name; `UnknownFormatError` names those there are."""
    module = _FORMATS.get(path.suffix.lower())
    if module is None:
        raise UnknownFormatError(path, _FORMATS)
    # Only what is asked for: the libraries of the four together take a second to import.
    drawing: _Format = import_module(f"tasks.programme_reports.{module}")
    return drawing


def make_report(
    kind: ReportKind,
    as_of: date,
    path: Path,
    deed: Deed,
    *,
    moment: Moment,
    renew_because: str | None = None,
    force: bool = False,
    on: Engine | None = None,
) -> Made:
    """Write the report of that day to `path`.

    The snapshot that was stored first for the kind and the day is drawn again, whatever has
    happened since, unless it is no longer what was made (`ReportAlteredError`); with
    `renew_because` a new edition is made. All that can be refused is refused before anything is
    stored. Killed after the snapshot is stored, the next call draws it.
    """
    drawing = format_of(path)
    remark = drawing.require_usable()
    require_free(path, force=force)
    require_as_of(moment.programme, as_of, day_of(moment.at))
    if renew_because is not None and not renew_because.strip():
        raise RenewalReasonError
    snapshot, is_new = _taken(kind, as_of, deed, moment=moment, renew_because=renew_because, on=on)
    report = Report.model_validate_json(snapshot.content)
    save_whole(path, _writing(drawing.draw(printed(snapshot, report))), force=force)
    return Made(snapshot=snapshot, report=report, is_new=is_new, remark=remark)


def printed(snapshot: ReportSnapshot, report: Report) -> Printed:
    """Return what the formats draw of a stored snapshot."""
    assert snapshot.id is not None  # noqa: S101 -- it is stored
    return Printed(
        report=report,
        number=snapshot.id,
        edition=snapshot.edition,
        sha256=snapshot.sha256,
        made_on=made_on(snapshot),
        made_by=snapshot.made_by,
    )


def _taken(
    kind: ReportKind,
    as_of: date,
    deed: Deed,
    *,
    moment: Moment,
    renew_because: str | None,
    on: Engine | None,
) -> tuple[ReportSnapshot, bool]:
    """Return the snapshot of the day and whether it was made now."""
    # Read apart from the writing: putting hundreds of cases together must not keep answers waiting.
    with reading(on) as session:
        standing = latest(session, kind, as_of)
        if standing is not None and renew_because is None:
            require_intact(session, standing)
            return standing, False
        if standing is None and renew_because is not None:
            raise NothingToRenewError(kind, as_of)
        report = compose(session, moment.programme, kind, as_of, trial_note=trial_note(moment.row))
    with transaction(on) as session:
        snapshot = keep(session, report, deed, reason=renew_because or "", at=moment.at)
    return snapshot, snapshot.content == report.canonical()


def _writing(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write
