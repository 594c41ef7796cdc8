"""Hold a checked roster against the register: who is new, what is different, what cannot be."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from models.forms.roster import SHEETS, ContactRow, PartyRow, YesNo
from models.operations.rosters.checking import CheckedRoster, CheckedRow, Finding
from models.operations.rosters.plan import Change, PartyPlan, PersonPlan, RosterPlan
from models.operations.rosters.protection import protect
from models.rules.stages import Role
from models.tables.party import Contact, Party

_PARTY = Party.metadata.tables["party"]
_CONTACT = Contact.metadata.tables["contact"]


_ORDER = {kind.sheet: place for place, kind in enumerate(SHEETS)}


class _Register:
    """Everybody who is registered, read once, found by name, code, place and number."""

    def __init__(self, session: Session) -> None:
        connection = session.connection()
        self.by_name: dict[tuple[Role, str], Row[Any]] = {}
        self.by_code: dict[tuple[Role, str], Row[Any]] = {}
        #: The city's bureaus by role, those of the counties by role and county.
        self.by_place: dict[tuple[Role, str], Row[Any]] = {}
        for row in connection.execute(select(_PARTY)):
            self.by_name[row.role, row.name] = row
            if row.credit_code:
                self.by_code[row.role, row.credit_code] = row
            if row.role in (Role.COUNTY_BUREAU, Role.CITY_BUREAU, Role.FINANCE_BUREAU):
                self.by_place[row.role, row.county] = row
        self.people: dict[int, dict[str, Row[Any]]] = {}
        for row in connection.execute(select(_CONTACT).order_by(_CONTACT.c.id)):
            self.people.setdefault(row.party_id, {})[row.name] = row


def plan_roster(
    session: Session, checked: CheckedRoster, *, overwrites_checked: bool = False
) -> RosterPlan:
    """Return what the roster would do. Its findings include those of the check."""
    register = _Register(session)
    findings = list(checked.findings)
    plans: dict[tuple[Role, str], PartyPlan] = {}
    faulty, unsettled = set(checked.faulty_names), set(checked.unsettled)
    for row in checked.rows:
        if isinstance(row.form, PartyRow):
            found = _party(register, row, row.form)
            if isinstance(found, Finding):
                findings.append(found)
                faulty.add(row.form.name)
            else:
                plans[found.role, found.name] = found
    for row in checked.rows:
        if isinstance(row.form, ContactRow) and row.form.party not in faulty:
            finding = _person(register, plans, row, row.form)
            if finding is not None:
                findings.append(finding)
                unsettled.add(row.form.party)
    for plan in plans.values():
        if plan.name not in unsettled:
            findings += _first_contact(register, plan)
    if not findings:
        protect(session, plans.values())
    findings.sort(key=lambda each: (_ORDER[each.sheet], each.row))
    return RosterPlan(list(plans.values()), findings, overwrites_checked)


def _party(register: _Register, row: CheckedRow, form: PartyRow) -> PartyPlan | Finding:
    """Return the plan for a row that states a party, or why there can be none."""
    role = form.party_role
    named = register.by_name.get((role, form.name))
    coded = register.by_code.get((role, form.credit_code)) if form.credit_code else None
    if named is not None and coded is not None and named.id != coded.id:
        return row.finding(
            "credit_code",
            f"该代码已登记为“{coded.name}”，而“{form.name}”是另一家",
            "核对名称与统一社会信用代码",
        )
    if named is not None and coded is None and form.credit_code and named.credit_code:
        return row.finding(
            "credit_code",
            f"“{form.name}”已用统一社会信用代码 {named.credit_code} 登记",
            "核对代码；确为另一家的，请用其营业执照上的全称",
        )
    known = coded if coded is not None else named
    taken = _taken_place(register, row, form, known)
    if taken is not None:
        return taken
    plan = PartyPlan(role, form.name, None if known is None else known.id, row)
    if known is not None:
        plan.changes = _differences(known, form.facts())
    return plan


def _taken_place(
    register: _Register, row: CheckedRow, form: PartyRow, known: Row[Any] | None
) -> Finding | None:
    """Return that another party is already what this one would be, where there may be but one."""
    role = form.party_role
    county = form.facts().get("county", "") if role is Role.COUNTY_BUREAU else ""
    holder = register.by_place.get((role, county))
    if holder is None or (known is not None and holder.id == known.id):
        return None
    where = f"{county}只有一个" if county else "全市只有一个"
    return row.finding(
        "name", f"{role.label}已登记为“{holder.name}”，{where}", "改用已登记的名称，或删去这一行"
    )


def _differences(known: Row[Any], facts: Mapping[str, Any]) -> list[Change]:
    return [
        Change(name, getattr(known, name), after)
        for name, after in facts.items()
        if getattr(known, name) != after
    ]


def _person(
    register: _Register,
    plans: dict[tuple[Role, str], PartyPlan],
    row: CheckedRow,
    form: ContactRow,
) -> Finding | None:
    """Add the person to the plan of his party; return what is wrong where it has none."""
    role = form.party_role
    plan = plans.get((role, form.party))
    if plan is None:
        party = register.by_name.get((role, form.party))
        if party is None:
            return row.finding(
                "party",
                f"没有名为“{form.party}”的{role.label}，本文件和已登记的单位中都没有",
                "核对单位类别和单位名称，或在相应的表中填写该单位",
            )
        plan = plans[role, form.party] = PartyPlan(role, form.party, party.id)
    known = register.people.get(plan.party_id or 0, {}).get(form.name)
    person = PersonPlan(row, form, None if known is None else known.id)
    if known is not None:
        stated = {name: getattr(form, name) for name in ("email", "phone")}
        person.changes = _differences(
            known, {name: value for name, value in stated.items() if value is not None}
        )
    plan.people.append(person)
    return None


def _first_contact(register: _Register, plan: PartyPlan) -> list[Finding]:
    """Settle who is the first contact; return what is wrong where nobody would be."""
    people = register.people.get(plan.party_id or 0, {})
    plan.first = next((name for name, each in people.items() if each.is_primary), "")
    asked_for = [each for each in plan.people if each.form.is_primary is YesNo.YES]
    declined = [each for each in plan.people if each.form.is_primary is YesNo.NO]
    if asked_for:
        person = asked_for[0]
        plan.wanted_first = person.form.name
        if person.form.name in people and people[person.form.name].has_left:
            return [
                person.row.finding(
                    "is_primary",
                    f"“{person.form.name}”已登记为离任，不能作第一联系人",
                    "改填他人；确已回来的，请先恢复其联系人登记",
                )
            ]
        if plan.first and plan.wanted_first != plan.first:
            person.changes.append(Change("is_primary", plan.first, plan.wanted_first))
        return []
    if plan.first:
        plan.wanted_first = plan.first
        return [
            each.row.finding(
                "is_primary",
                f"“{each.form.name}”是该单位现在的第一联系人",
                "为该单位另一位联系人填“是”，或将此处留空",
            )
            for each in declined
            if each.form.name == plan.first
        ]
    willing = [each for each in plan.people if each.form.is_primary is None]
    if willing:
        plan.wanted_first = willing[0].form.name
        return []
    if declined:
        return [
            declined[0].row.finding(
                "is_primary", "该单位没有第一联系人", "为该单位的一位联系人填“是”"
            )
        ]
    if plan.party_id is None and plan.row is not None:
        return [
            plan.row.finding("name", "新登记的单位没有联系人", "在“联系人”表中为该单位填写至少一人")
        ]
    return []
