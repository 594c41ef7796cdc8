"""Reports are made once for a day, kept with their hash, and looked after."""

import json
from datetime import date

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from models.operations.audit import Deed
from models.operations.report_snapshots import (
    ACTION,
    AsOfError,
    compose,
    keep,
    require_as_of,
    verify_snapshots,
)
from models.policy import load_programme
from models.rules.report_content import ReportKind, content_digest
from models.rules.stages import Stage
from models.tables.audit import RegisterEntry
from models.tables.report import ReportSnapshot
from tasks.database import reading, transaction
from tests.builders import CITY, World


def made(world: World, reason: str = "", as_of: date | None = None) -> ReportSnapshot:
    with reading(world.engine) as session:
        report = compose(session, load_programme(), ReportKind.MIDTERM, as_of or world.today)
    deed = world.deed(ACTION)
    with transaction(world.engine) as session:
        return keep(session, report, deed, reason=reason, at=world.moment.at)


def faults(world: World) -> list[str]:
    with reading(world.engine) as session:
        return [fault.what for fault in verify_snapshots(session)[1]]


def test_the_first_report_of_a_day_stays_the_report_of_that_day(world: World) -> None:
    first = made(world)
    world.started(Stage.DIAGNOSIS, "diagnose")

    again = made(world, as_of=first.as_of)

    assert (again.id, again.sha256, again.edition) == (first.id, first.sha256, 1)


def test_a_renewed_report_is_a_further_edition_and_the_old_one_stays(world: World) -> None:
    first = made(world)
    world.open()

    second = made(world, reason="补录了一件", as_of=first.as_of)

    assert (second.edition, second.reason) == (2, "补录了一件")
    assert second.sha256 != first.sha256
    assert faults(world) == []


def test_the_trail_of_the_register_says_who_made_which_report(world: World) -> None:
    snapshot = made(world)

    with reading(world.engine) as session:
        [entry] = session.exec(select(RegisterEntry).where(RegisterEntry.action == ACTION))
    assert (entry.party, entry.actor) == (CITY, "周明")
    assert json.loads(entry.after) == {
        "id": snapshot.id,
        "kind": "midterm",
        "as_of": world.today.isoformat(),
        "edition": 1,
        "sha256": snapshot.sha256,
        "made_by": "周明",
        "reason": "",
    }
    assert world.verify() == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"content": "{}"}, "内容与其哈希不符，内容被改动"),
        ({"made_by": "别人"}, "与登记册审计链所记不一致"),
        ({"as_of": date(2024, 6, 30)}, "与登记册审计链所记不一致"),
    ],
)
def test_a_report_that_was_tampered_with_is_found(
    world: World, changed: dict[str, object], what: str
) -> None:
    made(world)

    with transaction(world.engine) as session:
        session.connection().execute(update(ReportSnapshot).values(**changed))

    assert faults(world) == [what]


def test_content_and_hash_changed_together_are_found_by_the_trail(world: World) -> None:
    snapshot = made(world)
    with reading(world.engine) as session:
        other = compose(session, load_programme(), ReportKind.FINAL, world.today)

    with transaction(world.engine) as session:
        content = other.canonical()
        session.connection().execute(
            update(ReportSnapshot)
            .where(col(ReportSnapshot.id) == snapshot.id)
            .values(content=content, sha256=content_digest(content))
        )

    assert faults(world) == ["与登记册审计链所记不一致"]


def test_a_report_that_is_gone_is_missed(world: World) -> None:
    snapshot = made(world)

    with transaction(world.engine) as session:
        session.delete(session.get_one(ReportSnapshot, snapshot.id))

    assert faults(world) == ["登记册的审计链中有，报告本身不在了"]


def test_a_day_to_come_or_before_the_programme_has_no_report() -> None:
    programme = load_programme()

    require_as_of(programme, programme.starts_on, programme.starts_on)
    with pytest.raises(AsOfError, match="晚于今天"):
        require_as_of(programme, date(2025, 1, 7), date(2025, 1, 6))
    with pytest.raises(AsOfError, match="早于试点开始"):
        require_as_of(programme, date(2023, 12, 31), date(2025, 1, 6))


def test_two_at_once_make_one_report(world: World) -> None:
    """What was composed before another one stored his is not stored a second time."""
    with reading(world.engine) as session:
        mine = compose(session, load_programme(), ReportKind.MIDTERM, world.today)
    theirs = made(world)

    deed: Deed = world.deed(ACTION)
    with transaction(world.engine) as session:
        kept = keep(session, mine, deed, at=world.moment.at)

    assert kept.id == theirs.id
