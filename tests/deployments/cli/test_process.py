"""The executable itself: exit status, what goes where, and that Prefect stays unloaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_PILOT = Path(sys.executable).with_name("pilot")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demonstration, loaded by the executable."""
    home = tmp_path_factory.mktemp("home")
    done = pilot(home, "demo")
    assert (done.returncode, done.stderr) == (0, "")
    return home


def pilot(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the executable as from a shell that has nothing else set."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PILOT_") and name != "COLUMNS"
    }
    return subprocess.run(
        [_PILOT, *arguments],
        env={**inherited, "PILOT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_list_says_that_it_is_a_demonstration_on_a_moved_day(home: Path) -> None:
    listed = pilot(home, "case", "list")

    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.startswith("◆ 演示数据 · 系统日期 2024-03-25\n")
    assert "共 8 个案卷" in listed.stdout
    # No case takes a second line, though a pipe has no width of its own.
    assert len(listed.stdout.splitlines()) == 1 + 3 + 8 + 2


def test_json_is_one_document_and_nothing_else(home: Path) -> None:
    listed = pilot(home, "item", "list", "--json")

    assert (listed.returncode, listed.stderr) == (0, "")
    document = json.loads(listed.stdout)
    assert (document["today"], document["trial_note"]) == (
        "2024-03-25",
        "演示数据 · 系统日期 2024-03-25",
    )
    assert len(document["items"]) == 8


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_refusal_is_on_standard_error_with_status_1(home: Path, more: tuple[str, ...]) -> None:
    refused = pilot(home, "case", "show", "HS-9-9999", *more)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "✗ 没有编号为 HS-9-9999 的案卷；可用 pilot case list 查看\n"


def test_wrong_usage_is_on_standard_error_with_status_2(home: Path) -> None:
    ended = pilot(home, "case", "nosuch")

    assert (ended.returncode, ended.stdout, ended.stderr) == (
        2,
        "",
        "✗ 没有命令“nosuch”；用法见 pilot case --help\n",
    )


def test_prefect_is_not_loaded(home: Path) -> None:
    script = (
        "import sys; from deployments.cli.application import run; "
        "assert run(['case', 'list', '--json']) == 0; assert run(['status', '--json']) == 0; "
        "assert run(['mail', 'preview', 'paid', '--format', 'eml']) == 0; "
        "print('prefect' in sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PILOT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert ran.stderr == "False\n"


def test_looking_at_nothing_makes_nothing(tmp_path: Path) -> None:
    looked = pilot(tmp_path / "none", "case", "list")

    assert (looked.returncode, looked.stdout) == (1, "")
    assert looked.stderr == "✗ 数据库中尚无试点方案；请先运行 pilot db upgrade 或 pilot up\n"
    assert not (tmp_path / "none").exists()


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    ended = subprocess.run(
        [_PILOT, "case", "list"],
        env={
            **os.environ,
            "PILOT_HOME": str(tmp_path),
            "PILOT_DATABASE_URL": "postgresql://someone:geheim@127.0.0.1:1/pilot",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "✗ 数据库无法访问；请运行 pilot doctor 查看原因\n"


def test_a_demonstration_is_loaded_once_and_never_over_other_data(
    home: Path, tmp_path: Path
) -> None:
    again = pilot(home, "demo")
    real = pilot(tmp_path, "db", "upgrade")
    over_real = pilot(tmp_path, "demo")

    assert (again.returncode, again.stdout) == (1, "")
    assert "已有演示数据" in again.stderr
    assert (real.returncode, real.stderr) == (0, "")
    assert (over_real.returncode, over_real.stdout) == (1, "")
    assert "已有正式数据" in over_real.stderr


def test_the_database_is_upgraded_once(tmp_path: Path) -> None:
    first = json.loads(pilot(tmp_path, "db", "upgrade", "--json").stdout)
    second = json.loads(pilot(tmp_path, "db", "upgrade", "--json").stdout)

    assert first == {
        "migrated": True,
        "programme_loaded": True,
        "programme": "huangshi-2024",
        "is_demonstration": False,
        "calendar_years": [2024, 2025, 2026],
    }
    assert second == {**first, "migrated": False, "programme_loaded": False}
    listed = json.loads(pilot(tmp_path, "case", "list", "--json").stdout)
    assert (listed["trial_note"], listed["cases"]) == (None, [])
