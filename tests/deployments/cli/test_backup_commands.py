"""`pilot db backup` and `pilot db restore`, as somebody types them."""

from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from deployments.supervisor import only_instance
from models.rules.stages import Stage
from tests.builders import World
from tests.deployments.cli.conftest import Pilot


@pytest.fixture
def backed_up(pilot: Pilot, world: World, tmp_path: Path) -> Path:
    """A backup of a case; the rest is the same on both databases."""
    if world.engine.dialect.name != "sqlite":
        pytest.skip("the same on both databases: tests/tasks/backups")
    world.started(Stage.APPLICATION, "county-review")
    made = pilot.json("db", "backup", "-o", tmp_path / "x.tar.gz")
    return Path(made["file"])


def test_a_backup_says_what_it_holds_and_how_long_it_took(
    pilot: Pilot, backed_up: Path, tmp_path: Path
) -> None:
    said = pilot("db", "backup").out
    told = pilot.json("db", "backup", "-o", tmp_path)

    assert "✓ 备份完成，已在临时库中还原并核验" in said
    assert "1 个案卷，0 个附件" in said
    assert "不含" in said
    assert "本机邮箱里拦截的邮件" in said
    assert told["office_files"] == {"policy": 0, "templates": 0}
    assert "还原校验" in said
    assert "请将它复制到另一台机器" in said
    assert told["manifest"]["database"] == "sqlite"
    assert told["audit_entries_verified"] == told["manifest"]["contents"]["audit"]["entries"] > 0
    assert set(told["milliseconds"]) == {"copy", "check", "write", "verify"}
    assert Path(told["file"]).parent == tmp_path


def test_what_exists_is_not_overwritten(pilot: Pilot, backed_up: Path) -> None:
    before = backed_up.read_bytes()

    refused = pilot.refused("db", "backup", "-o", backed_up)

    assert refused.startswith(f"{backed_up} 已存在，备份不覆盖任何文件")
    assert backed_up.read_bytes() == before


def test_restoring_asks_for_force_and_says_where_the_old_is(
    pilot: Pilot, world: World, backed_up: Path
) -> None:
    earlier = world.dump()
    world.walk("HS-2-0001", Stage.APPLICATION, "city-review")

    refused = pilot.refused("db", "restore", backed_up)
    told = pilot.json("db", "restore", backed_up, "--force")

    assert "--force" in refused
    assert world.dump() == earlier
    assert Path(told["safety"]).is_file()
    assert told["waiting_mails"] == len(earlier["outbox_mail"])
    assert "✓ 已恢复并核验" in pilot("db", "restore", told["safety"], "--force").out


def test_words_of_the_office_come_back_beside_its_present_ones(
    pilot: Pilot, backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "words" / "receipt" / "subject.txt"
    words.parent.mkdir(parents=True)
    words.write_text("回执\n")
    monkeypatch.setenv("PILOT_TEMPLATE_DIR", str(tmp_path / "words"))
    said = pilot("db", "backup", "-o", tmp_path / "with-words.tar.gz").out
    words.write_text("另一种说法\n")

    told = pilot.json("db", "restore", tmp_path / "with-words.tar.gz", "--force")
    plain = pilot("db", "restore", backed_up, "--force").out.replace("\n", "")

    assert "1 个案卷，0 个附件，1 个邮件模板" in said
    put = Path(told["office_files_differing"]["templates"])
    assert (put / "receipt" / "subject.txt").read_text() == "回执\n"
    assert words.read_text() == "另一种说法\n"
    assert "备份时没有自己的邮件模板" in plain


def test_restoring_is_refused_while_an_instance_or_a_worker_runs(
    pilot: Pilot, backed_up: Path
) -> None:
    with only_instance(pilot.home):
        assert "已有一个实例在" in pilot.refused("db", "restore", backed_up, "--force")
    lock = pilot.home / "worker" / "second" / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        flock(held, LOCK_EX)
        refused = pilot.refused("db", "restore", backed_up, "--force")
    assert refused == "工作进程“second”正在运行，未改变任何内容，请待其结束后重试"


def test_a_broken_file_changes_nothing(pilot: Pilot, backed_up: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(backed_up.read_bytes()[:-200])

    assert "已截断、损坏" in pilot.refused("db", "restore", broken, "--force")
    assert "没有这个文件" in pilot.refused("db", "restore", tmp_path / "none", "--force")
    assert list(pilot.home.glob("backups/*")) == []
