"""The sweep's reminders over many open items, beside a bare INSERT … SELECT of the same rows."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter

from sqlalchemy import Engine, make_url, text

from benchmarks.result import Measure, Result
from models.operations.reminders import prove_reminders
from tasks.database import make_engine, transaction
from tasks.reminding import remind
from tests.builders import World, fill_world, make_world
from tests.databases import DATABASES, NoPostgresqlError, copies_of

SIZES = {"sqlite": (10_000, 100_000), "postgresql": (10_000, 100_000, 1_000_000)}
#: So many of a hundred items come due on the day, and as many are overdue and reminded of already.
DUE = 2
AIM_TIMES, AIM_MEGABYTES, AIM_GROWTH = 2.0, 300.0, 1.5

#: A Wednesday; the days before it are working days.
TODAY = date(2025, 3, 12)
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
        CASE WHEN i % 100 < {DUE} THEN :today WHEN i % 100 < {2 * DUE} THEN :overdue
             ELSE (SELECT min(day) FROM calendar_day WHERE is_workday AND workday_no =
                (SELECT workday_no FROM calendar_day WHERE day = :today) + 15 + i % 150) END, ''
    FROM n""",
    f"""INSERT INTO reminder (item_id, rule, due_on, contact_id, reminded_on)
    SELECT w.id, r.rule, w.due_on, w.party_id, :overdue
    FROM work_item w CROSS JOIN (SELECT 'before-10' AS rule UNION SELECT 'before-5'
        UNION SELECT 'before-1' UNION SELECT 'on-the-day' UNION SELECT 'after-1'
        UNION SELECT 'after-3' UNION SELECT 'after-5' UNION SELECT 'county-after-7'
        UNION SELECT 'city-after-10') r
    WHERE w.id % 100 BETWEEN {DUE} AND {2 * DUE - 1}""",
)
_KEEP = (
    "CREATE TABLE kept_reminder AS SELECT * FROM reminder WHERE reminded_on = :today",
    "CREATE TABLE kept_mail AS SELECT * FROM outbox_mail",
    "DELETE FROM reminder WHERE reminded_on = :today",
    "DELETE FROM outbox_mail",
)
_BARE_PROOFS = ("INSERT INTO reminder SELECT * FROM kept_reminder",)
_BARE_MAILS = ("INSERT INTO outbox_mail SELECT * FROM kept_mail",)


def fill(engine: Engine, count: int) -> None:
    """Put `count` cases, each with an open item, into an empty database."""
    fill_world(engine)
    values = {
        "count": count,
        "at": "2025-01-06 02:00:00.000000",
        "opened": _OPENED,
        "earlier": _OPENED_EARLIER,
        "today": TODAY,
        "overdue": _OVERDUE,
    }
    _run(engine, _FILL, values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _run(engine: Engine, statements: tuple[str, ...], values: dict[str, object]) -> float:
    """Return the seconds that one transaction of `statements` took."""
    begun = perf_counter()
    with engine.begin() as connection:
        for statement in statements:
            named = text(statement)
            connection.execute(named, {key: values[key] for key in named._bindparams})
    return perf_counter() - begun


def measure(url: str) -> None:
    """Print the seconds of proofs and of mails, how many people, and the peak of memory in MB."""
    world = _world(make_engine(make_url(url)))
    begun = perf_counter()
    with transaction(world.engine) as session:
        prove_reminders(session, world.moment.programme.reminders, TODAY)
    proven = perf_counter()
    people = remind(world.moment, world.engine)
    told = perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(proven - begun, told - proven, people, peak)


def _world(engine: Engine) -> World:
    world = make_world(engine)
    world.go_to(TODAY)
    return world


def run() -> Result:
    """Measure on every database there is, each sweep in a process of its own for its memory."""
    measures: list[Measure] = []
    notes = [
        f"{DUE}% of the open items come due on the day, {DUE}% more are overdue and were reminded "
        "of. The proofs are one statement; a mail is put together in Python for each person.",
        "The bare INSERT … SELECT writes the same rows from copies of them.",
    ]
    for database in DATABASES:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                copies_of(database, Path(folder)) as copies,
            ):
                seconds = {}
                for size in SIZES[database]:
                    for engine in copies.empty():
                        found, seconds[size] = _measure(database, engine, size)
                        measures += found
                measures += _growth(database, seconds)
        except NoPostgresqlError as error:
            notes.append(f"not measured: {error}")
    return Result(part="sweep", title="The sweep's reminders", measures=measures, notes=notes)


def _measure(database: str, engine: Engine, size: int) -> tuple[list[Measure], float]:
    fill(engine, size)
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
    proofs, mails, people, peak = (float(word) for word in done.stdout.split())
    values: dict[str, object] = {"today": TODAY}
    _run(engine, _KEEP, values)
    bare_proofs, bare_mails = (_run(engine, bare, values) for bare in (_BARE_PROOFS, _BARE_MAILS))
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM kept_reminder").scalar_one()
    assert rows == size * DUE // 100
    what = f"{database}, {size:,} open items"
    whole, bare = proofs + mails, bare_proofs + bare_mails
    return [
        Measure(what=f"{what}: {rows:,} proofs", value=proofs, unit="s"),
        Measure(what=f"{what}: bare", value=bare_proofs, unit="s"),
        Measure(what=f"{what}: against it", value=proofs / bare_proofs, unit="times"),
        Measure(what=f"{what}: and {people:,.0f} mails", value=whole, unit="s"),
        Measure(what=f"{what}: bare", value=bare, unit="s"),
        Measure(
            what=f"{what}: against it",
            value=whole / bare,
            unit="times",
            aim=f"≤ {AIM_TIMES}",
            is_met=whole / bare <= AIM_TIMES,
        ),
        Measure(
            what=f"{what}: peak memory",
            value=peak,
            unit="MB",
            aim=f"≤ {AIM_MEGABYTES:.0f}",
            is_met=peak <= AIM_MEGABYTES,
        ),
    ], whole


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
