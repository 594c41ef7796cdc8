"""The sweep's reminders over many open items, beside a bare INSERT … SELECT of the same rows."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, make_url, text

from benchmarks.memory import peak
from benchmarks.result import Measure, Result
from models.operations.reminders import prove_reminders
from tasks.database import make_engine, transaction
from tasks.reminding import queue_mails
from tests.builders import World, fill_world, make_world
from tests.databases import DATABASES, NoPostgresqlError, copies_of

SIZES = {"sqlite": (10_000, 100_000), "postgresql": (10_000, 100_000, 1_000_000)}
#: So many of a hundred items come due on the day.
DUE = 2
#: The most that is measured a second time with as many more that are overdue, reminded of already.
WITH_OVERDUE = 100_000
AIM_TIMES, AIM_MEGABYTES, AIM_GROWTH = 2.0, 300.0, 1.5

#: So often the sweep and the bare statements take turns, each on the rows as they stood before.
ROUNDS = 5

#: A Wednesday; the days before it are working days. On the day before it nothing comes due.
EVE, TODAY = date(2025, 3, 11), date(2025, 3, 12)
_OPENED, _OVERDUE, _OPENED_EARLIER = date(2025, 3, 11), date(2025, 2, 10), date(2025, 1, 6)
_PROVIDERS = 200

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
#: Half of the items ask their enterprise, half one of the providers.
_FILL = (
    f"""INSERT INTO party (id, role, name, credit_code, county, industry, is_above_scale,
        main_business, ownership, address, is_admitted)
    {_NUMBERS} SELECT 1000000 + i, 'enterprise', 'E' || i,
        '9142028' || CAST(10000000000 + i AS TEXT), '大冶市', '高端装备', false, '', '', '', false
    FROM n""",
    f"""INSERT INTO party (id, role, name, credit_code, county, industry, is_above_scale,
        main_business, ownership, address, is_admitted)
    {_NUMBERS} SELECT 9000000 + i, 'provider', 'P' || i,
        '9142029' || CAST(10000000000 + i AS TEXT), '', '', false, '', '', '', true
    FROM n WHERE i <= {_PROVIDERS}""",
    """INSERT INTO contact (id, party_id, name, email, phone, is_primary, has_left, bounced_address)
    SELECT id, id, '林一', 'c' || id || '@example.com', '', true, false, ''
    FROM party WHERE id > 1000000""",
    f"""INSERT INTO case_file (case_no, programme_key, policy_version, batch_id, enterprise_id,
        stage, status, opened_at, audit_length, audit_head)
    {_NUMBERS} SELECT 'B-' || i, (SELECT key FROM programme), 'x',
        (SELECT min(id) FROM batch), 1000000 + i, 'diagnosis', 'active', :at, 0, ''
    FROM n""",
    f"""INSERT INTO work_item (id, case_no, stage, round, step, attempt, party_id, opened_at,
        opened_on, due_on, reason)
    {_NUMBERS} SELECT i, 'B-' || i, 'diagnosis', 1, CASE i % 2 WHEN 0 THEN 'confirm' ELSE
        'diagnose' END, 1,
        CASE i % 2 WHEN 0 THEN 1000000 + i ELSE 9000001 + i % {_PROVIDERS} END, :at,
        CASE WHEN i % 100 < {DUE} THEN :opened ELSE :earlier END,
        CASE WHEN i % 100 < {DUE} THEN :today WHEN i % 100 < {DUE} + :late THEN :overdue
             ELSE (SELECT min(day) FROM calendar_day WHERE is_workday AND workday_no =
                (SELECT workday_no FROM calendar_day WHERE day = :today) + 15 + i % 150) END, ''
    FROM n""",
    f"""INSERT INTO reminder (item_id, rule, due_on, contact_id, reminded_on)
    SELECT w.id, r.rule, w.due_on, w.party_id, :overdue
    FROM work_item w CROSS JOIN (SELECT 'before-10' AS rule UNION SELECT 'before-5'
        UNION SELECT 'before-1' UNION SELECT 'on-the-day' UNION SELECT 'after-1'
        UNION SELECT 'after-3' UNION SELECT 'after-5' UNION SELECT 'county-after-7'
        UNION SELECT 'city-after-10') r
    WHERE w.id % 100 BETWEEN {DUE} AND {DUE} + :late - 1""",
)
_KEEP = (
    "CREATE TABLE kept_reminder AS SELECT * FROM reminder WHERE reminded_on = :today",
    "CREATE TABLE kept_mail AS SELECT * FROM outbox_mail",
)
_CLEAR = ("DELETE FROM reminder WHERE reminded_on = :today", "DELETE FROM outbox_mail")
#: What somebody would write who knows that this one rule is due today, for primary contacts.
_BARE = (
    """INSERT INTO reminder (item_id, rule, due_on, contact_id, reminded_on)
    SELECT w.id, 'on-the-day', w.due_on, c.id, :today
    FROM work_item w JOIN contact c ON c.party_id = w.party_id AND c.is_primary
    WHERE w.closed_at IS NULL AND w.due_on = :today""",
    """INSERT INTO outbox_mail (dedup_key, template, context, contact_id, to_party, to_name,
        to_address, state, queued_at, entered_at, attempts, next_try_at, held_until, last_error)
    SELECT 'due_matters:' || :key || ':' || c.id, k.template, k.context, c.id, p.name, c.name,
        c.email, k.state, k.queued_at, k.entered_at, k.attempts, k.next_try_at, k.held_until,
        k.last_error
    FROM contact c JOIN party p ON p.id = c.party_id
        CROSS JOIN (SELECT * FROM kept_mail LIMIT 1) k
    WHERE c.id IN (SELECT contact_id FROM reminder WHERE reminded_on = :today)""",
)
_SAME = (
    """SELECT item_id, rule, due_on, contact_id FROM kept_reminder
    EXCEPT SELECT item_id, rule, due_on, contact_id FROM reminder WHERE reminded_on = :today""",
    """SELECT dedup_key, context, to_party, to_name, to_address FROM kept_mail
    EXCEPT SELECT dedup_key, context, to_party, to_name, to_address FROM outbox_mail""",
)
#: Nothing is looked for at all: the rows are there already.
_COPY = (
    "INSERT INTO reminder SELECT * FROM kept_reminder",
    "INSERT INTO outbox_mail SELECT * FROM kept_mail",
)
#: So that both find the same room: nothing that was deleted before, no log to be written back.
_TIDY = {
    "postgresql": ("VACUUM reminder", "VACUUM outbox_mail"),
    "sqlite": ("PRAGMA wal_checkpoint(TRUNCATE)",),
}


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The seconds of one transaction: until the proofs are written, and with mails and commit."""

    proofs: float
    whole: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one process has measured; seconds, and megabytes."""

    #: Of the process's first sweep, which finds nothing due, and of its second.
    first: float
    quiet: float
    sweep: Timed
    bare: Timed
    #: The same rows from copies of them.
    copy: Timed
    proofs: int
    people: int
    peak: float


def fill(engine: Engine, count: int, *, late: int) -> None:
    """Put `count` cases, each with an open item, into an empty database; `late` of 100 overdue."""
    fill_world(engine)
    values = {
        "count": count,
        "late": late,
        "at": "2025-01-06 02:00:00.000000",
        "opened": _OPENED,
        "earlier": _OPENED_EARLIER,
        "today": TODAY,
        "overdue": _OVERDUE,
    }
    _run(engine, _FILL, values)
    _alone(engine, "VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")


def _run(engine: Engine, statements: tuple[str, ...], values: dict[str, object]) -> Timed:
    """Time one transaction of `statements`."""
    begun = perf_counter()
    seconds = []
    with engine.begin() as connection:
        for statement in statements:
            named = text(statement)
            connection.execute(named, {key: values[key] for key in named._bindparams})
            seconds.append(perf_counter() - begun)
    return Timed(proofs=seconds[0], whole=perf_counter() - begun)


def _alone(engine: Engine, *statements: str) -> None:
    """Execute `statements`, each outside of transactions."""
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    if engine.dialect.name == "postgresql":
        driver.autocommit = True
    for statement in statements:
        driver.execute(statement)
    if engine.dialect.name == "postgresql":
        driver.autocommit = False
    connection.close()


def _sweep(world: World, day: date) -> tuple[Timed, int]:
    """Time what `remind` does on `day`; and how many people are told."""
    world.go_to(day)
    begun = perf_counter()
    with transaction(world.engine) as session:
        prove_reminders(session, world.moment.programme.reminders, day)
        proven = perf_counter() - begun
        people = queue_mails(session, world.moment)
    return Timed(proofs=proven, whole=perf_counter() - begun), people


def measure(url: str) -> None:
    """Print the `Figures` of the database at `url`."""
    engine = make_engine(make_url(url))
    world = make_world(engine)
    values: dict[str, object] = {"today": TODAY, "key": TODAY.isoformat()}
    first, _ = _sweep(world, EVE)
    quiet, told = _sweep(world, EVE)
    assert told == 0
    swept, bare, copy = [], [], []
    most = 0.0
    for number in range(ROUNDS):
        timed, people = _sweep(world, TODAY)
        swept.append(timed)
        if number == 0:
            most = peak()
            _run(engine, _KEEP, values)
        _clear(engine, values)
        bare.append(_run(engine, _BARE, values))
        _require_same_rows(engine, values)
        _clear(engine, values)
        copy.append(_run(engine, _COPY, values))
        _clear(engine, values)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM kept_reminder").scalar_one()
    figures = Figures(
        first=first.whole,
        quiet=quiet.whole,
        sweep=_middle(swept),
        bare=_middle(bare),
        copy=_middle(copy),
        proofs=rows,
        people=people,
        peak=most,
    )
    print(json.dumps(asdict(figures)))


def _require_same_rows(engine: Engine, values: dict[str, object]) -> None:
    """Raise where the bare statements have not written what the sweep did."""
    with engine.connect() as connection:
        for statement in _SAME:
            named = text(statement)
            missing = connection.execute(named, {key: values[key] for key in named._bindparams})
            if missing.first() is not None:
                raise AssertionError("the bare statements wrote other rows")


def _clear(engine: Engine, values: dict[str, object]) -> None:
    _run(engine, _CLEAR, values)
    _alone(engine, *_TIDY[engine.dialect.name])


def _middle(each: list[Timed]) -> Timed:
    return Timed(proofs=median(one.proofs for one in each), whole=median(one.whole for one in each))


def run() -> Result:
    """Measure on every database there is, each sweep in a process of its own for its memory."""
    measures: list[Measure] = []
    notes = [
        f"{DUE}% of the open items come due on the day; where it says so {DUE}% more are overdue "
        "and were reminded of. The proofs are one statement, the mails another; their words are "
        "written when they are sent.",
        "The bare INSERT … SELECT finds the same rows among the same open items (checked), knowing "
        "no rule, no calendar and no proof but today's; by the same connection, and both wait for "
        f"the disk. They take turns, {ROUNDS} times; the middle ones are shown. From copies: no "
        "item and nobody is looked for at all.",
        "Every process has swept the day before, as those of the system have; what its first "
        "sweep costs, and one that finds nothing due, is shown by itself.",
    ]
    for database in DATABASES:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                copies_of(database, Path(folder), is_durable=True) as copies,
            ):
                seconds = {}
                for size in SIZES[database]:
                    for engine in copies.empty():
                        found, seconds[size] = _measure(database, engine, size)
                        measures += found
                for engine in copies.empty():
                    found, _ = _measure(database, engine, WITH_OVERDUE, late=DUE)
                    measures += found
                measures += _growth(database, seconds)
        except NoPostgresqlError as error:
            notes.append(f"not measured: {error}")
    return Result(part="sweep", title="The sweep's reminders", measures=measures, notes=notes)


def _measure(
    database: str, engine: Engine, size: int, *, late: int = 0
) -> tuple[list[Measure], float]:
    fill(engine, size, late=late)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.sweep",
            engine.url.render_as_string(hide_password=False),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    sweep, bare, copy = (Timed(**found[each]) for each in ("sweep", "bare", "copy"))
    assert found["proofs"] == size * DUE // 100
    what = f"{database}, {size:,} open items" + (f", {late}% overdue" if late else "")
    measures = [
        Measure(what=f"{what}: a process's first sweep", value=found["first"] * 1000, unit="ms"),
        Measure(what=f"{what}: nothing due", value=found["quiet"] * 1000, unit="ms"),
    ]
    for rows, ours, theirs, is_whole in (
        (f"{found['proofs']:,} proofs", sweep.proofs, bare.proofs, False),
        (f"and {found['people']:,} mails", sweep.whole, bare.whole, True),
    ):
        times = ours / theirs
        measures += [
            Measure(what=f"{what}: {rows}", value=ours * 1000, unit="ms"),
            Measure(what=f"{what}: bare", value=theirs * 1000, unit="ms"),
            Measure(
                what=f"{what}: against it",
                value=times,
                unit="times",
                aim=f"≤ {AIM_TIMES}" if is_whole else "",
                is_met=times <= AIM_TIMES if is_whole else None,
            ),
        ]
    times = sweep.whole / copy.whole
    measures.append(
        Measure(
            what=f"{what}: against copies of the rows",
            value=times,
            unit="times",
            aim=f"≤ {AIM_TIMES}",
            is_met=times <= AIM_TIMES,
        )
    )
    measures.append(
        Measure(
            what=f"{what}: peak memory",
            value=found["peak"],
            unit="MB",
            aim=f"≤ {AIM_MEGABYTES:.0f}",
            is_met=found["peak"] <= AIM_MEGABYTES,
        )
    )
    return measures, sweep.whole


def _growth(database: str, seconds: dict[int, float]) -> Iterator[Measure]:
    """Yield how much longer an item takes among the most than among a tenth of them."""
    most = max(seconds)
    growth = seconds[most] / most / (seconds[most // 10] / (most // 10))
    yield Measure(
        what=f"{database}: an item among {most:,} beside one among {most // 10:,}",
        value=growth,
        unit="×",
        aim=f"≤ {AIM_GROWTH}",
        is_met=growth <= AIM_GROWTH,
    )


if __name__ == "__main__":
    measure(sys.argv[1])
