"""The trail: whatever is done to it behind the system's back is found."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from models.operations import audit
from models.operations.audit import seal, verify
from models.rules.audit_chain import GENESIS
from models.rules.stages import Role, Stage
from models.tables.audit import AuditEntry, AuditSeal, RegisterEntry
from models.tables.party import Party
from tasks.answering import withdraw_case
from tasks.database import reading, transaction
from tests.builders import OTHER_ENTERPRISE, World

_VERBS = ("update", "delete", "truncate")
_FIRST, _SECOND = "HS-2-0001", "HS-2-0002"


@pytest.fixture
def trail(world: World) -> World:
    """Two cases with some entries each, and two days sealed."""
    first = world.started(Stage.APPLICATION, "public-notice")
    second = world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)
    assert [first, second] == [_FIRST, _SECOND]
    _seal(world)
    world.go_to(world.today + timedelta(days=1))
    world.answer(second)
    _seal(world)
    return world


def _seal(world: World) -> AuditSeal | None:
    with transaction(world.engine) as session:
        return seal(session, world.today)


def _behind_its_back(engine: Engine, *statements: str) -> None:
    """Do what somebody could who may change the database's schema."""
    with engine.begin() as connection:
        _disarm(connection)
        for statement in statements:
            connection.execute(text(statement))


def _disarm(connection: Connection) -> None:
    for table in ("audit_entry", "register_entry", "audit_seal"):
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER {table}_no_{verb}"))


def test_an_untouched_trail_has_no_fault_and_every_entry_is_read(trail: World) -> None:
    with reading(trail.engine) as session:
        checked, faults = verify(session)
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.number))).all()
        registered = session.exec(select(RegisterEntry)).all()
        parties = session.exec(select(Party).where(Party.role != Role.SYSTEM)).all()

    assert faults == []
    assert len(entries) == trail.case(_FIRST).audit_length + 3
    assert len(registered) == len(parties)
    assert checked == len(entries) + len(registered)
    assert entries[0].previous_hash == GENESIS
    assert {entry.clause for entry in entries} == {"三（一）1", "黄政办函〔2024〕12号 三（一）1"}


def test_an_entry_says_who_did_what_and_where_the_case_stood_before_and_after(
    trail: World,
) -> None:
    with reading(trail.engine) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.case_no == _FIRST, AuditEntry.number == 3)
        ).one()

    assert (entry.party, entry.actor, entry.identity, entry.channel.value, entry.action) == (
        "示例大冶经信局",
        "陈立",
        "命令行，自报",
        "cli",
        "申报 · 县市区初审：推荐",
    )
    assert '"step": "county-review"' in entry.before
    assert '"step": "city-review"' in entry.after
    assert '"opinion": "符合申报条件，同意推荐"' in entry.after


def _swap(a: int, b: int) -> list[str]:
    where = f"WHERE case_no = '{_FIRST}' AND number ="
    return [
        f"UPDATE audit_entry SET number = -1 {where} {a}",
        f"UPDATE audit_entry SET number = {a} {where} {b}",
        f"UPDATE audit_entry SET number = {b} {where} -1",
    ]


