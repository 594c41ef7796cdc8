"""What a replay leaves in the database, in a form in which two of them can be compared."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table, select
from sqlmodel import Session, SQLModel

from models.rules.choice import Choice

#: Columns that say when the machine did something: leases, retries and mail servers run on its
#: time (`models.tables.mail.machine_now`), which no replay can repeat.
MACHINE_TIME: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "outbox_mail": frozenset(
            {"entered_at", "next_try_at", "held_until", "sent_at", "bounced_at", "passed_on_at"}
        ),
        "mail_attempt": frozenset({"at"}),
        "suppression": frozenset({"since"}),
        "phone_call": frozenset({"since"}),
    }
)
#: Columns that say by which flow run something was shown or handed in. Without Prefect there are
#: no runs, so these are what the two engines must differ in; everything else must be equal.
FLOW_RUNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "answer": frozenset({"idempotency_key"}),
        "stage_run": frozenset(
            {
                *("generation", "flow_run_id", "asked_item_id", "asked_count"),
                *("woken_count", "finished_at"),
            }
        ),
    }
)
#: Signs of life of processes, which say nothing of the programme.
_VITAL_SIGNS = frozenset({"heartbeat"})

Row = dict[str, Any]


def business_state(session: Session) -> Mapping[str, list[Row]]:
    """Return every row of every table but for what no two replays can have in common.

    Rows stand in the order of their keys, which count up in the order of what happened.
    """
    return {
        table.name: list(_rows(session, table))
        for table in SQLModel.metadata.sorted_tables
        if table.name not in _VITAL_SIGNS
    }


def _rows(session: Session, table: Table) -> Iterator[Row]:
    left_out = MACHINE_TIME.get(table.name, frozenset()) | FLOW_RUNS.get(table.name, frozenset())
    names = [column.name for column in table.columns]
    for row in session.execute(select(table).order_by(*table.primary_key)):
        yield {
            name: _plain(value)
            for name, value in zip(names, row, strict=True)
            if name not in left_out
        }


def _plain(value: Any) -> Any:
    """Return `value` as JSON has it, and as both databases give it."""
    if isinstance(value, Choice):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def digest(session: Session) -> str:
    """Return one hash over the whole of `business_state`."""
    hashed = sha256()
    for table, rows in sorted(business_state(session).items()):
        hashed.update(table.encode())
        for row in rows:
            hashed.update(json.dumps(row, ensure_ascii=False).encode())
    return hashed.hexdigest()
