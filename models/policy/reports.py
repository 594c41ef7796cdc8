"""How the programme's reports are headed, and what a person has still to write in them."""

from pydantic import Field

from models.policy.figures import Figures, Sourced, Text
from models.policy.sources import PolicyError, require_distinct
from models.rules.report_content import ReportKind


class ReportSlot(Figures):
    """Prose that a person writes, and the milestones and targets whose evidence helps with it."""

    prompt: Text
    evidence: tuple[Text, ...] = ()


class ReportHeading(Sourced):
    """A heading of the reports, with the prose that is wanted under it."""

    key: Text
    title: Text
    slots: tuple[ReportSlot, ...] = ()


class ReportFigures(Sourced):
    """One kind of report: its title and its headings in order."""

    key: ReportKind
    title: Text
    headings: tuple[Text, ...] = Field(min_length=1)


class ReportsFile(Figures):
    """`reports.toml`."""

    reports: tuple[ReportFigures, ...]
    headings: tuple[ReportHeading, ...]


def require_reports(file: ReportsFile, measured: frozenset[str]) -> None:
    """Raise `PolicyError` unless every kind of report has its headings, and they what they name.

    `measured` are the keys of the milestones and targets.
    """
    known = {heading.key for heading in file.headings}
    for kind in ReportKind:
        if kind not in {each.key for each in file.reports}:
            raise PolicyError("reports.toml", "reports", f"缺少 {kind.value}")
    for report in file.reports:
        where = f"reports（{report.key}）.headings"
        require_distinct("reports.toml", where, report.headings)
        for key in report.headings:
            if key not in known:
                raise PolicyError("reports.toml", where, f"没有 {key} 这一标题")
    for heading in file.headings:
        for key in {key for slot in heading.slots for key in slot.evidence} - measured:
            where = f"headings（{heading.key}）.slots"
            raise PolicyError("reports.toml", where, f"没有 {key} 这个里程碑或目标")
