"""`pilot mail`: which mail went to whom, and how it fared."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlmodel import Session

from deployments.cli import mail_delivery
from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.instance import present
from deployments.cli.output import instant, pairs, print_json, show, table
from models.operations.cases import case_numbered
from models.operations.mail_lists import mail_numbered, mails
from models.operations.mail_retries import retries_of
from models.operations.reminder_mails import contexts_of
from models.rules.clock import SHANGHAI
from models.rules.mail import MailOutcome, MailState
from models.tables.mail import MailAttempt, MailRetry, OutboxMail
from tasks.database import reading

app = new_app("邮件：列表、内容、发送记录、重试与统计")
mail_delivery.register(app)

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
        if case_no is not None:
            case_numbered(session, case_no)  # a slip of the pen is not a case without mail
        found = mails(session, case_no=case_no, state=state, to=to)
        written = _words(session, [mail for mail, _ in found])
        subjects = {mail.id: subject for mail, (subject, _) in written}
    if as_json:
        print_json(
            {
                **here.heading(),
                "mails": [
                    {**_summary(mail, subjects[mail.id]), "is_caught": is_caught}
                    for mail, is_caught in found
                ],
            }
        )
        return
    listed = table(
        ("编号", {"justify": "right"}),
        ("案卷", {"no_wrap": True}),
        "收件人",
        "主题",
        "状态",
        ("时间", {"no_wrap": True}),
    )
    for mail, is_caught in found:
        listed.add_row(
            str(mail.id),
            mail.case_no or "",
            f"{mail.to_name}（{mail.to_party}）",
            subjects[mail.id],
            _state(mail, is_caught=is_caught),
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
        retries = retries_of(session, mail_id)
        [(_, (subject, text))] = _words(session, [mail])
    proof = _proof(mail, attempts)
    if as_json:
        whole = {
            **_summary(mail, subject),
            **proof,
            "text": text,
            "attempts": [_attempt(each) for each in attempts],
            "retries": [_retry(each) for each in retries],
        }
        print_json({**here.heading(), "mail": whole})
        return
    lines: list[tuple[str, str | Text]] = [
        ("主题", subject),
        ("收件人", f"{mail.to_name} <{mail.to_address}>（{mail.to_party}）"),
        ("状态", _state(mail, is_caught=bool(proof["is_caught"]))),
        ("入队", instant(mail.queued_at)),
        ("首次发送", _second(proof["first_tried_at"])),
        ("服务器接收", _second(mail.sent_at)),
        ("接收的服务器", _accepted_by(proof)),
        ("退回", instant(mail.bounced_at)),
        ("转发", instant(mail.passed_on_at)),
        ("Message-ID", mail.message_id or ""),
        ("原因", mail.last_error),
    ]
    tries = [
        Text(
            f"{place}. {_second(each.at)} {each.outcome.label}"
            f"（{each.server}{f' {each.code}' if each.code else ''}"
            f"{'，本机拦截' if each.is_caught else ''}）{each.detail}"
        )
        for place, each in enumerate(attempts, start=1)
    ]
    tries += [
        Text(f"· {_second(each.at)} {each.asked_by} 要求重试；此前：{each.last_error}")
        for each in retries
    ]
    parts: list[Any] = [pairs((title, said) for title, said in lines if said)]
    if tries:
        parts += [Text("\n发送记录", style="bold"), *tries]
    show(here.note, *parts, Text(f"\n{text}"))


def _state(mail: OutboxMail, *, is_caught: bool) -> Text:
    """Return how the mail stands; one that came back, or never left us, is not delivered."""
    if mail.bounced_at is not None:
        return Text("被退回", style="bold red")
    if is_caught:
        return Text("本机拦截", style="yellow")
    return Text(mail.state.label, style=_STYLES.get(mail.state, ""))


def _proof(mail: OutboxMail, attempts: list[MailAttempt]) -> dict[str, Any]:
    """Return when it was tried and taken, by which server, under which code (machine time)."""
    taken = next((each for each in attempts if each.outcome is MailOutcome.ACCEPTED), None)
    waited = None if mail.sent_at is None else mail.sent_at - mail.entered_at
    return {
        "entered_at": mail.entered_at,
        "first_tried_at": attempts[0].at if attempts else None,
        "accepted_at": mail.sent_at,
        "seconds_to_acceptance": None if waited is None else f"{waited.total_seconds():.3f}",
        "accepted_by": taken and taken.server,
        "accepted_code": taken and taken.code,
        "is_caught": taken and taken.is_caught,
    }


def _accepted_by(proof: dict[str, Any]) -> str:
    if proof["accepted_by"] is None:
        return ""
    caught = "，本机拦截，未发给收件人" if proof["is_caught"] else ""
    return (
        f"{proof['accepted_by']}（代码 {proof['accepted_code']}{caught}），"
        f"入队后 {proof['seconds_to_acceptance']} 秒"
    )


def _second(at: datetime | None) -> str:
    """Return a machine's instant to the second, as the clocks in Shanghai show it."""
    return "" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _words(
    session: Session, mails: Sequence[OutboxMail]
) -> Iterator[tuple[OutboxMail, tuple[str, str]]]:
    """Yield subject and text: as they were sent or, before that, as they would be now."""
    written = contexts_of(session, (mail for mail in mails if mail.subject is None))
    for mail in mails:
        if mail.subject is not None and mail.body_text is not None:
            yield mail, (mail.subject, mail.body_text)
            continue
        from notifications.contexts import read_context  # only unsent mails need Jinja
        from notifications.render import render

        rendered = render(read_context(mail.template, written.get(mail.id, mail.context)))
        yield mail, (rendered.subject, rendered.text)


def _summary(mail: OutboxMail, subject: str) -> dict[str, Any]:
    return {
        "mail_id": mail.id,
        "state": mail.state,
        "subject": subject,
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
        "is_caught": attempt.is_caught,
    }


def _retry(retry: MailRetry) -> dict[str, Any]:
    return {"at": retry.at, "asked_by": retry.asked_by, "last_error": retry.last_error}