_TAMPERINGS: dict[str, tuple[list[str], str]] = {
    "changed": (
        [f"UPDATE audit_entry SET actor = '别人' WHERE case_no = '{_FIRST}' AND number = 2"],
        f"{_FIRST} 第 2 条：内容与哈希不符，已被改动",
    ),
    "changed in time": (
        [
            "UPDATE audit_entry SET at = (SELECT at FROM audit_entry WHERE"
            f" case_no = '{_SECOND}' AND number = 3)"
            f" WHERE case_no = '{_FIRST}' AND number = 2"
        ],
        f"{_FIRST} 第 2 条：内容与哈希不符，已被改动",
    ),
    "changed with a hash of its own": (
        [
            "UPDATE audit_entry SET actor = '别人', hash = 'f00d'"
            f" WHERE case_no = '{_FIRST}' AND number = 2"
        ],
        f"{_FIRST} 第 3 条：与前一条的哈希不衔接",
    ),
    "deleted in the middle": (
        [f"DELETE FROM audit_entry WHERE case_no = '{_FIRST}' AND number = 2"],
        f"{_FIRST} 第 3 条：序号不连续：前一条是第 1 条",
    ),
    "deleted in the middle and renumbered": (
        [
            f"DELETE FROM audit_entry WHERE case_no = '{_FIRST}' AND number = 2",
            f"UPDATE audit_entry SET number = 2 WHERE case_no = '{_FIRST}' AND number = 3",
            f"UPDATE audit_entry SET number = 3 WHERE case_no = '{_FIRST}' AND number = 4",
        ],
        f"{_FIRST} 第 2 条：与前一条的哈希不衔接",
    ),
    "deleted at the end": (
        [f"DELETE FROM audit_entry WHERE case_no = '{_FIRST}' AND number = 4"],
        f"{_FIRST}：链尾与案卷记录不符：案卷记为 4 条",
    ),
    "deleted at the end, in the case's record as well": (
        [
            f"DELETE FROM audit_entry WHERE case_no = '{_FIRST}' AND number = 4",
            "UPDATE case_file SET audit_length = 3, audit_head = (SELECT hash FROM audit_entry"
            f" WHERE case_no = '{_FIRST}' AND number = 3) WHERE case_no = '{_FIRST}'",
        ],
        f"2025-01-06 的日封：{_FIRST} 第 4 条与封存时不同",
    ),
    "deleted altogether": (
        [
            f"DELETE FROM audit_entry WHERE case_no = '{_FIRST}'",
            f"UPDATE case_file SET audit_length = 0, audit_head = '{GENESIS}'"
            f" WHERE case_no = '{_FIRST}'",
        ],
        f"2025-01-06 的日封：{_FIRST} 第 4 条与封存时不同",
    ),
    "inserted": (
        [
            "INSERT INTO audit_entry (id, case_no, number, at, party, actor, identity, channel,"
            " action, before, after, clause, previous_hash, hash) SELECT 999, case_no, 5, at,"
            " party, actor, identity, channel, action, before, after, clause, hash, hash"
            f" FROM audit_entry WHERE case_no = '{_FIRST}' AND number = 4"
        ],
        f"{_FIRST} 第 5 条：内容与哈希不符，已被改动",
    ),
    "inserted in another case": (
        [
            "INSERT INTO audit_entry (id, case_no, number, at, party, actor, identity, channel,"
            f" action, before, after, clause, previous_hash, hash) SELECT 999, '{_SECOND}', 4, at,"
            " party, actor, identity, channel, action, before, after, clause, previous_hash, hash"
            f" FROM audit_entry WHERE case_no = '{_FIRST}' AND number = 4"
        ],
        f"{_SECOND}：链尾与案卷记录不符：案卷记为 3 条",
    ),
    "reordered": (_swap(2, 3), f"{_FIRST} 第 2 条：与前一条的哈希不衔接"),
    "written in another order": (
        [
            f"UPDATE audit_entry SET id = 9999 WHERE case_no = '{_FIRST}' AND number = 2",
        ],
        f"{_FIRST} 第 3 条：写入次序与序号不符",
    ),
    "the case's record changed": (
        [f"UPDATE case_file SET audit_length = 9 WHERE case_no = '{_FIRST}'"],
        f"{_FIRST}：链尾与案卷记录不符：案卷记为 9 条",
    ),
    "a registration changed": (
        ["UPDATE register_entry SET after = before WHERE number = 2"],
        "登记册 第 2 条：内容与哈希不符，已被改动",
    ),
    "a registration deleted": (
        ["DELETE FROM register_entry WHERE number = 2"],
        "登记册 第 3 条：序号不连续：前一条是第 1 条",
    ),
    "the last registration deleted": (
        ["DELETE FROM register_entry WHERE number = (SELECT max(number) FROM register_entry)"],
        "登记册：链尾与试点方案记录不符：试点方案记为 18 条",
    ),
    "all registrations deleted, in the programme's record as well": (
        [
            "DELETE FROM register_entry",
            f"UPDATE programme SET register_length = 0, register_head = '{GENESIS}'",
        ],
        "2025-01-06 的日封：登记册 第 18 条与封存时不同",
    ),
    "a seal changed": (
        ["UPDATE audit_seal SET entries = 1 WHERE day = '2025-01-06'"],
        "2025-01-06 的日封：日封与其哈希不符",
    ),
    "a seal deleted": (
        ["DELETE FROM audit_seal WHERE day = '2025-01-06'"],
        "2025-01-07 的日封：日封与其哈希不符",
    ),
}


