"""What can be chosen in the form of a step: people, providers, counties …"""

from sqlmodel import Session

from models.lifecycle import Step
from models.operations.parties import available_providers, contacts_of, names_of, party_for_role
from models.policy import Programme
from models.rules.stages import Role
from models.tables.party import Party


def choices_for(
    session: Session, step: Step, asked: Party, programme: Programme
) -> dict[str, list[str]]:
    """Return what can be chosen for a step in this instance: people, providers, counties …"""
    fields = step.form.model_fields
    acting = party_for_role(session, Role.CITY_BUREAU) if asked.role is Role.SYSTEM else asked
    assert acting.id is not None  # noqa: S101 -- read from the database
    choices = {
        "handler": [person.name for person in contacts_of(session, acting.id)],
        "outcome": [o.label for o in step.form.outcomes() if o.value not in step.system_only],
    }
    if "county" in fields:
        choices["county"] = [term.name for term in programme.counties]
    if "industry" in fields:
        choices["industry"] = [term.name for term in programme.industries]
    if "provider" in fields:
        choices["provider"] = available_providers(session)
    if "assessor" in fields:
        choices["assessor"] = names_of(session, Role.ASSESSOR)
    return choices
