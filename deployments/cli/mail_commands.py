"""`pilot mail`: which mail went to whom, and how it fared."""

from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.instance import present
from deployments.cli.output import instant, pairs, print_json, show, table
from models.operations.mail_lists import mail_numbered, mails
from models.rules.mail import MailState
from models.tables.mail import MailAttempt, OutboxMail
from tasks.database import reading

app = new_app("邮件：列表、内容与发送记录")

_STYLES = {MailState.SENT: "green", MailState.FAILED: "bold red"}


@app.command("list", cls=Command)
def list_mails(
    case_no: Annotated[
        str | None, typer.Option("--case", metavar="案卷号", help="只看该案卷")
    ] = None,
    state: Annotated[
        MailState | None,
        typer.Option(parser=one_of(MailState), metavar="状态", help="待发送、发送失败 …"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="收件人", help="在邮箱、姓名、单位中查找")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """列出邮件，最新的在前。"""
    here = present()
    with reading() as session:
        found = mails(session, case_no=case_no, state=state, to=to)
    if as_json:
        print_json({**here.heading(), "mails": [_summary(mail) for mail in found]})
        return
    listed = table(
        ("编号", {"justify": "right"}),
        ("案卷", {"no_wrap": True}),
        "收件人",
        "主题",
        "状态",
        ("时间", {"no_wrap": True}),
    )
    for mail in found:
        listed.add_row(
            str(mail.id),
            mail.case_no or "",
            f"{mail.to_name}（{mail.to_party}）",
            _words(mail)[0],
            _state(mail),
            instant(mail.queued_at),
        )
    show(here.note, listed, Text(f"共 {len(found)} 封", style="dim"))


@app.command("show", cls=Command)
def show_mail(
    mail_id: Annotated[int, typer.Argument(metavar="编号", help="邮件编号", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """显示一封邮件的全文和每次发送的结果。"""
    here = present()
    with reading() as session:
        mail, attempts = mail_numbered(session, mail_id)
    subject, text = _words(mail)
    if as_json:
        whole = {**_summary(mail), "text": text, "attempts": [_attempt(each) for each in attempts]}
        print_json({**here.heading(), "mail": whole})
        return
    lines: list[tuple[str, str | Text]] = [
        ("主题", subject),
        ("收件人", f"{mail.to_name} <{mail.to_address}>（{mail.to_party}）"),
        ("状态", _state(mail)),
        ("入队", instant(mail.queued_at)),
        ("送达", instant(mail.sent_at)),
        ("退回", instant(mail.bounced_at)),
        ("转发", instant(mail.passed_on_at)),
        ("Message-ID", mail.message_id or ""),
        ("原因", mail.last_error),
    ]
    tries = [
        Text(
            f"{place}. {instant(each.at)} {each.outcome.label}"
            f"（{each.server}{f' {each.code}' if each.code else ''}）{each.detail}"
        )
        for place, each in enumerate(attempts, start=1)
    ]
    parts: list[Any] = [pairs((title, said) for title, said in lines if said)]
    if tries:
        parts += [Text("\n发送记录", style="bold"), *tries]
    show(here.note, *parts, Text(f"\n{text}"))


def _state(mail: OutboxMail) -> Text:
    """Return how the mail stands; one that came back is no longer delivered."""
    if mail.bounced_at is not None:
        return Text("被退回", style="bold red")
    return Text(mail.state.label, style=_STYLES.get(mail.state, ""))


def _words(mail: OutboxMail) -> tuple[str, str]:
    """Return subject and text: as they were sent or, before that, as they would be now."""
    if mail.subject is not None and mail.body_text is not None:
        return mail.subject, mail.body_text
    from notifications.contexts import read_context  # only unsent mails need Jinja
    from notifications.render import render

    rendered = render(read_context(mail.template, mail.context))
    return rendered.subject, rendered.text


def _summary(mail: OutboxMail) -> dict[str, Any]:
    return {
        "mail_id": mail.id,
        "state": mail.state,
        "subject": _words(mail)[0],
        "template": mail.template,
        "case_no": mail.case_no,
        "item_id": mail.item_id,
        "to_name": mail.to_name,
        "to_party": mail.to_party,
        "to_address": mail.to_address,
        "queued_at": mail.queued_at,
        "sent_at": mail.sent_at,
        "bounced_at": mail.bounced_at,
        "passed_on_at": mail.passed_on_at,
        "message_id": mail.message_id,
        "tries": mail.attempts,
        "last_error": mail.last_error,
    }


def _attempt(attempt: MailAttempt) -> dict[str, Any]:
    return {
        "at": attempt.at,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "server": attempt.server,
        "detail": attempt.detail,
    }
