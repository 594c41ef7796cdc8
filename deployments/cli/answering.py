"""`pilot answer`: fill in the form of an item."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.form_input import NoDocumentFieldError, filled_in, read_form_file
from deployments.cli.instance import Instance, caller, present
from deployments.cli.item_commands import print_item
from deployments.cli.output import instant, pairs, print_json, show
from models.lifecycle import Step, step_of
from models.operations.answering import Caller, Receipt, UnknownItemError, require_item_number
from models.operations.documents import IncomingDocument
from models.operations.prefilling import prefill
from models.tables.case import WorkItem
from tasks.answering import answer_item, content_key
from tasks.database import DatabaseSettings, reading


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("answer", cls=Command)(answer)


def answer(
    item_id: Annotated[int, typer.Argument(metavar="事项", help="事项编号", show_default=False)],
    form: Annotated[
        Path | None, typer.Option(metavar="文件", help="表单内容，.json 或 .toml")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="名称=内容",
            help="填一项，可重复；分组用点号：baseline.edition=2024、lines.0.invoice_no=…",
        ),
    ] = None,
    handler: Annotated[
        str | None, typer.Option("--as", metavar="姓名", help="经办人，默认办理单位的第一联系人")
    ] = None,
    party: Annotated[
        str | None, typer.Option(metavar="单位", help="以哪个单位的名义；与事项不符即拒绝")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="编号", help="提交编号；同一编号再次提交只得到原回执")
    ] = None,
    attach: Annotated[
        Path | None, typer.Option(metavar="文件", help="附件，存入系统并填入表单的文件编号")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """办理一个事项。不带内容时显示需要填写什么。"""
    here = present()
    if form is None and not settings and attach is None:
        if not as_json:
            print_item(here, item_id, as_json=False)
        raise typer.BadParameter("尚未填写：请用 --set 或 --form")
    step, known = _step_and_known(item_id)
    file = read_form_file(form) if form is not None else {}
    given = filled_in(step.form, known, file, settings or ())
    if handler is not None:
        given["handler"] = handler
    way = caller(party)
    with ExitStack() as stack:
        document = None
        if attach is not None:
            if "document" not in step.form.model_fields:
                raise NoDocumentFieldError(step.label)
            store = DatabaseSettings().home.expanduser().resolve() / "documents"
            document = stack.enter_context(IncomingDocument(store, attach))
            given["document"] = document.sha256
        receipt = answer_item(
            item_id,
            given,
            way,
            key=key or _key(here, item_id, way, file, settings, handler, given.get("document")),
            document=document,
            moment=here.moment,
        )
    _print(here, receipt, as_json=as_json)


def _step_and_known(item_id: int) -> tuple[Step, dict[str, Any]]:
    with reading() as session:
        require_item_number(item_id)
        item = session.get(WorkItem, item_id)
        if item is None:
            raise UnknownItemError(item_id)
        return step_of(item.stage, item.step), prefill(session, item_id)


def _key(here: Instance, item_id: int, way: Caller, *said: object) -> str:
    """Return the key of what was typed: the same words again are the same answer.

    What is filled in beforehand is left out, for it changes with the answer.
    """
    with reading() as session:
        return content_key(session, item_id, {"said": said}, way, here.moment.at)


def _print(here: Instance, receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json({**here.heading(), "receipt": receipt})
        return
    lines = [
        ("回执号", receipt.number),
        ("案卷", f"{receipt.case_no} {receipt.enterprise}"),
        ("办理", f"{receipt.stage.label} · {receipt.step_label}：{receipt.outcome_label}"),
        ("经办人", f"{receipt.handler}（{receipt.party}）"),
        ("时间", instant(receipt.answered_at)),
    ]
    if receipt.next_item_id is None:
        lines.append(("案卷状态", receipt.case_status.label))
    else:
        stage = receipt.next_stage.label if receipt.next_stage else ""
        lines.append(
            ("下一步", f"事项 {receipt.next_item_id} · {stage} · {receipt.next_step_label}")
        )
        lines.append(("办理单位", receipt.next_party or ""))
        lines.append(("截止", str(receipt.next_due_on or "未定")))
    show(here.note, Text("✓ 已办理", style="green"), pairs(lines))
