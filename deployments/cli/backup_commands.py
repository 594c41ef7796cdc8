"""`pilot db backup`, `pilot db restore`: a copy that is known to be good, and the way back."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from fcntl import LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.instance import database_exists
from deployments.cli.output import pairs, print_json, show
from deployments.settings import Settings
from deployments.supervisor import only_instance
from models.operations.programmes import NoProgrammeError
from models.rules.clock import SHANGHAI
from tasks.database import engine

# Alembic and PostgreSQL's client, which no other command needs.
if TYPE_CHECKING:
    from tasks.backups.making import Backup
    from tasks.backups.manifest import Manifest

_PARTS = {
    "copy": "复制数据库",
    "check": "核对附件",
    "write": "写入文件",
    "verify": "还原校验",
    "prepare": "还原校验",
    "safety": "备份现有内容",
    "replace": "替换",
}


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("backup", cls=Command)(backup)
    app.command("restore", cls=Command)(restore)


def backup(
    to: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="文件|目录", help="写到哪里，默认 PILOT_HOME 下的 backups"
        ),
    ] = None,
    despite_faults: Annotated[
        bool, typer.Option("--despite-faults", help="附件缺失、审计有误时仍然备份，并注明")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """备份数据库、附件、自己的政策文件和邮件模板为一个文件；不必停机。先在临时库中还原、核验，通过后才算完成。"""
    from tasks.backups.making import make_backup

    if not database_exists():
        raise NoProgrammeError
    made = make_backup(
        Settings.read().home, engine(), to, datetime.now(SHANGHAI), despite_faults=despite_faults
    )
    if as_json:
        print_json(_made(made))
        return
    show(
        "演示数据" if made.manifest.contents.is_demonstration else None,
        *_warnings(made.faults),
        Text("✓ 备份完成，已在临时库中还原并核验", style="green"),
        pairs(
            [
                ("文件", f"{made.file}（{made.size:,} 字节）"),
                *_contents(made.manifest, made.audit_entries),
                ("不含", "本机邮箱里拦截的邮件（仅供试用）、Prefect 的状态、环境变量和口令文件"),
                ("用时", _times(made.seconds)),
            ]
        ),
    )
    if to is None:
        show(None, Text("备份与数据在同一目录；请将它复制到另一台机器或存储介质。", style="yellow"))


def restore(
    file: Annotated[Path, typer.Argument(metavar="备份文件", show_default=False)],
    force: Annotated[
        bool, typer.Option("--force", help="替换现有内容；现有内容会先自动备份")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """用备份文件恢复数据库和附件；须先停止 pilot up。中途断电时，仍是原来的或已是恢复后的内容。"""
    from tasks.backups.restoring import restore_backup

    settings = Settings.read()
    settings.home.mkdir(parents=True, exist_ok=True)
    with _nothing_running(settings.home):
        done = restore_backup(file, settings.home, engine(), datetime.now(SHANGHAI), force=force)
    prefect_elsewhere = settings.prefect_database_url is not None
    if as_json:
        print_json(
            {
                "restored": str(file),
                **_told(done.manifest, done.audit_entries, done.faults, done.seconds),
                "is_upgraded": done.is_upgraded,
                "waiting_mails": done.waiting_mails,
                "safety": done.safety and str(done.safety.file),
                "old_database": done.old_database,
                "put_aside": [str(folder) for folder in done.put_aside],
                "office_files_differing": {
                    each.kind.key: each.folder and str(each.folder) for each in done.differing
                },
                "prefect_database_to_be_emptied": prefect_elsewhere,
            }
        )
        return
    lines = _contents(done.manifest, done.audit_entries)
    if done.is_upgraded:
        lines.append(("升级", "已升级到当前版本"))
    if done.safety is not None:
        lines.append(("原有内容", f"已备份为 {done.safety.file}"))
    if done.old_database is not None:
        lines.append(("原数据库", f"保留为 {done.old_database}，确认无误后可删除"))
    if done.put_aside:
        lines.append(("移开", "、".join(str(folder) for folder in done.put_aside)))
    lines += [(each.kind.label, str(each)) for each in done.differing]
    if done.waiting_mails:
        lines.append(
            ("待发邮件", f"{done.waiting_mails} 封，启动后发出；备份之后已发过的会再发一次")
        )
    if prefect_elsewhere:
        lines.append(
            ("Prefect", "其数据库不在备份中：启动前请清空 PILOT_PREFECT_DATABASE_URL 所指的库")
        )
    lines.append(("用时", _times(done.seconds)))
    show(
        "演示数据" if done.manifest.contents.is_demonstration else None,
        *_warnings(done.faults),
        Text("✓ 已恢复并核验；运行 pilot up 启动", style="green"),
        pairs(lines),
    )


@contextmanager
def _nothing_running(home: Path) -> Iterator[None]:
    """Keep instances off `home`, and refuse where one, or a worker of its own, is running."""
    from tasks.backups.refusals import BusyError

    with only_instance(home):
        for path in home.glob("worker/*/lock"):
            with path.open() as lock:
                try:
                    flock(lock, LOCK_SH | LOCK_NB)
                except BlockingIOError:
                    raise BusyError(f"工作进程“{path.parent.name}”正在运行") from None
        yield


def _made(made: "Backup") -> dict[str, Any]:
    return {
        "file": str(made.file),
        "bytes": made.size,
        **_told(made.manifest, made.audit_entries, made.faults, made.seconds),
    }


def _told(
    manifest: "Manifest", entries: int, faults: Iterable[str], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Return what both commands say in JSON."""
    from tasks.backups.office_files import KINDS, members_of

    said = manifest.model_dump(mode="json", exclude={"files"})
    return {
        "manifest": said,
        "documents": manifest.documents,
        "office_files": {kind.key: len(members_of(manifest, kind)) for kind in KINDS},
        "audit_entries_verified": entries,
        "faults": list(faults),
        # Milliseconds: JSON of ours has no fractions.
        "milliseconds": {part: round(1000 * length) for part, length in seconds.items()},
    }


def _contents(manifest: "Manifest", entries: int) -> list[tuple[str, str]]:
    from tasks.backups.office_files import KINDS, members_of

    contents = manifest.contents
    counts = [f"{contents.tables['case_file']} 个案卷", f"{manifest.documents} 个附件"]
    office = [
        f"{len(members)} 个{kind.label}"
        for kind in KINDS
        if (members := members_of(manifest, kind))
    ]
    return [
        ("方案", contents.programme_name or "（尚未装入）"),
        ("内容", "，".join([*counts, *office])),
        ("审计", f"核验 {entries} 条"),
        ("备份于", f"{manifest.created_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"),
    ]


def _warnings(faults: Iterable[str]) -> list[Text]:
    return [Text(f"! {fault}", style="bold red") for fault in faults]


def _times(seconds: Mapping[str, float]) -> str:
    whole = sum(seconds.values())
    parts = "，".join(f"{_PARTS[part]} {length:.2f}" for part, length in seconds.items())
    return f"{whole:.2f} 秒（{parts}）"
