"""100 cases through all their items by operations alone, beside a floor that writes the same."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

from sqlalchemy import Engine
from sqlmodel import SQLModel, col, select

from benchmarks.recording import Written, recorded, replay
from benchmarks.result import Measure, Result
from deployments.demonstration.answers import typical_answer
from deployments.demonstration.loading import facts_of
from models.lifecycle import STEPS
from models.operations.answering import SYSTEM
from models.operations.notices import begin_notices
from models.rules.stages import Role
from models.tables.case import Case
from models.tables.party import Party
from tasks.answering import answer_item, start_case
from tasks.database import reading, transaction
from tests.builders import CLI, Dump, World, fill_world, make_world
from tests.databases import DATABASES, NoPostgresqlError, copies_of

CASES = 100
#: The floor's CPU times this is the aim.
AIM = 2.5

#: Filled in by the machine's clock in either script, and so never the same.
_MACHINE_TIME = {"outbox_mail": {"entered_at", "next_try_at"}}


@dataclass
class Spent:
    """CPU and wall-clock seconds of this process over some cycles."""

    cpu: float = 0.0
    wall: float = 0.0
    cycles: int = 0

    @contextmanager
    def measured(self, counts: bool) -> Iterator[None]:
        """Add what the block takes, if it `counts`."""
        wall, cpu = perf_counter(), process_time()
        yield
        if not counts:
            return
        self.cpu += process_time() - cpu
        self.wall += perf_counter() - wall
        self.cycles += 1


def run() -> Result:
    """Measure on every database there is."""
    measures: list[Measure] = []
    notes = [
        f"A cycle is one answer with its mails, audit line and next item; {CASES} cases, "
        f"{sum(map(len, STEPS.values()))} items each. Ours and the floor take turns item by item.",
        "The floor replays the same INSERTs and UPDATEs by SQLAlchemy Core, in as many "
        "transactions; at the end both databases hold the same rows (checked).",
        "CPU is this process's: all of SQLite, but not PostgreSQL's server.",
    ]
    for database in DATABASES:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                copies_of(database, Path(folder), is_durable=True) as copies,
            ):
                ours, floor = _measure(copies.fresh)
        except NoPostgresqlError as error:
            notes.append(f"not measured: {error}")
            continue
        times = ours.cpu / floor.cpu
        measures += [
            Measure(what=f"{database}: answers", value=ours.cycles / ours.wall, unit="cycles/s"),
            Measure(
                what=f"{database}: CPU", value=ours.cpu / ours.cycles * 1000, unit="ms a cycle"
            ),
            Measure(what=f"{database}: floor", value=floor.cycles / floor.wall, unit="cycles/s"),
            Measure(
                what=f"{database}: CPU of the floor",
                value=floor.cpu / floor.cycles * 1000,
                unit="ms a cycle",
            ),
            Measure(
                what=f"{database}: CPU against the floor",
                value=times,
                unit="times",
                aim=f"≤ {AIM}",
                is_met=times <= AIM,
            ),
        ]
    return Result(
        part="answer", title="Answers by operations alone", measures=measures, notes=notes
    )


def _fill(engine: Engine) -> None:
    """Put the programme and as many enterprises as there will be cases into a database."""
    fill_world(engine)
    world = make_world(engine)
    for _ in range(CASES):
        world.register_enterprise()
    with transaction(engine) as session:
        for provider in session.exec(select(Party).where(Party.role == Role.PROVIDER)):
            provider.capacity = 10 * CASES


def _measure(fresh: Callable[[Callable[[Engine], None]], Iterator[Engine]]) -> tuple[Spent, Spent]:
    """Return what answering took, and what the floor took for the same rows."""
    written: list[Written] = []
    for engine in fresh(_fill):
        with recorded(engine, written):
            for deed in _deeds(make_world(engine)):
                deed.do()
    ours, floor = Spent(), Spent()
    for engine in fresh(_fill):
        for bare in fresh(_fill):
            for deed, same in zip(_deeds(make_world(engine)), written, strict=True):
                with ours.measured(deed.is_answer):
                    deed.do()
                with floor.measured(deed.is_answer):
                    replay(bare, same)
            _require_same_rows(World.dump(make_world(engine)), World.dump(make_world(bare)))
    return ours, floor


@dataclass(frozen=True)
class Deed:
    """One transaction; only answers are measured."""

    do: Callable[[], object]
    is_answer: bool


def _deeds(world: World) -> Iterator[Deed]:
    """Give what is to be done to carry all cases to their end, one step of all after the other.

    Forms are filled in before the deed is given away, so that only answering is measured.
    """
    with reading(world.engine) as session:
        enterprises = session.exec(
            select(Party)
            .where(Party.role == Role.ENTERPRISE)
            .order_by(col(Party.id).desc())
            .limit(CASES)
        ).all()
    opened: list[Case] = []
    for enterprise in enterprises:
        yield Deed(
            lambda enterprise=enterprise: opened.append(
                start_case(2, enterprise, world.deed(), moment=world.moment, on=world.engine)
            ),
            is_answer=False,
        )
    items = {case.case_no: world.item_id(case.case_no) for case in opened}
    facts = {
        case.case_no: facts_of(enterprise)
        for case, enterprise in zip(opened, enterprises, strict=True)
    }
    for stage, steps in STEPS.items():
        for step in steps:
            is_notice = step.role is Role.SYSTEM
            if is_notice:
                yield Deed(lambda: _publish(world), is_answer=False)
                world.go_to(world.today + timedelta(days=30))
            for case_no, item_id in items.items():
                form = (
                    {"outcome": "passed"}
                    if is_notice
                    else typical_answer(
                        stage,
                        step.key,
                        enterprise=facts[case_no],
                        case_no=case_no,
                        today=world.today,
                    )
                )
                yield Deed(
                    partial(_answer, world, items, case_no, item_id, form, is_notice=is_notice),
                    is_answer=True,
                )


def _publish(world: World) -> None:
    with transaction(world.engine) as session:
        begin_notices(session, world.moment.programme, world.moment.at)


def _answer(
    world: World,
    items: dict[str, int],
    case_no: str,
    item_id: int,
    form: dict[str, object],
    *,
    is_notice: bool,
) -> None:
    receipt = answer_item(
        item_id,
        form,
        SYSTEM if is_notice else CLI,
        key=f"bench:{item_id}",
        moment=world.moment,
        on=world.engine,
    )
    items[case_no] = receipt.next_item_id or 0


def _require_same_rows(ours: Dump, floor: Dump) -> None:
    """Raise where the two databases do not hold the same rows."""
    for table, rows in ours.items():
        if _comparable(table, rows) != _comparable(table, floor[table]):
            raise AssertionError(f"the floor did not write the rows of {table}")


def _comparable(table: str, rows: Sequence[tuple[object, ...]]) -> list[str]:
    columns = [column.name for column in SQLModel.metadata.tables[table].columns]
    skipped = {columns.index(name) for name in _MACHINE_TIME.get(table, ())}
    return sorted(
        repr([value for place, value in enumerate(row) if place not in skipped]) for row in rows
    )
