"""Where the database is, and what a transaction and a reader may rely on."""

from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, insert, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from deployments.replay.scratch import scratch
from models.rules.stages import Role
from models.tables.party import Contact, Party
from tasks.database import (
    DatabaseSettings,
    DatabaseUrlError,
    engine,
    make_engine,
    reading,
    transaction,
    unsynced,
)


def _url(monkeypatch: pytest.MonkeyPatch, given: str | None) -> str:
    if given is None:
        monkeypatch.delenv("PILOT_DATABASE_URL", raising=False)
    else:
        monkeypatch.setenv("PILOT_DATABASE_URL", given)
    return DatabaseSettings().url().render_as_string(hide_password=False)


def test_without_an_address_the_database_is_a_file_under_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PILOT_HOME", str(tmp_path / "home"))

    assert _url(monkeypatch, None) == f"sqlite:///{tmp_path}/home/pilot.db"
    assert _url(monkeypatch, "") == f"sqlite:///{tmp_path}/home/pilot.db"


def test_two_homes_are_two_databases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PILOT_DATABASE_URL", raising=False)
    engines = []
    for name in ("a", "b"):
        monkeypatch.setenv("PILOT_HOME", str(tmp_path / name))
        engines.append(engine())
        assert engine() is engines[-1]

    assert engines[0].url != engines[1].url


@pytest.mark.parametrize(
    "given", ["postgresql://u:secret@db:5432/pilot", "postgresql+psycopg://u:secret@db:5432/pilot"]
)
def test_postgresql_is_spoken_to_by_psycopg(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    assert _url(monkeypatch, given) == "postgresql+psycopg://u:secret@db:5432/pilot"


@pytest.mark.parametrize("given", ["mysql://u:secret@db/pilot", "secret", "://secret"])
def test_an_address_of_no_use_is_refused_and_never_repeated(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    with pytest.raises(DatabaseUrlError, match="PILOT_DATABASE_URL 不可用") as refused:
        _url(monkeypatch, given)

    assert "secret" not in str(refused.value)


def test_a_transaction_is_wholly_undone_on_any_error(engine: Engine) -> None:
    def interrupted() -> None:
        with transaction(engine) as session:
            session.add(Party(role=Role.PROVIDER, name="甲"))
            session.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    with reading(engine) as session:
        assert session.exec(select(Party)).all() == []


def test_what_a_transaction_returns_can_be_used_after_it(engine: Engine) -> None:
    with transaction(engine) as session:
        party = Party(role=Role.PROVIDER, name="甲")
        session.add(party)

    assert (party.name, party.id) == ("甲", 1)


def test_foreign_keys_are_held_on_both_databases(engine: Engine) -> None:
    with pytest.raises(IntegrityError), transaction(engine) as session:
        session.add(Contact(party_id=99, name="无主", email="nobody@example.com"))


def test_a_reader_sees_one_state_however_much_is_written_meanwhile(engine: Engine) -> None:
    with reading(engine) as session:
        before = session.exec(select(Party.name)).all()
        with transaction(engine) as other:
            other.add(Party(role=Role.PROVIDER, name="甲"))

        assert session.exec(select(Party.name)).all() == before == []

    with reading(engine) as session:
        assert session.exec(select(Party.name)).all() == ["甲"]


def _pragmas(engine: Engine, *names: str) -> list[object]:
    with engine.begin() as connection:
        return [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]


def test_sqlite_writes_ahead_survives_a_power_cut_and_waits_for_other_writers(
    tmp_path: Path,
) -> None:
    engine = make_engine(URL.create("sqlite", database=str(tmp_path / "pilot.db")))

    settings = _pragmas(engine, "journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    assert settings == ["wal", 2, 1, 30_000]
    engine.dispose()


def test_postgresql_compiles_no_statement(postgresql_engine: Engine) -> None:
    with reading(postgresql_engine) as session:
        assert session.connection().execute(text("SHOW jit")).scalar_one() == "off"


def test_only_a_scratch_database_never_waits_for_the_disk(tmp_path: Path) -> None:
    with scratch(tmp_path / "scratch"):
        assert _pragmas(engine(), "synchronous") == [0]
        with unsynced() as kept, kept.transaction() as session:
            assert session.execute(text("PRAGMA synchronous")).scalar_one() == 1
        assert _pragmas(engine(), "synchronous") == [0]


def test_a_writer_does_not_keep_readers_waiting(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add(Party(role=Role.PROVIDER, name="甲"))
        session.flush()

        with reading(engine) as reader:
            assert reader.exec(select(Party)).all() == []


def test_only_unsynced_transactions_do_not_wait_for_the_disk(engine: Engine) -> None:
    is_sqlite = engine.dialect.name == "sqlite"
    asked = "PRAGMA synchronous" if is_sqlite else "SHOW synchronous_commit"
    ours = make_engine(engine.url.set(query={}))  # those of the tests never wait

    def waiting(session: Session) -> object:
        return session.connection().exec_driver_sql(asked).scalar()

    with unsynced(ours) as kept:
        for _ in range(2):
            with kept.transaction() as session:
                not_waiting = waiting(session)
        with kept.statement() as connection:
            assert connection.exec_driver_sql(asked).scalar() == not_waiting
    with pytest.raises(KeyError), unsynced(ours) as kept, kept.transaction():
        raise KeyError
    with transaction(ours) as session:  # on the same connection
        synced = waiting(session)
    ours.dispose()

    assert (not_waiting, synced) == ((1, 2) if is_sqlite else ("off", "on"))


def test_unsynced_transactions_are_wholly_undone_on_any_error_and_go_on(engine: Engine) -> None:
    with unsynced(engine) as kept:
        with pytest.raises(IntegrityError), kept.transaction() as session:
            session.add_all([Party(role=Role.ASSESSOR, name="示例评测") for _ in range(2)])
        with kept.transaction() as session:
            session.add(Party(role=Role.ASSESSOR, name="示例评审"))

    with reading(engine) as session:
        assert [party.name for party in session.exec(select(Party))] == ["示例评审"]


def test_a_statement_is_kept_by_itself_and_transactions_go_on_as_before(engine: Engine) -> None:
    with unsynced(engine) as kept:
        for name in ("示例评测", "示例评审"):
            with kept.statement() as connection:
                connection.execute(insert(Party).values(role=Role.ASSESSOR, name=name))
            with reading(engine) as session:
                assert name in session.exec(select(Party.name)).all()
            with pytest.raises(IntegrityError), kept.transaction() as session:
                session.add_all(Party(role=Role.ASSESSOR, name=each) for each in ("未留下", name))
        with pytest.raises(IntegrityError), kept.statement() as connection:
            connection.execute(insert(Party).values(role=Role.ASSESSOR, name="示例评测"))

    with reading(engine) as session:
        assert set(session.exec(select(Party.name))) == {"示例评测", "示例评审"}
