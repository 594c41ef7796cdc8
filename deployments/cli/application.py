"""The application: its commands, and what a refusal or a slip of the pen is answered with."""

import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from sqlalchemy.exc import DBAPIError
from typer import main as typer_main
from typer import rich_utils
from typer.exceptions import TyperException

from deployments.cli import (
    answering,
    audit_command,
    calendar_command,
    case_commands,
    contact_commands,
    database_commands,
    deadline_commands,
    drill_command,
    event_commands,
    import_command,
    item_commands,
    mail_commands,
    mail_forecast,
    mail_preview,
    milestone_commands,
    milestone_forecast,
    party_commands,
    policy_command,
    reach_commands,
    replay_command,
    report_commands,
    system_commands,
    worklist_commands,
)
from deployments.cli.commands import new_app
from models.rules.errors import PilotError

app = new_app("黄石市中小企业数字化转型城市试点 · 管理系统")

# The headings of Typer's help pages; it offers no other way to set them.
rich_utils.OPTIONS_PANEL_TITLE = "选项"
rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
rich_utils.COMMANDS_PANEL_TITLE = "命令"
rich_utils.REQUIRED_LONG_STRING = "[必填]"
rich_utils.DEFAULT_STRING = "[默认：{}]"

system_commands.register(app)
database_commands.register(app)
app.add_typer(case_commands.app, name="case")
app.add_typer(item_commands.app, name="item")
deadline_commands.register(item_commands.app)
answering.register(app)
mail_forecast.register(mail_commands.app)
mail_preview.register(mail_commands.app)
mail_commands.app.add_typer(reach_commands.suppressed_app, name="suppressed")
mail_commands.app.add_typer(reach_commands.calls_app, name="calls")
app.add_typer(worklist_commands.app, name="worklist")
app.add_typer(mail_commands.app, name="mail")
milestone_forecast.register(milestone_commands.app)
app.add_typer(milestone_commands.app, name="milestone")
app.add_typer(event_commands.app, name="event")
party_commands.app.add_typer(contact_commands.app, name="contact")
app.add_typer(party_commands.app, name="party")
import_command.register(app)
app.add_typer(calendar_command.app, name="calendar")
app.add_typer(policy_command.app, name="policy")
app.add_typer(report_commands.app, name="report")
app.add_typer(audit_command.app, name="audit")
app.add_typer(drill_command.app, name="drill")
replay_command.register(app)

#: Typer's own messages in the words of the person who typed.
_USAGE_WORDS = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"^No such command '(.*)'\..*", r"没有命令“\1”"),
        (r"^Missing command\.", "缺少命令"),
        (r"^No such option: (\S+)\s*(\(Possible options: (.*)\))?", r"没有选项 \1"),
        (r"^Missing argument '(.*?)'\.", r"缺少参数 \1"),
        (r"^Missing option '(.*?)'\.", r"缺少选项 \1"),
        (r"^Missing parameter: (.*)", r"缺少 \1"),
        (r"^Option '(.*)' requires an argument\.", r"选项 \1 后面要有内容"),
        (r"^Got unexpected extra argument\S* \((.*)\)", r"多余的内容：\1"),
        (r"^Invalid value for '?(.*?)'?: Input should be a valid integer.*", r"\1 应为整数"),
        (r"^Invalid value for '?(.*?)'?: Input should be greater.* (\S+)$", r"\1 不能小于 \2"),
        (r"^Invalid value for '?(.*?)'?: Input should be less.* (\S+)$", r"\1 不能大于 \2"),
        (
            r"^Invalid value for '?(.*?)'?: .*'(.*)' does not match the formats '%Y-%m-%d'\.",
            r"\1 不对：“\2”应为日期，例如 2024-06-18",
        ),
        (
            r"^Invalid value for '?(.*?)'?: .*'(.*)' does not match the formats '%Y-%m-%d %H:%M'.*",
            r"\1 不对：“\2”应为日期和时间，例如 2024-06-18 09:00",
        ),
        (r"^Invalid value for '?(.*?)'?: (.*)", r"\1 不对：\2"),
        (r"^Invalid value: (.*)", r"\1"),
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `pilot`: status 0 when done, 1 when refused (nothing changed), 2 for wrong usage."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; refusals and usage go to standard error."""
    command = typer_main.get_command(app)
    try:
        status = command.main(args=list(arguments), prog_name="pilot", standalone_mode=False)
    except PilotError as error:
        return _say(str(error), 1)
    except DBAPIError as error:
        return _say(_database_words(error), 1)
    except typer.Abort:
        return _say("已取消", 1)
    except TyperException as error:
        return _usage(error)
    return status if isinstance(status, int) else 0


def _say(words: str, status: int) -> int:
    sys.stderr.write(f"✗ {words}\n")
    return status


def _usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return 2
    message = str(error.format_message())
    for pattern, words in _USAGE_WORDS:
        if pattern.search(message):
            message = pattern.sub(words, message)
            break
    hint = f"；用法见 {context.command_path} --help" if context is not None else ""
    return _say(f"{message}{hint}", 2)


def _database_words(error: DBAPIError) -> str:
    """Say what is wrong with the database, without its address: it may hold a password."""
    said = str(error.orig)
    if re.search(r"no such (table|column)|(relation|column) .* does not exist", said):
        return "数据库尚未初始化或版本过旧；请先运行 pilot db upgrade"
    if "is locked" in said or "deadlock" in said:
        return "数据库正忙，本次未改变任何内容，请稍后重试"
    if "readonly" in said or "unable to open" in said:
        return "数据库文件无法写入；请检查 PILOT_HOME 所指目录的权限"
    return "数据库无法访问；请运行 pilot doctor 查看原因"
