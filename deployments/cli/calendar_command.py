"""`pilot calendar`: a year of holidays that the library does not know, from a checked file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from deployments.cli.case_commands import deed_of, person_of
from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import present
from deployments.cli.output import print_json, show
from models.operations.calendar_years import add_year
from models.operations.parties import party_for_role
from models.rules.holiday_year import (
    HolidayFileError,
    HolidayYear,
    read_holiday_csv,
    read_holiday_toml,
)
from models.rules.stages import Role
from models.rules.system_errors import system_reason
from tasks.database import transaction

app = new_app("工作日历：录入国务院公布的节假日安排")


@app.callback()
def _group() -> None:
    """Keep `add` a command of its own: an application of one command would be that command."""


@app.command("add", cls=Command)
def add(
    file: Annotated[
        Path, typer.Argument(metavar="文件", help="TOML 或 CSV，见说明", show_default=False)
    ],
    source: Annotated[
        str, typer.Option(metavar="依据", help="CSV 文件的依据，例如通知的文号；TOML 写在文件里")
    ] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="姓名", help="市经信局经办人，默认其第一联系人")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """录入系统尚不知道的一年：哪些天放假，哪些周末调休上班。核对后全部录入或全部不录入。"""
    year = _read(file, source)
    here = present()
    with transaction() as session:
        bureau = party_for_role(session, Role.CITY_BUREAU)
        action = f"录入 {year.year} 年节假日安排（{year.source}）"
        deed = deed_of(here, bureau, person_of(session, bureau, by), action, "五（一）")
        is_new = add_year(session, year, deed, at=here.moment.at)
    worked = sum(is_worked for _, is_worked in year.days())
    if as_json:
        document = {"year": year.year, "is_repeat": not is_new, "working_days": worked}
        print_json({**here.heading(), **document})
        return
    again = "" if is_new else "（此前已录入，本次未改变任何内容）"
    off, made_up = len(year.days_off), len(year.make_up_days)
    words = f"✓ 已录入 {year.year} 年：放假 {off} 天，调休上班 {made_up} 天，"
    show(here.note, Text(f"{words}全年 {worked} 个工作日{again}", style="green"))


def _read(file: Path, source: str) -> HolidayYear:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise HolidayFileError(f"读不到文件 {file}（{system_reason(error)}）") from error
    try:
        text = _text(content)
    except UnicodeDecodeError as error:
        raise HolidayFileError("不是文本文件，请用 TOML 或 CSV") from error
    if file.suffix.lower() == ".csv":
        return read_holiday_csv(text.splitlines(), source)
    return read_holiday_toml(text)


def _text(content: bytes) -> str:
    """Return the text of the file: what Excel saves as CSV is GBK on a Chinese Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")
