"""A report over cases that stand everywhere."""

from datetime import date

import pytest

from models.operations.report_snapshots import compose
from models.policy import load_programme
from models.rules.report_content import ReportKind, content_digest
from tasks.database import reading
from tasks.programme_reports.drawing import Printed
from tests.builders import fill_world
from tests.databases import SqliteCopies
from tests.many_cases import fill_with_cases


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """A monthly report, which has every heading, over cases that stand everywhere."""
    for engine in SqliteCopies(tmp_path_factory.mktemp("report")).fresh(fill_world):
        fill_with_cases(engine, 25, seed=5)
        with reading(engine) as session:
            report = compose(
                session,
                load_programme(),
                ReportKind.MONTHLY,
                date(2025, 10, 31),
                trial_note="演示数据 <不得> 上报 & 使用",
            )
    return Printed(
        report=report,
        number=7,
        edition=2,
        sha256=content_digest(report.canonical()),
        made_on=date(2025, 11, 3),
        made_by="周明",
    )
