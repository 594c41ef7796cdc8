"""What the flow runs should be: the database's side of every stay of a case in a stage."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.rules.stages import Stage
from models.tables.case import Case, StageRun, WorkItem
from models.tables.party import Party
from models.tables.programme import Batch

_RUNS = StageRun.metadata.tables["stage_run"]


@dataclass(frozen=True, kw_only=True)
class WantedRun:
    """A flow run to be made, with what a coordinator finds it by."""

    id: int
    case_no: str
    stage: Stage
    entry: int
    generation: int
    enterprise: str
    batch: int
    county: str

    @property
    def idempotency_key(self) -> str:
        """The same for every try to make this run, another for its replacement."""
        return f"{self.case_no}:{self.stage.value}:{self.entry}:{self.generation}"


@dataclass(frozen=True, kw_only=True)
class Question:
    """The open item that a run shows, under a pause key never used before."""

    item_id: int
    key: str


def wanted_runs(session: Session, *, case_no: str | None = None, limit: int) -> list[WantedRun]:
    """Return the stays that have no flow run yet, the earliest first."""
    wanted = (
        select(StageRun, Party, Batch.number)
        .select_from(StageRun)
        .join(Case, col(Case.case_no) == col(StageRun.case_no))
        .join(Party, col(Party.id) == col(Case.enterprise_id))
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .where(col(StageRun.finished_at).is_(None), col(StageRun.flow_run_id).is_(None))
        .order_by(col(StageRun.id))
        .limit(limit)
    )
    if case_no is not None:
        wanted = wanted.where(StageRun.case_no == case_no)
    return [
        WantedRun(
            id=run.id or 0,
            case_no=run.case_no,
            stage=run.stage,
            entry=run.entry,
            generation=run.generation,
            enterprise=enterprise.name,
            batch=batch,
            county=enterprise.county,
        )
        for run, enterprise, batch in session.exec(wanted)
    ]


def note_made(session: Session, wanted: WantedRun, flow_run_id: str) -> None:
    """Note which flow run shows the stay, unless another has been noted meanwhile."""
    session.execute(
        update(StageRun)
        .where(
            col(StageRun.id) == wanted.id,
            col(StageRun.generation) == wanted.generation,
            col(StageRun.flow_run_id).is_(None),
        )
        .values(flow_run_id=flow_run_id)
    )


def claim_wakes(session: Session, *, limit: int) -> list[tuple[int, str]]:
    """Take upon oneself to wake runs whose item was answered elsewhere: (stay, flow run id).

    Each is given to one caller only; who cannot wake it gives it back with `give_back_wakes`.
    """
    due = session.exec(
        select(StageRun)
        .join(WorkItem, col(WorkItem.id) == col(StageRun.asked_item_id))
        .where(
            col(StageRun.finished_at).is_(None),
            col(StageRun.flow_run_id).is_not(None),
            col(StageRun.woken_count) < col(StageRun.asked_count),
            col(WorkItem.closed_at).is_not(None),
        )
        .order_by(col(StageRun.id))
        .limit(limit)
        .with_for_update(of=StageRun, skip_locked=True)
    ).all()
    for run in due:
        run.woken_count = run.asked_count
        session.add(run)
    session.flush()
    return [(run.id or 0, run.flow_run_id or "") for run in due]


def give_back_wakes(session: Session, run_ids: Collection[int]) -> None:
    """Let somebody else (or the next tick) wake the runs, once their item is closed."""
    session.execute(
        update(StageRun)
        .where(col(StageRun.id).in_(run_ids))
        .values(woken_count=col(StageRun.asked_count) - 1)
    )


def stay(session: Session, case_no: str, stage: Stage, entry: int) -> StageRun | None:
    """Return one stay of a case in a stage, held until the transaction ends."""
    return session.exec(
        select(StageRun)
        .where(StageRun.case_no == case_no, StageRun.stage == stage, StageRun.entry == entry)
        .with_for_update()
    ).first()


def ask(session: Session, run: StageRun) -> Question | None:
    """Note that the run now puts up the form of the case's open item; None when the stay is over.

    Every call gives a new key: Prefect takes a key used before for answered.
    """
    if run.left_at is not None:
        return None
    item = session.exec(
        select(WorkItem).where(
            WorkItem.case_no == run.case_no,
            WorkItem.stage == run.stage,
            col(WorkItem.closed_at).is_(None),
        )
    ).one()
    assert item.id is not None  # noqa: S101 -- read from the database
    run.asked_item_id = item.id
    run.asked_count += 1
    session.add(run)
    session.flush()
    return Question(item_id=item.id, key=pause_key(item.id, run.generation, run.asked_count))


def pause_key(item_id: int, generation: int, count: int) -> str:
    """Return a pause key; Prefect takes `[a-z0-9-]+` only."""
    return f"i{item_id}-{generation}-{count}"


def item_of(key: str) -> int:
    """Return the item that a pause key asks about; `ValueError` for a foreign key."""
    number = key.split("-", 1)[0]
    if not number.startswith("i"):
        raise ValueError(f"{key!r} is no pause key of ours")
    return int(number[1:])


def finish(session: Session, run: StageRun, at: datetime) -> None:
    """Note that the run of a stay that is over has done all that was left to do."""
    assert run.left_at is not None, "the case still stands in the stage"  # noqa: S101
    run.finished_at = at
    session.add(run)


def replace_run(session: Session, run_id: int, flow_run_id: str) -> bool:
    """Want a new flow run for a stay whose run, `flow_run_id`, is gone or ended before its time.

    False when the stay is finished by now, or has been given another run by somebody else.
    """
    replaced = session.connection().execute(
        update(_RUNS)
        .where(
            _RUNS.c.id == run_id,
            _RUNS.c.flow_run_id == flow_run_id,
            _RUNS.c.finished_at.is_(None),
        )
        .values(generation=_RUNS.c.generation + 1, flow_run_id=None, asked_item_id=None)
    )
    return replaced.rowcount == 1


def unfinished_runs(session: Session) -> list[StageRun]:
    """Return all stays that have a flow run and are not finished."""
    return list(
        session.exec(
            select(StageRun)
            .where(col(StageRun.finished_at).is_(None), col(StageRun.flow_run_id).is_not(None))
            .order_by(col(StageRun.id))
        )
    )


def overdue_flow_runs(session: Session, today: date) -> set[str]:
    """Return the flow runs that show a stay whose open item is overdue."""
    return {
        flow_run_id
        for flow_run_id in session.exec(
            select(col(StageRun.flow_run_id))
            .join(WorkItem, col(WorkItem.id) == col(StageRun.asked_item_id))
            .where(
                col(StageRun.finished_at).is_(None),
                col(StageRun.flow_run_id).is_not(None),
                col(WorkItem.closed_at).is_(None),
                col(WorkItem.due_on) < today,
            )
        )
        if flow_run_id is not None
    }
