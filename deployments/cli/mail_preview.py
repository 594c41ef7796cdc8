"""`pilot mail preview`: what any mail looks like, with invented data and without a database."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, one_of
from deployments.cli.output import print_json, show, table
from models.rules.choice import Choice
from models.rules.errors import PilotError
from models.rules.mail import message_id
from models.rules.system_errors import system_reason
from notifications.contexts import CONTEXTS, MailContext
from notifications.template_files import own_folder


class PreviewFormat(Choice):
    """What a preview shows of a mail."""

    TEXT = "text", "文本"
    HTML = "html", "网页"
    EML = "eml", "整封邮件"


class PreviewNotWrittenError(PilotError):
    """The file for a preview cannot be written."""

    def __init__(self, file: Path, problem: str) -> None:
        """Name the file and what the system said."""
        self.file = file
        super().__init__(f"无法写入 {file}（{problem}），请换一个位置")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("preview", cls=Command)(preview)


def preview(
    mail: Annotated[
        str | None, typer.Argument(metavar="邮件", help="名称；不写则列出全部", show_default=False)
    ] = None,
    shown_as: Annotated[
        PreviewFormat,
        typer.Option(
            "--format",
            parser=one_of(PreviewFormat),
            metavar="格式",
            help="text 文本（默认）、html 网页、eml 整封邮件",
            show_default=False,
        ),
    ] = PreviewFormat.TEXT,
    number: Annotated[
        int, typer.Option("--sample", metavar="序号", min=1, help="用该邮件的第几个样例")
    ] = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="文件", help="写入文件（已有的会被替换）"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """用虚构的样例显示任何一种邮件，不发送，不读数据库。"""
    from notifications.template_check import check_templates  # Jinja, for this command only

    check_templates()
    if mail is None:
        _list(as_json)
        return
    samples = _samples(mail)
    if number > len(samples):
        raise typer.BadParameter(f"{mail} 只有 {len(samples)} 个样例", param_hint="--sample")
    context = samples[number - 1]
    if as_json:
        print_json({"mail": {**_summary(context, number), **_bodies(context)}})
        return
    content = _content(context, shown_as)
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise PreviewNotWrittenError(output, system_reason(error)) from error
    show(None, Text(f"已写入 {output}"))


def _list(as_json: bool) -> None:
    every = [
        (number, context)
        for mail in CONTEXTS
        for number, context in enumerate(_samples(mail), start=1)
    ]
    if as_json:
        folder = own_folder()
        print_json(
            {
                "template_dir": None if folder is None else str(folder),
                "mails": [_summary(context, number) for number, context in every],
            }
        )
        return
    listed = table(("邮件", {"no_wrap": True}), ("样例", {"justify": "right"}), "主题")
    for number, context in every:
        listed.add_row(context.template, str(number), _summary(context, number)["subject"])
    show(
        None,
        listed,
        Text("样例数据均为虚构；看其中一封：pilot mail preview 邮件 --sample 序号", "dim"),
    )


def _samples(mail: str) -> list[MailContext]:
    from notifications.samples import SAMPLES

    found = [sample for sample in SAMPLES if sample.template == mail]
    if not found:
        raise typer.BadParameter(
            f"没有名为“{mail}”的邮件，应为下列之一：{'、'.join(CONTEXTS)}", param_hint="邮件"
        )
    return found


def _summary(context: MailContext, number: int) -> dict[str, Any]:
    from notifications.render import render

    says = (type(context).__doc__ or "").partition("\n")[0]
    return {
        "template": context.template,
        "sample": number,
        "subject": render(context).subject,
        "says": says,
        "has_calendar": bool(context.deadlines),
    }


def _bodies(context: MailContext) -> dict[str, str]:
    return {
        "text": _content(context, PreviewFormat.TEXT).decode(),
        "html": _content(context, PreviewFormat.HTML).decode(),
        "eml": _content(context, PreviewFormat.EML).decode(),
    }


def _content(context: MailContext, shown_as: PreviewFormat) -> bytes:
    from notifications.render import render

    mail = render(context)
    match shown_as:
        case PreviewFormat.TEXT:
            return f"{mail.subject}\n\n{mail.text}".encode()
        case PreviewFormat.HTML:
            return mail.html.encode()
    from notifications.message import build_message
    from notifications.settings import MailSettings

    settings = MailSettings.read()
    message = build_message(
        mail,
        settings,
        to_name=context.recipient_name,
        to_address="preview@example.com",
        message_id=message_id(f"preview:{context.template}", settings.domain),
        date=context.written_at or datetime.now(UTC),
        trial=context.trial_note,
    )
    return message.content
