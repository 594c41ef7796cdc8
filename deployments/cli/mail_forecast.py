"""`pilot mail forecast`: what will be sent to whom, when and why; nothing is sent or queued."""

from operator import itemgetter
from typing import Annotated

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.instance import present
from deployments.cli.output import print_json, show, table
from models.lifecycle import step_of
from models.operations.calendar_days import working_days_ahead
from models.operations.mail_lists import waiting_mails
from models.operations.reminders import Reminded, forecast_reminders
from tasks.database import reading
from tasks.digests import Planned, planned_digests
from tasks.recipients import Reader

#: A forecast of more than this is guesswork: most of what is open will have been answered.
_MOST_DAYS = 250


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("forecast", cls=Command)(forecast)


def forecast(
    days: Annotated[
        int, typer.Option(metavar="天数", help="往后看多少个工作日", min=1, max=_MOST_DAYS)
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """预告将要发出的邮件：何日、发给谁、为何；不发送。假定各事项一直无人办理。"""
    here = present()
    rules = {rule.key: rule.words for rule in here.moment.programme.reminders}
    with reading() as session:
        until = working_days_ahead(session, here.today, days)
        waiting = waiting_mails(session)
        programme = here.moment.programme
        ahead = forecast_reminders(session, programme.reminders, here.today, until)
        digests = [
            (each, reader)
            for each in planned_digests(session, programme, here.today, until)
            for reader in each.readers
        ]
    # One mail a person and day.
    ahead.sort(key=lambda each: (each.day, each.contact_id, each.due_on, each.item_id))
    mails = len({(each.day, each.contact_id) for each in ahead})
    if as_json:
        print_json(
            {
                **here.heading(),
                "until": until,
                "mails": mails,
                "waiting": waiting,
                "digests": [_digest(each, reader) for each, reader in digests],
                "reminders": [_row(each, rules[each.rule]) for each in ahead],
            }
        )
        return
    listed = table(
        ("日期", {"no_wrap": True}), "收件人", ("案卷", {"no_wrap": True}), "事项", "原因"
    )
    # Of one day the reminders first: the sort keeps their order.
    lines = [(each.day, _line(each, rules[each.rule])) for each in ahead]
    lines += [(each.day, _digest_line(each, reader)) for each, reader in digests]
    for day, line in sorted(lines, key=itemgetter(0)):
        listed.add_row(str(day), *line)
    queued = f"，另有 {waiting} 封正在排队发送" if waiting else ""
    summary = (
        f"{days} 个工作日内（至 {until}）：{len(ahead)} 项催办，合并为 {mails} 封邮件，"
        f"简报 {len(digests)} 封{queued}"
    )
    show(here.note, listed, Text(summary, style="dim"))


def _line(each: Reminded, why: str) -> tuple[str | Text, ...]:
    whose = f"，在等 {each.waits_for}" if each.waits_for else ""
    return (
        f"{each.name}（{each.party}）",
        each.case_no,
        f"{each.stage.label} · {step_of(each.stage, each.step).label}{whose}",
        Text(f"{why}（{each.due_on} 截止）", "red" if each.days_left < 0 else ""),
    )


def _digest_line(each: Planned, reader: Reader) -> tuple[str | Text, ...]:
    why = f"请转报{each.hand_on_to}" if each.hand_on_to else ""
    return (f"{reader.name}（{reader.party}）", "", each.words, why)


def _digest(each: Planned, reader: Reader) -> dict[str, object]:
    return {
        "day": each.day,
        "to_name": reader.name,
        "to_party": reader.party,
        "to_address": reader.email,
        "template": "digest",
        "is_weekly": each.is_weekly,
        "why": each.words,
    }


def _row(each: Reminded, why: str) -> dict[str, object]:
    return {
        "day": each.day,
        "to_name": each.name,
        "to_party": each.party,
        "to_address": each.email,
        "template": "due_matters",
        "case_no": each.case_no,
        "enterprise": each.enterprise,
        "item_id": each.item_id,
        "stage": each.stage,
        "step_label": step_of(each.stage, each.step).label,
        "due_on": each.due_on,
        "days_left": each.days_left,
        "waits_for": each.waits_for,
        "why": why,
    }
