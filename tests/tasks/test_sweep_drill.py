"""The sweep is killed at every statement, run twice at once, and late: nothing lost or doubled."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from models.rules.stages import Stage
from models.tables.mail import OutboxMail
from models.tables.reminder import Reminder
from tasks.database import engine, reading
from tasks.sweeping import sweep_day
from tests.builders import OTHER_ENTERPRISE, World
from tests.operations.at_once import at_once

#: Monday to the Wednesday two weeks after it: everything up to the city bureau comes due.
FROM, UNTIL = date(2025, 1, 13), date(2025, 2, 12)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def waiting(here: World) -> World:
    """Items of the county and the city, due on 2025-01-13, which nobody answers."""
    here.started(Stage.APPLICATION, "county-review")
    here.started(Stage.APPLICATION, "city-review", enterprise=OTHER_ENTERPRISE)
    return here


def outcome(world: World) -> tuple[list[object], list[object]]:
    """Return all proofs and all mails that the sweeps have made; by programme time."""
    with reading(world.engine) as session:
        proofs = session.exec(
            select(Reminder.item_id, Reminder.rule, Reminder.due_on, Reminder.reminded_on)
        ).all()
        mails = session.exec(
            select(OutboxMail.dedup_key, OutboxMail.context).where(
                col(OutboxMail.template).in_(("due_matters", "digest"))
            )
        ).all()
    return sorted(map(tuple, proofs)), sorted(map(tuple, mails))


@contextmanager
def killed_at(number: int) -> Iterator[Callable[[], int]]:
    """Die before the statement of that number, or at the commit it stands for; give the count."""
    count = 0

    def step(*_: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise Killed

    here = engine()
    event.listen(here, "before_cursor_execute", step)
    event.listen(here, "commit", step)
    try:
        yield lambda: count
    finally:
        event.remove(here, "before_cursor_execute", step)
        event.remove(here, "commit", step)


def test_a_sweep_killed_at_any_statement_leaves_what_the_next_one_completes(
    waiting: World,
) -> None:
    waiting.go_to(date(2025, 1, 14))
    kills = 0
    while True:
        kills += 1
        with killed_at(kills) as counted:
            try:
                sweep_day(waiting.moment)
            except Killed:
                # Half a sweep is never seen: who has a proof has his mail.
                proofs, mails = outcome(waiting)
                assert bool(proofs) == any("due_matters" in str(mail) for mail in mails)
                continue
        break

    proofs, mails = outcome(waiting)
    assert kills > counted() > 20
    assert [rule for _, rule, _, _ in proofs].count("after-1") == 2  # type: ignore[misc]
    assert sorted(key.split(":")[0] for key, _ in mails) == [  # type: ignore[misc]
        # Daily and weekly, to each of the two people of the lead bureau.
        *["digest"] * 4,
        "due_matters",
        "due_matters",
    ]
    sweep_day(waiting.moment)
    assert outcome(waiting) == (proofs, mails)


def test_sweeps_at_once_make_what_one_makes(waiting: World) -> None:
    waiting.go_to(date(2025, 1, 14))

    at_once(*[lambda: sweep_day(waiting.moment)] * 4)

    at_once_made = outcome(waiting)
    assert len(at_once_made[0]) == 6
    sweep_day(waiting.moment)
    assert outcome(waiting) == at_once_made


@pytest.mark.parametrize("seed", range(4))
def test_sweeps_after_any_gaps_and_several_a_day_prove_what_daily_ones_do(
    waiting: World, seed: int
) -> None:
    drawn = random.Random(seed)
    waiting.go_to(FROM)
    while waiting.today < UNTIL:
        for _ in range(drawn.randint(1, 2)):
            sweep_day(waiting.moment)
        waiting.go_to(min(UNTIL, waiting.today + timedelta(days=drawn.choice((1, 2, 3, 8, 17)))))
    sweep_day(waiting.moment)

    proofs, mails = outcome(waiting)
    rules = {rule for _, rule, _, _ in proofs}  # type: ignore[misc]
    county, city = sorted({item for item, *_ in proofs})  # type: ignore[misc]
    reminders = {"before-1", "on-the-day", "after-1", "after-3", "after-5"}
    assert rules == {*reminders, "city-after-10", "leading-group-after-15"}
    assert {(item, rule) for item, rule, *_ in proofs} == {  # type: ignore[misc]
        *((item, rule) for item in (county, city) for rule in reminders),
        (county, "city-after-10"),
        *((item, "leading-group-after-15") for item in (county, city)),
    }
    keys = [key for key, _ in mails]  # type: ignore[misc]
    assert len(keys) == len(set(keys))
