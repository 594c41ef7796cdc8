"""Policy and mail templates of an office are in a backup, and never restored over others."""

import shutil
from pathlib import Path

import pytest

from models.policy import folder_of, load_programme, load_proposed
from tasks.backups.archive import unpack
from tasks.backups.manifest import Manifest
from tasks.backups.office_files import KINDS, members_of, put_beside
from tasks.backups.refusals import DatabaseInUseError, FaultsError
from tasks.backups.sqlite import SqliteDatabase
from tests.tasks.backups.conftest import Place, only_on_sqlite

KEY = "huangshi-2024"
_POLICY, _TEMPLATES = KINDS


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office's own figures, one of them changed, and a note that no program reads."""
    folder = tmp_path / "policy"
    shutil.copytree(folder_of(KEY), folder / KEY)
    mail = folder / KEY / "mail.toml"
    mail.write_text(mail.read_text().replace("08:00", "09:00"))
    (folder / KEY / "备注.md").write_text("为什么改")
    (folder / "other").mkdir()
    (folder / "other" / "x.toml").write_text("x = 1")
    monkeypatch.setenv(_POLICY.variable, str(folder))
    return folder


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office's own words for one mail."""
    folder = tmp_path / "words"
    (folder / "receipt").mkdir(parents=True)
    (folder / "receipt" / "subject.txt").write_text("回执\n")
    (folder / "receipt" / ".subject.txt.swp").write_text("x")
    monkeypatch.setenv(_TEMPLATES.variable, str(folder))
    return folder


def names(manifest: Manifest) -> list[set[str]]:
    return [set(members_of(manifest, kind)) for kind in KINDS]


def test_a_backup_holds_what_gives_the_same_answers_again(
    here: Place, there: Place, policy: Path, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = load_programme().version
    made = here.backup()
    assert names(made.manifest) == [
        {f"policy/{KEY}/{file.name}" for file in (policy / KEY).glob("*.toml")},
        {"templates/receipt/subject.txt"},
    ]
    assert made.manifest.documents == 2

    for kind in KINDS:  # another machine, on which nobody has set anything
        monkeypatch.delenv(kind.variable)
    restored = there.restore(made.file)

    put = {each.kind: each.folder for each in restored.differing}
    assert list(put) == [_POLICY, _TEMPLATES]
    own, words = put[_POLICY], put[_TEMPLATES]
    assert own is not None
    assert words is not None
    assert own.parent == words.parent == there.home / "restored-20260302T093000"
    assert load_proposed(own, KEY)[0].version == version != load_programme().version
    assert (words / "receipt" / "subject.txt").read_text() == "回执\n"
    assert f"请设 PILOT_POLICY_DIR={own}" in str(restored.differing[0])


def test_what_an_office_has_now_is_never_touched(
    here: Place, policy: Path, templates: Path
) -> None:
    only_on_sqlite(here)
    made = here.backup()
    (templates / "receipt" / "subject.txt").write_text("另一种说法\n")
    (templates / "paid").mkdir()
    (templates / "paid" / "subject.txt").write_text("已拨付\n")
    now = {path: path.read_bytes() for path in templates.rglob("*") if path.is_file()}

    restored = here.restore(made.file, force=True)

    assert {path: path.read_bytes() for path in templates.rglob("*") if path.is_file()} == now
    [words] = restored.differing  # the policy is the same: nothing to say of it
    assert words.kind is _TEMPLATES
    assert words.folder is not None
    assert (words.folder / "receipt" / "subject.txt").read_text() == "回执\n"
    assert "现用的未动" in str(words)
    assert restored.safety is not None
    assert names(restored.safety.manifest)[1] == {
        "templates/receipt/subject.txt",
        "templates/paid/subject.txt",
    }


def test_a_backup_without_files_of_an_office_says_that_there_are_some_now(
    here: Place, request: pytest.FixtureRequest
) -> None:
    only_on_sqlite(here)
    made = here.backup()
    request.getfixturevalue("templates")

    [words] = here.restore(made.file, force=True).differing

    assert words.folder is None
    assert str(words).endswith("请不设 PILOT_TEMPLATE_DIR")
    assert not list(here.home.glob("restored-*"))


def test_of_a_backup_of_the_first_format_nothing_is_said(here: Place, templates: Path) -> None:
    only_on_sqlite(here)
    made = here.backup()
    old = made.manifest.model_copy(update={"format": 1})

    with put_beside(old, here.home, here.home / "beside") as differing:
        assert differing == []
    with put_beside(made.manifest, here.home, here.home / "beside") as differing:
        assert differing == []  # the same as now
    (templates / "receipt" / "subject.txt").unlink()
    with put_beside(old, here.home, here.home / "beside") as differing:
        assert differing == []


def test_where_the_database_refuses_nothing_is_left_beside(
    here: Place, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_on_sqlite(here)
    made = here.backup()
    monkeypatch.delenv(_TEMPLATES.variable)

    def in_use(*_: object) -> None:
        raise DatabaseInUseError

    monkeypatch.setattr(SqliteDatabase, "replace", in_use)
    with pytest.raises(DatabaseInUseError):
        here.restore(made.file, force=True)

    assert not list(here.home.glob("restored-*/*"))
    assert (templates / "receipt" / "subject.txt").exists()


def test_what_nobody_writes_by_hand_is_named_and_left_out(here: Place, templates: Path) -> None:
    only_on_sqlite(here)
    (templates / "receipt" / "body.txt").write_bytes(b"x" * (1024 * 1024 + 1))

    with pytest.raises(FaultsError, match=r"body\.txt 过大"):
        here.backup()
    made = here.backup(despite_faults=True)

    assert names(made.manifest)[1] == {"templates/receipt/subject.txt"}
    assert unpack(made.file, lambda name: None) == made.manifest
