"""What a form asks for, field by field, so that a person knows what to `--set`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from models.forms.base import StepForm
from models.forms.parts import offered_by, part_of, types_of


@dataclass(frozen=True, kw_only=True)
class FieldAsked:
    """One value: the name to set it by, what it is called, what may be given."""

    name: str
    title: str
    description: str
    kind: str
    choices: tuple[str, ...]
    #: 必填, or with which outcomes; empty where it is known or may be left out.
    needed: str
    known: str


def fields_asked(
    form: type[StepForm], choices: Mapping[str, Sequence[str]], known: Mapping[str, Any]
) -> list[FieldAsked]:
    """Return every value that can be set, the parts of a form by dotted names."""
    labels = {choice.value: choice.label for choice in form.outcomes()}
    needed: dict[str, list[str]] = {}
    for outcome, names in form.needed_for.items():
        for name in names:
            needed.setdefault(name, []).append(labels[outcome])
    return list(_asked(form, "", choices, known, needed))


def _asked(
    form: type[BaseModel],
    prefix: str,
    choices: Mapping[str, Sequence[str]],
    known: Mapping[str, Any],
    needed: Mapping[str, Sequence[str]],
) -> Iterator[FieldAsked]:
    for name, field in form.model_fields.items():
        part, is_list = part_of(field)
        value = known.get(name)
        if part is not None and is_list:
            rows = value or [{}]
            for place, row in enumerate(rows):
                yield from _asked(part, f"{prefix}{name}.{place}.", {}, row, {})
        elif part is not None:
            yield from _asked(part, f"{prefix}{name}.", {}, value or {}, {})
        else:
            given = tuple(choices.get(name, ())) or offered_by(field)
            yield FieldAsked(
                name=prefix + name,
                title=field.title or name,
                description=field.description or "",
                kind=_kind_of(field),
                choices=given,
                needed="" if value is not None else _needed(field, needed.get(name, ())),
                known="" if value is None else _known(value),
            )


def _needed(field: FieldInfo, outcomes: Sequence[str]) -> str:
    if outcomes:
        return f"{'、'.join(outcomes)}时必填"
    return "必填" if field.is_required() else ""


def _known(value: object) -> str:
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)


def _kind_of(field: FieldInfo) -> str:
    kinds = types_of(field)
    for kind, words in (
        (bool, "是/否"),
        (int, "整数"),
        (Decimal, "数字"),
        (date, "日期，如 2024-03-25"),
    ):
        if kind in kinds:
            return words
    return "选择" if offered_by(field) else "文字"
