"""The one metadata of all tables, with names for constraints that migrations can rely on."""

from sqlalchemy import CheckConstraint
from sqlmodel import SQLModel

from models.rules.choice import Choice

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """Base of every table."""


def one_of(column: str, choices: type[Choice], *, nullable: bool = False) -> CheckConstraint:
    """Return the CHECK that pins `column` to the values of `choices`."""
    values = ", ".join(f"'{choice.value}'" for choice in choices)
    condition = f"{column} IN ({values})"
    return CheckConstraint(
        f"{column} IS NULL OR {condition}" if nullable else condition, name=f"{column}_known"
    )