@pytest.mark.parametrize("tampering", list(_TAMPERINGS))
def test_tampering_is_found(trail: World, tampering: str) -> None:
    statements, fault = _TAMPERINGS[tampering]

    _behind_its_back(trail.engine, *statements)

    assert fault in trail.verify()


def test_a_chain_forged_from_some_entry_on_with_all_its_hashes_breaks_the_seal(
    trail: World,
) -> None:
    with trail.engine.begin() as connection:
        _disarm(connection)
    with transaction(trail.engine) as session:
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.case_no == _FIRST).order_by(col(AuditEntry.number))
        ).all()
        entries[1].actor = "别人"
        head = entries[0].hash
        for entry in entries[1:]:
            entry.previous_hash = head
            entry.hash = head = audit.entry_hash(head, audit._fields(entry))
        case = session.get_one(audit.Case, _FIRST)
        case.audit_head = head

    assert trail.verify() == [
        "2025-01-06 的日封：HS-2-0001 第 4 条与封存时不同",
        "2025-01-07 的日封：HS-2-0001 第 4 条与封存时不同",
    ]


_ATTEMPTS: dict[str, Callable[[str], str]] = {
    "update": lambda table: f"UPDATE {table} SET previous_hash = 'x'",
    "delete": lambda table: f"DELETE FROM {table}",
    "truncate": lambda table: f"TRUNCATE {table} CASCADE",
}


@pytest.mark.parametrize("table", ["audit_entry", "register_entry", "audit_seal"])
@pytest.mark.parametrize("verb", _VERBS)
def test_the_database_itself_refuses_to_change_the_trail(
    trail: World, table: str, verb: str
) -> None:
    if verb == "truncate" and trail.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    before = trail.dump()

    with (
        pytest.raises(DBAPIError, match=f"{table} is append-only"),
        trail.engine.begin() as connection,
    ):
        connection.execute(text(_ATTEMPTS[verb](table)))

    assert trail.dump() == before


def test_a_day_is_sealed_once_and_no_earlier_day_after_it(trail: World) -> None:
    before = trail.dump()

    assert _seal(trail) is None
    trail.go_to(trail.today - timedelta(days=5))
    assert _seal(trail) is None

    assert trail.dump() == before


def test_opening_withdrawing_and_publishing_are_on_the_trail(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    world.end_notice(case_no)
    withdraw_case(case_no, "转产", world.deed("撤回"), moment=world.moment, on=world.engine)

    with reading(world.engine) as session:
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.number))).all()

    assert [(entry.actor, entry.channel.label, entry.action) for entry in entries] == [
        ("周明", "命令行", "立案"),
        ("林峰", "命令行", "申报 · 提交申报：提交申报"),
        ("陈立", "命令行", "申报 · 县市区初审：推荐"),
        ("周明", "命令行", "申报 · 市级审核：拟入选"),
        ("公示期（系统）", "系统", "申报 · 名单公示：开始公示"),
        ("系统", "系统", "申报 · 名单公示：公示期满无异议"),
        ("周明", "命令行", "撤回"),
    ]
    assert world.verify() == []
