"""Load the demonstration into an empty database: real answers, given on earlier days."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from deployments.demonstration.answers import typical_answer
from models.operations import programmes
from models.operations.answering import Caller
from models.operations.audit import Deed
from models.operations.notices import begin_notices
from models.operations.parties import party_named
from models.operations.register_trail import party_facts, record_registration
from models.operations.registering import registering_clause
from models.policy import Programme, load_programme
from models.rules.clock import SHANGHAI, day_of
from models.rules.credit_code import check_digit
from models.rules.stages import Channel, Role
from models.tables.case import Case, WorkItem
from models.tables.party import Contact, Party
from tasks.answering import Moment, answer_item, end_notices, start_case
from tasks.database import reading, transaction

#: The day on which the demonstration stands: the last week of the first batch's applications.
DEMONSTRATION_DAY = date(2024, 3, 25)

_CALLER = Caller(channel=Channel.DEMONSTRATION, identity="演示数据")

#: enterprise -> the days on which its open item was answered, with what differs from the typical
#: answer. Days between two answers leave room for the notice, which the sweep begins and ends.
_JOURNEYS: dict[str, list[tuple[str, dict[str, object]]]] = {
    # … to 补助: the proposal waits for the lead bureau
    "示例精工装备": [
        *((day, {}) for day in ("2024-01-08", "2024-01-10", "2024-01-12", "2024-01-23")),
        *((day, {}) for day in ("2024-01-26", "2024-01-29", "2024-02-02", "2024-03-01")),
        *((day, {}) for day in ("2024-03-04", "2024-03-06", "2024-03-08", "2024-03-14")),
        *((day, {}) for day in ("2024-03-19", "2024-03-21")),
    ],
    # … to 评级: the assessor rates
    "示例恒力机床": [
        *((day, {}) for day in ("2024-01-08", "2024-01-09", "2024-01-12", "2024-01-23")),
        *((day, {}) for day in ("2024-01-30", "2024-02-01", "2024-02-06", "2024-03-08")),
        *((day, {}) for day in ("2024-03-11", "2024-03-13", "2024-03-15", "2024-03-22")),
    ],
    # … to 验收: the assessor reviews
    "示例华芯电子": [
        *((day, {}) for day in ("2024-01-09", "2024-01-11", "2024-01-12", "2024-01-24")),
        *((day, {}) for day in ("2024-02-02", "2024-02-06", "2024-02-26", "2024-03-15")),
        *((day, {}) for day in ("2024-03-18", "2024-03-19", "2024-03-21")),
    ],
    # … to 改造: under way, half done
    "示例铜都铝业": [
        *((day, {}) for day in ("2024-01-22", "2024-01-24", "2024-01-26", "2024-02-06")),
        *((day, {}) for day in ("2024-02-22", "2024-02-26", "2024-03-05")),
        ("2024-03-22", {"outcome": "上报进度", "progress": 55, "note": "MES 已部署，正在联调"}),
    ],
    # … to 诊断: the provider diagnoses
    "示例康源生物": [
        *((day, {}) for day in ("2024-02-26", "2024-02-28", "2024-03-01", "2024-03-12")),
    ],
    # … to 申报: in its public notice
    "示例光谷线路板": [*((day, {}) for day in ("2024-03-13", "2024-03-15", "2024-03-20"))],
    # … sent back for correction
    "示例金箔铜材": [
        ("2024-03-14", {}),
        ("2024-03-18", {"outcome": "退回补正", "opinion": "缺少上年度营业收入证明，请补充"}),
    ],
    # … waiting for its county bureau, and overdue
    "示例百草制药": [("2024-03-15", {})],
}
_OPENED_ON = date(2024, 1, 5)


def load_demonstration(on: Engine) -> int:
    """Load the invented world into an empty, migrated database; return its number of cases.

    Every answer is a transaction of its own, as in life. Raises `NotEmptyError` where a programme
    has been loaded already.
    """
    programme = load_programme()
    with transaction(on) as session:
        row = programmes.load(
            session,
            programme,
            at=_instant(_OPENED_ON),
            demonstration_today=DEMONSTRATION_DAY,
        )
        register_parties(session, programme, _instant(_OPENED_ON))
    moment = Moment(programme, row, _instant(_OPENED_ON))
    cases = {name: _open(on, moment, name) for name in _JOURNEYS}
    todo: dict[date, list[tuple[str, dict[str, object]]]] = {}
    for name, journey in _JOURNEYS.items():
        for day, changes in journey:
            todo.setdefault(date.fromisoformat(day), []).append((cases[name], changes))
    for number in range((DEMONSTRATION_DAY - _OPENED_ON).days + 1):
        today = _OPENED_ON + timedelta(days=number)
        then = replace(moment, at=_instant(today))
        sweep(then, on)
        for case_no, changes in todo.get(today, ()):
            _answer(on, then, case_no, changes)
    return len(cases)


def sweep(moment: Moment, on: Engine) -> None:
    """Do what the daily sweep does with notices."""
    end_notices(moment, on)
    with transaction(on) as session:
        begin_notices(session, moment.programme, moment.at)


def register_parties(session: Session, programme: Programme, at: datetime) -> None:
    """Register the invented bureaus, providers, assessors and enterprises with their people."""
    register_cast(session, programme, invented_parties(), at)


def invented_parties() -> list[tuple[Role, dict[str, Any]]]:
    """Return the parties of `parties.toml`: role, and what is told of each."""
    world = tomllib.loads(files(__package__).joinpath("parties.toml").read_text(encoding="utf-8"))
    return [
        *((Role.read(entry["role"]), entry) for entry in world["bureaus"]),
        *((Role.PROVIDER, {"is_admitted": True, **entry}) for entry in world["providers"]),
        *((Role.ASSESSOR, entry) for entry in world["assessors"]),
        *((Role.ENTERPRISE, entry) for entry in world["enterprises"]),
    ]


def register_cast(
    session: Session,
    programme: Programme,
    entries: Sequence[tuple[Role, Mapping[str, Any]]],
    at: datetime,
) -> None:
    """Register parties told of as in `parties.toml`; the first of their people is the primary one.

    A person's address is made up unless the entry has `emails`.
    """
    for number, (role, entry) in enumerate(entries, start=1):
        party = Party(
            role=role,
            name=entry["name"],
            credit_code=entry["code"] + check_digit(entry["code"]) if "code" in entry else "",
            county=entry.get("county", ""),
            industry=entry.get("industry", ""),
            is_admitted=entry.get("is_admitted", False),
            capacity=entry.get("capacity"),
        )
        session.add(party)
        session.flush()
        assert party.id is not None  # noqa: S101 -- flushed
        people = [
            Contact(
                party_id=party.id,
                name=name,
                email=email,
                is_primary=place == 1,
            )
            for place, (name, email) in enumerate(_people(number, entry), start=1)
        ]
        session.add_all(people)
        deed = _deed(programme, f"登记{role.label}", registering_clause(role))
        record_registration(
            session, deed, party, before={}, after=party_facts(party, people), at=at
        )


def _people(number: int, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = entry["contacts"]
    made_up = [f"contact{number}-{place}@example.com" for place in range(1, len(names) + 1)]
    return list(zip(names, entry.get("emails", made_up), strict=True))


def facts_of(enterprise: Party) -> dict[str, str]:
    """Return what of an enterprise stands in its application."""
    return {
        "credit_code": enterprise.credit_code,
        "county": enterprise.county,
        "industry": enterprise.industry,
    }


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(10, 0), SHANGHAI)


def _deed(programme: Programme, action: str, clause: str) -> Deed:
    return Deed(
        party="示例市经信局",
        actor="周明",
        identity=_CALLER.identity,
        channel=_CALLER.channel,
        action=action,
        clause=f"{programme.document_no} {clause}",
    )


def _open(on: Engine, moment: Moment, name: str) -> str:
    deed = _deed(moment.programme, "立案", registering_clause(Role.ENTERPRISE))
    with reading(on) as session:
        enterprise = party_named(session, Role.ENTERPRISE, name)
    return start_case(1, enterprise, deed, moment=moment, on=on).case_no


def _answer(on: Engine, moment: Moment, case_no: str, changes: dict[str, object]) -> None:
    with reading(on) as session:
        item, enterprise = session.exec(
            select(WorkItem, Party)
            .select_from(WorkItem)
            .join(Case, col(Case.case_no) == col(WorkItem.case_no))
            .join(Party, col(Party.id) == col(Case.enterprise_id))
            .where(WorkItem.case_no == case_no, col(WorkItem.closed_at).is_(None))
        ).one()
    form = typical_answer(
        item.stage,
        item.step,
        enterprise=facts_of(enterprise),
        case_no=case_no,
        today=day_of(moment.at),
    )
    assert item.id is not None  # noqa: S101 -- read from the database
    # A changed outcome stands alone: what the typical form says would contradict it.
    answer_item(item.id, changes or form, _CALLER, moment=moment, on=on)
