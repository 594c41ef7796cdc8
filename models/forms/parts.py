"""What a field of a form is made of: forms inside it, and what it offers to choose from."""

from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from models.rules.choice import Choice


def types_of(field: FieldInfo) -> tuple[Any, ...]:
    """Return the type of a field and what it is made of (`X | None`, `list[X]`)."""
    return (field.annotation, *get_args(field.annotation))


def part_of(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """Return the form inside a field, and whether there is a list of it."""
    for kind in types_of(field):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind, kind is not field.annotation
    return None, False


def offered_by(field: FieldInfo) -> tuple[str, ...]:
    """Return the labels that a field offers; none where anything may be written."""
    for kind in types_of(field):
        if isinstance(kind, type) and issubclass(kind, Choice):
            return tuple(member.label for member in kind)
    return ("是", "否") if field.annotation is bool else ()
