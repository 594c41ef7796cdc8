"""A form as columns: one per value, the parts of a form by `part·value`; a list is a sheet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic.fields import FieldInfo

from models.forms.base import StepForm
from models.forms.parts import offered_by, part_of, types_of
from tasks.workbooks.reading import Value
from tasks.workbooks.writing import Cell, Column, Kind

_YES_NO = {"是": True, "否": False}
#: What every form begins with in a worklist: choosing the outcome is what makes a row an answer.
_FIRST = ("outcome", "handler")
_WIDE = 36
_MOST_DIGITS = 15


@dataclass(frozen=True, kw_only=True)
class FormColumn:
    """One value of a form and the column it stands in."""

    #: The names that lead to it, like ("baseline", "edition").
    path: tuple[str, ...]
    column: Column
    is_yes_no: bool


@dataclass(frozen=True, kw_only=True)
class FormList:
    """A list in a form: its name, its title, and the columns of one row of it."""

    name: str
    title: str
    columns: tuple[FormColumn, ...]


def form_columns(form: type[StepForm]) -> tuple[FormColumn, ...]:
    """Return the columns of a form but for its lists, the outcome first."""
    needed = {
        name: f"选择{'、'.join(f'“{label}”' for label in labels)}时必填"
        for name, labels in form.needed_with().items()
    }
    fields = form.model_fields
    ordered = [*_FIRST, *(name for name in fields if name not in _FIRST)]
    return tuple(_columns({name: fields[name] for name in ordered}, (), "", needed))


def form_lists(form: type[StepForm]) -> tuple[FormList, ...]:
    """Return the lists of a form; every other value has a column."""
    lists = []
    for name, field in form.model_fields.items():
        part, is_list = part_of(field)
        if part is not None and is_list:
            columns = tuple(_columns(part.model_fields, (), "", {}))
            lists.append(FormList(name=name, title=field.title or name, columns=columns))
    return tuple(lists)


def _columns(
    fields: Mapping[str, FieldInfo], path: tuple[str, ...], prefix: str, needed: Mapping[str, str]
) -> Iterator[FormColumn]:
    for name, field in fields.items():
        part, is_list = part_of(field)
        title = f"{prefix}{field.title or name}"
        if part is None:
            kind = _kind_of(field)
            notes = [field.description or "", needed.get(name, "")]
            column = Column(
                title=title,
                width=_width(field, kind),
                kind=kind,
                is_open=True,
                # A person who is not named is the party's first contact; the outcome is what
                # makes the row an answer, and is said so in the explanation.
                is_needed=name == "outcome" or (field.is_required() and name != "handler"),
                note="；".join(note for note in notes if note),
                choices=offered_by(field),
            )
            yield FormColumn(path=(*path, name), column=column, is_yes_no=field.annotation is bool)
        elif not is_list:
            yield from _columns(part.model_fields, (*path, name), f"{title}·", {})


def _kind_of(field: FieldInfo) -> Kind:
    kinds = types_of(field)
    if date in kinds:
        return Kind.DAY
    if Decimal in kinds and "元" in (field.title or ""):
        return Kind.YUAN
    if int in kinds:
        return Kind.WHOLE
    return Kind.TEXT


def _width(field: FieldInfo, kind: Kind) -> int:
    longest = max((getattr(each, "max_length", 0) or 0 for each in field.metadata), default=0)
    if kind is Kind.TEXT and (longest > 200 or "意见" in (field.title or "")):
        return _WIDE
    return max(14, min(_WIDE, 2 * len(field.title or "") + 4))


def cells_of(columns: tuple[FormColumn, ...], values: Mapping[str, Any]) -> dict[str, Cell]:
    """Return what the cells of one row hold for the values of a form, by title."""
    cells = {}
    for each in columns:
        value: Any = values
        for name in each.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            value = "是" if value else "否"
        cells[each.column.title] = as_cell(each.column.kind, value)
    return cells


def as_cell(kind: Kind, value: Any) -> Cell:
    """Return `value`, written as text, as Excel has it: an amount as a number, a day as a day.

    What is no amount and no day stays as it was written.
    """
    if value is None:
        return None
    if isinstance(value, date):
        return value if kind is Kind.DAY else value.isoformat()
    text = str(value)
    if sum(letter.isdigit() for letter in text) > _MOST_DIGITS:
        return text  # Excel's numbers end there
    try:
        match kind:
            case Kind.YUAN:
                number = Decimal(text.replace(",", ""))
                return number if number.is_finite() else text
            case Kind.WHOLE:
                return int(text)
            case Kind.DAY:
                return date.fromisoformat(text)
    except (ValueError, InvalidOperation):
        return text
    return text


def values_of(columns: tuple[FormColumn, ...], cells: Mapping[str, Value | Cell]) -> dict[str, Any]:
    """Return the values of a form that the cells of one row hold; empty cells say nothing.

    Written one way only: 120000, 120,000.00 and "120000.0" are one amount, however often the row
    goes through a file.
    """
    values: dict[str, Any] = {}
    for each in columns:
        value: object = as_cell(each.column.kind, cells.get(each.column.title))
        if value is None or value == "":
            continue
        if each.is_yes_no:
            value = _YES_NO.get(str(value), value)
        elif isinstance(value, int | Decimal):
            text = f"{value:f}" if isinstance(value, Decimal) else str(value)
            value = text.rstrip("0").rstrip(".") if "." in text else text
        here = values
        for name in each.path[:-1]:
            here = here.setdefault(name, {})
        here[each.path[-1]] = value
    return values
