"""SIGKILL at lines all over a backup and a restore."""

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from tests.builders import OTHER_ENTERPRISE, World
from tests.prefect_server import REPOSITORY
from tests.tasks.backups.conftest import Place, only_on_sqlite


def killed(what: str, place: Place, tries: int, path: Path) -> dict[str, int]:
    """Have it killed in a process of its own; return what that one counted."""
    place.engine.dispose()
    url = place.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.tasks.backups.kills"),
            *(what, url, str(place.home), str(tries), str(path)),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


def databases_beside(place: Place, *endings: str) -> list[str]:
    """Return the names of databases that begin like this one's, on PostgreSQL."""
    if place.engine.dialect.name == "sqlite":
        return []
    with place.engine.connect() as connection:
        names = connection.execute(text("SELECT datname FROM pg_database")).scalars().all()
    return [
        name
        for name in names
        if any(name.startswith(f"{place.engine.url.database}_{ending}") for ending in endings)
    ]


def test_a_killed_backup_leaves_nothing_half_made_under_its_name(
    here: Place, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    only_on_sqlite(here)
    tries = 8

    counted = killed("backup", here, tries, out)

    assert counted["died"] == tries


def test_a_killed_restore_leaves_the_old_state_or_the_new_one(here: Place, world: World) -> None:
    first = here.backup().file
    world.open(OTHER_ENTERPRISE)
    here.document(b"later", "后来.pdf")
    tries = 4 if here.engine.dialect.name == "sqlite" else 1

    counted = killed("restore", here, tries, first)

    assert counted["died"] >= 2
    assert counted["old"] >= 1
    assert counted["new"] >= 1
    assert databases_beside(here, "scratch", "restore") == []
    left = databases_beside(here, "before")
    with here.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in left:
            connection.execute(text(f'DROP DATABASE "{name}"'))
