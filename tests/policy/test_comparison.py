"""Which figures of two policies differ."""

import shutil
from pathlib import Path

import pytest

from models.policy import PolicyError, folder_of, load_proposed
from models.policy.comparison import changed_figures

KEY = "huangshi-2024"


@pytest.fixture
def proposed(tmp_path: Path) -> Path:
    """A copy of the policy in force, to be changed; its folder has another name."""
    folder = tmp_path / "改动稿"
    shutil.copytree(folder_of(KEY), folder)
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")


def test_a_copy_differs_in_nothing(proposed: Path) -> None:
    assert changed_figures(folder_of(KEY), proposed) == []
    assert load_proposed(proposed, KEY)[0].version == load_proposed(folder_of(KEY), KEY)[0].version


def test_figures_are_named_by_the_key_of_their_table_with_their_source(proposed: Path) -> None:
    change(proposed, "programme.toml", "target = 100 ", "target = 120 ")
    change(proposed, "money.toml", "rate = 0.4 ", "rate = 0.35 ")

    changes = changed_figures(folder_of(KEY), proposed)

    assert [(each.file, each.path, each.old, each.new) for each in changes] == [
        ("money.toml", "subsidy.rate", "0.4", "0.35"),
        ("programme.toml", "batches（1）.target", "100", "120"),
    ]
    assert (changes[0].source, changes[0].verified) == ("黄政办函〔2024〕12号 三（一）4", True)


def test_what_is_confirmed_added_or_gone_is_told_too(proposed: Path) -> None:
    change(
        proposed,
        "reminders.toml",
        '[[reminders]]\nkey = "before-10"',
        '[[reminders]]\nkey = "before-9"',
    )
    change(proposed, "forecast.toml", "verified = false", "verified = true")

    changes = {
        each.path: (each.old, each.new) for each in changed_figures(folder_of(KEY), proposed)
    }

    assert changes["forecast.verified"] == ("否", "是")
    assert changes["reminders（before-10）.working_days"] == ("-10", None)
    assert changes["reminders（before-9）.working_days"] == (None, "-10")


def test_a_folder_with_the_programmes_folder_in_it_is_taken_too(proposed: Path) -> None:
    (proposed.parent / "政策").mkdir()
    proposed.rename(proposed.parent / "政策" / KEY)

    programme, place = load_proposed(proposed.parent / "政策", KEY)

    assert (programme.key, place.name) == (KEY, KEY)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("money.toml", "rate = 0.4 ", "rate = 4 ", "政策文件 money.toml 的 subsidy.rate：不合要求"),
        ("money.toml", "[subsidy]", "[subsidy", "不是有效的 TOML"),
        ("milestones.toml", "batch = 1", "batch = 3", "没有第 3 批"),
        ("programme.toml", 'name = "第一批"\n', "", "batches[0].name：缺少此项"),
    ],
)
def test_a_broken_policy_is_refused_with_file_and_line(
    proposed: Path, name: str, old: str, new: str, said: str
) -> None:
    line = (proposed / name).read_text("utf-8").split(old)[0].count("\n") + 1
    change(proposed, name, old, new)

    with pytest.raises(PolicyError) as refused:
        load_proposed(proposed, KEY)

    assert said in str(refused.value)
    assert refused.value.file == name
    # A key that is missing is looked for in its table, one or two lines above.
    assert refused.value.line is not None
    assert line - 2 <= refused.value.line <= line
    assert f"（第 {refused.value.line} 行）" in str(refused.value)


def test_a_folder_without_a_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"其中没有试点方案 huangshi-2024 的政策文件"):
        load_proposed(tmp_path, KEY)
