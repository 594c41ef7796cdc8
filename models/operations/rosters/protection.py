"""Values that a roster may not overwrite by the way: people have stated, checked or mended them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import select
from sqlmodel import Session, col

from models.operations.rosters.plan import Change, PartyPlan
from models.rules.stages import Stage
from models.tables.audit import RegisterEntry
from models.tables.case import Case, WorkItem

_T = TypeVar("_T")

#: The deeds of the import itself, by which no value becomes a checked one.
IMPORTED, CHANGED_BY_IMPORT = "名册导入", "名册更正"

#: What an application declares and the county reviews; the name stands on every paper of a case.
_DECLARED = frozenset(
    {
        "name",
        "county",
        "industry",
        "is_above_scale",
        "headcount",
        "revenue",
        "main_business",
    }
)
_STATED = {"recommend": "县市区已审核推荐", "submitted": "企业已在申报中承诺属实"}
_BY_A_PERSON = "已由人工更正"
#: How many parties one question names.
_AT_ONCE = 500


def protect(session: Session, plans: Iterable[PartyPlan]) -> None:
    """Mark the changes that would overwrite what somebody has stated, checked or mended.

    Empty places may always be filled. An application that has been handed in protects what it
    declares, the county's recommendation all the more; so does a change of the register that was
    made one by one, until somebody changes that value once more.
    """
    touched = {
        plan.party_id: plan
        for plan in plans
        if plan.party_id is not None and any(True for _ in plan.all_changes())
    }
    for ids in _portions(touched, _AT_ONCE):
        declared = _declared(session, ids)
        mended = _mended(session, ids)
        for party_id in ids:
            for key, change in _keyed_changes(touched[party_id]):
                if _is_empty(change.before):
                    continue
                if key in _DECLARED and party_id in declared:
                    change.protected = declared[party_id]
                elif key in mended.get(party_id, ()):
                    change.protected = _BY_A_PERSON


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _keyed_changes(plan: PartyPlan) -> Iterator[tuple[str | tuple[str, str], Change]]:
    """Give the changes by the names under which the trail's entries are compared below."""
    for change in plan.changes:
        yield change.field, change
    for person in plan.people:
        for change in person.changes:
            if change.field == "is_primary":
                yield ("", "first"), change
            else:
                yield (person.form.name, change.field), change


def _declared(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return, for enterprises whose application was handed in, how far it has been checked."""
    found: dict[int, str] = {}
    rows = session.execute(
        select(Case.enterprise_id, WorkItem.outcome)  # type: ignore[call-overload]
        .join(WorkItem, col(WorkItem.case_no) == col(Case.case_no))
        .where(
            col(Case.enterprise_id).in_(ids),
            WorkItem.stage == Stage.APPLICATION,
            col(WorkItem.outcome).in_(_STATED),
        )
    )
    for enterprise_id, outcome in rows:
        if outcome == "recommend" or enterprise_id not in found:
            found[enterprise_id] = _STATED[outcome]
    return found


def _mended(session: Session, ids: Sequence[int]) -> dict[int, set[Any]]:
    """Return the values of each party whose latest change was made by other means than a roster."""
    latest: dict[int, dict[Any, bool]] = {}
    rows = session.execute(
        select(  # type: ignore[call-overload]
            RegisterEntry.registered_id,
            RegisterEntry.action,
            RegisterEntry.before,
            RegisterEntry.after,
        )
        .where(col(RegisterEntry.registered_id).in_(ids), RegisterEntry.before != "{}")
        .order_by(col(RegisterEntry.number))
    )
    for party_id, action, before, after in rows:
        old, new = _values(json.loads(before)), _values(json.loads(after))
        by_hand = action not in (IMPORTED, CHANGED_BY_IMPORT)
        for key in new:
            if new[key] != old.get(key):
                latest.setdefault(party_id, {})[key] = by_hand
    return {
        party_id: {key for key, by_hand in keys.items() if by_hand}
        for party_id, keys in latest.items()
    }


def _values(facts: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the facts of an entry with each person's values beside those of the party."""
    values: dict[Any, Any] = {key: value for key, value in facts.items() if key != "contacts"}
    for person in facts.get("contacts", ()):
        for name in ("email", "phone"):
            values[person["name"], name] = person.get(name)
        if person.get("is_primary"):
            values["", "first"] = person["name"]
    return values


def _portions(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(things)
    while portion := list(islice(rest, size)):
        yield portion
