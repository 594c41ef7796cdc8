"""`pilot mail preview`, and what becomes of an office's broken template at every start."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from deployments.cli.application import run
from notifications.contexts import CONTEXTS
from notifications.render import render
from notifications.samples import SAMPLES
from tests.deployments.cli.conftest import Ran

Preview = Callable[..., Ran]


@pytest.fixture
def preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Preview:
    """`pilot mail preview` where there is no database."""
    monkeypatch.setenv("PILOT_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("PILOT_DATABASE_URL", raising=False)

    def ask(*arguments: object) -> Ran:
        status = run(["mail", "preview", *map(str, arguments)])
        said = capsysbinary.readouterr()
        assert not (tmp_path / "none").exists()
        return Ran(status, said.out.decode(), said.err.decode())

    return ask


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template of the office with a variable that no mail has."""
    file = tmp_path / "own" / "paid" / "subject.txt"
    file.parent.mkdir(parents=True)
    file.write_text("补助\n{{ amont }}", encoding="utf-8")
    monkeypatch.setenv("PILOT_TEMPLATE_DIR", str(tmp_path / "own"))
    return file


def test_without_a_name_every_sample_of_every_mail_is_listed_in_a_line(preview: Preview) -> None:
    ran = preview()

    assert (ran.status, ran.err) == (0, "")
    lines = [line for line in ran.out.splitlines() if line.split()[:1] and "【" in line]
    assert len(lines) == len(SAMPLES)
    assert {line.split()[0] for line in lines} == CONTEXTS.keys()


def test_the_list_as_json(preview: Preview) -> None:
    listed = json.loads(preview("--json").out)

    assert listed["template_dir"] is None
    assert listed["mails"][0] == {
        "template": "item_opened",
        "sample": 1,
        "subject": "【请办理】示例精密机械有限公司：诊断·确认诊断，2024年4月1日截止",
        "says": "To who must act: what, by when, how; and why it came back, if it did.",
        "has_calendar": True,
    }


@pytest.mark.parametrize("mail", CONTEXTS)
def test_a_mail_is_shown_as_text_as_page_and_as_it_travels(preview: Preview, mail: str) -> None:
    rendered = render(next(sample for sample in SAMPLES if sample.template == mail))

    assert preview(mail).out == f"{rendered.subject}\n\n{rendered.text}"
    assert preview(mail, "--format", "html").out == rendered.html
    parsed = message_from_bytes(preview(mail, "--format", "eml").out.encode(), policy=default)
    assert parsed["Subject"] == rendered.subject
    document = json.loads(preview(mail, "--json").out)["mail"]
    assert (document["subject"], document["html"]) == (rendered.subject, rendered.html)


def test_a_mail_goes_into_a_file(preview: Preview, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_text("before", encoding="utf-8")

    ran = preview("item_opened", "--format", "eml", "-o", file)

    assert (ran.status, ran.out) == (0, f"已写入 {file}\n")
    parsed = message_from_bytes(file.read_bytes(), policy=default)
    [calendar] = parsed.iter_attachments()
    assert calendar.get_content_type() == "text/calendar"


def test_each_sample_can_be_seen(preview: Preview) -> None:
    assert preview("returned", "--sample", 4).out.startswith("【演示】【不予推荐】")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nosuch",), 2, "没有名为“nosuch”的邮件，应为下列之一：item_opened、"),
        (("paid", "--sample", "9"), 2, "paid 只有 1 个样例"),
        (("paid", "--sample", "0"), 2, "--sample"),
        (("paid", "--format", "pdf"), 2, "“pdf”，应为下列之一：文本（text）、"),
        (
            ("paid", "-o", "/proc/none/mail.txt"),
            1,
            "/proc/none/mail.txt（没有这个文件或目录）",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(
    preview: Preview, arguments: tuple[str, ...], status: int, said: str
) -> None:
    ran = preview(*arguments)

    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err


def test_a_broken_template_is_told_and_nothing_shown(preview: Preview, broken: Path) -> None:
    ran = preview("receipt")

    assert (ran.status, ran.out) == (1, "")
    assert f"{broken} 第 2 行：没有变量 amont" in ran.err


@pytest.mark.parametrize(
    "start",
    [("-m", "deployments.clock"), ("-c", "from deployments.cli import main; main(['up'])")],
    ids=["clock", "up"],
)
def test_nothing_starts_on_a_broken_template(
    start: tuple[str, str], broken: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    ended = subprocess.run(
        [sys.executable, *start],
        env={**os.environ, "PILOT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{broken} 第 2 行：没有变量 amont" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not home.exists()
