"""What the sections of a report are made of: the programme, the day, every case on that day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.operations.milestones import MilestoneProgress
from models.operations.report_facts import CaseLine
from models.operations.report_marks import Mark
from models.operations.report_tables import Grouping
from models.policy import Programme
from models.rules.report_content import chinese_day


@dataclass(frozen=True, kw_only=True)
class Material:
    """What the sections are made of."""

    programme: Programme
    as_of: date
    lines: Sequence[CaseLine]
    progress: Sequence[MilestoneProgress]

    @property
    def by_batch(self) -> Grouping:
        """Rows for the plan's batches."""
        names = tuple(batch.name for batch in self.programme.batches)
        return Grouping("批次", names, lambda line: line.batch_name)

    @property
    def by_county(self) -> Grouping:
        """Rows for the counties."""
        names = tuple(term.name for term in self.programme.counties)
        return Grouping("县市区", names, lambda line: line.county)

    @property
    def by_industry(self) -> Grouping:
        """Rows for the industries."""
        names = tuple(term.name for term in self.programme.industries)
        return Grouping("行业", names, lambda line: line.industry)

    def having(self, mark: Mark) -> list[CaseLine]:
        """Return the cases that have come to `mark`."""
        return [line for line in self.lines if mark in line.marks]

    def recorded(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Return a line for each piece of evidence of those milestones and targets."""
        return tuple(
            f"{chinese_day(each.done_on)}，《{each.file_name}》"
            + (f"，载明 {each.number} {progress.unit}" if each.number else "")
            + (f"，{each.note}" if each.note else "")
            + f"（{_named(progress)}）"
            for progress in self.progress
            if progress.key in keys
            for each in progress.evidence
        )


def _named(progress: MilestoneProgress) -> str:
    """附件 2024 年第 9 项; a target has a name of its own."""
    if progress.is_programme_target:
        return progress.name
    return f"附件 {progress.year} 年第 {progress.number} 项"
