"""The history of one case in words, from its audit trail."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlmodel import Session, col, select

from models.lifecycle import step_of
from models.operations.cases import case_numbered
from models.operations.prefilling import as_written
from models.rules.stages import CaseStatus, Channel, Stage
from models.tables.audit import AuditEntry


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One change of the case: who, how it is known who, what, and where it led."""

    number: int
    at: datetime
    party: str
    actor: str
    identity: str
    channel: Channel
    action: str
    #: Where the case has gone, for example `诊断 · 确认诊断`; empty where it stays.
    then: str
    #: (title, text) of what was filled in; empty for what was no answer.
    said: tuple[tuple[str, str], ...]
    clause: str


def case_history(session: Session, case_no: str) -> list[HistoryEntry]:
    """Return the entries of the case, the oldest first; `UnknownCaseError` where there is none."""
    case_numbered(session, case_no)
    entries = session.exec(
        select(AuditEntry).where(AuditEntry.case_no == case_no).order_by(col(AuditEntry.number))
    )
    return [
        HistoryEntry(
            number=entry.number,
            at=entry.at,
            party=entry.party,
            actor=entry.actor,
            identity=entry.identity,
            channel=entry.channel,
            action=entry.action,
            then=_position(json.loads(entry.after)),
            said=_said(json.loads(entry.before), json.loads(entry.after)),
            clause=entry.clause,
        )
        for entry in entries
    ]


def _position(after: Mapping[str, Any]) -> str:
    if after.get("step"):
        stage = Stage.read(after["stage"])
        return f"{stage.label} · {step_of(stage, after['step']).label}"
    return CaseStatus.read(after["status"]).label if after.get("status") else ""


def _said(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if "answered" not in after:
        return _said_otherwise(after)
    kind = step_of(Stage.read(before["stage"]), before["step"]).form
    form = after["answered"]["form"]
    try:
        read = kind.model_validate(form)
    except ValidationError:  # a form of an earlier year: its own names must do
        return tuple((name, str(value)) for name, value in form.items())
    return tuple(titled(kind, as_written(read)))


def _said_otherwise(after: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what is told by an entry that is no answer: a withdrawal, a notice that begins."""
    told = []
    if after.get("due_on"):
        told.append(("期限", str(after["due_on"])))
    if after.get("stopped_days") is not None:
        told.append(("暂停", f"自 {after['stopped_on']} 起 {after['stopped_days']} 个工作日"))
    if after.get("reason"):
        told.append(("理由", str(after["reason"])))
    if after.get("notice"):
        told.append(("公示", f"{after['notice']}（{after['starts_on']} 至 {after['ends_on']}）"))
    return tuple(told)


def titled(form: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (title, text) of what is filled in, the parts of a form after its own title."""
    for name, field in form.model_fields.items():
        value, title = values.get(name), field.title or name
        if value in ("", None, []):
            continue
        part = _part_of(field.annotation)
        if part is None:
            text = {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)
            yield title, text
        elif isinstance(value, list):
            for place, each in enumerate(value, start=1):
                words = "，".join(f"{inner} {text}" for inner, text in titled(part, each))
                yield f"{title} 第{place}项", words
        else:
            for inner, text in titled(part, value):
                yield f"{title} {inner}", text


def _part_of(annotation: Any) -> type[BaseModel] | None:
    """Return the form inside a field: itself, or that of a list's elements."""
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    for each in candidates:
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None
