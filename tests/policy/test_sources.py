"""Every figure has a source; another city is another folder; a bad figure is named."""

import shutil
import tomllib
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

import models.policy
from models.policy import load_programme
from models.policy.sources import PolicyError, content_hash
from models.rules.stages import Stage

POLICY = Path(models.policy.__file__).parent
HUANGSHI = POLICY / "huangshi-2024"
TOML_FILES = sorted(POLICY.rglob("*.toml"))

#: The only tables that rest on the one around them: the points of a question's options.
INHERITING = {"options"}


def tables(value, path=""):
    """Every table within `value` with its path."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from tables(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from tables(inner, path)


def has_figure(table):
    """Whether a number, a date or a time of day stands in `table` itself, alone or in a list."""
    flat = [
        each for value in table.values() for each in (value if type(value) is list else [value])
    ]
    return any(
        isinstance(each, int | Decimal | date | time) and type(each) is not bool for each in flat
    )


@pytest.fixture
def city(tmp_path):
    """A copy of the Huangshi programme under another name, to be changed."""
    folder = tmp_path / "ezhou-2026"
    shutil.copytree(HUANGSHI, folder)
    change(folder, "programme.toml", 'key = "huangshi-2024"', 'key = "ezhou-2026"')
    return folder


def change(folder, name, old, new):
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{name} no longer says {old}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(folder):
    with pytest.raises(PolicyError) as refused:
        load_programme(folder.name, folder.parent)
    return str(refused.value)


def test_all_the_files_of_the_programme_are_looked_at():
    assert {file.name for file in TOML_FILES} == {
        "2022.toml",
        "2024.toml",
        "contradictions.toml",
        "enterprises.toml",
        "forecast.toml",
        "mail.toml",
        "measures.toml",
        "milestones.toml",
        "money.toml",
        "programme.toml",
        "reminders.toml",
        "reports.toml",
        "steps.toml",
    }


@pytest.mark.parametrize("file", TOML_FILES, ids=lambda file: file.name)
def test_every_table_with_a_number_or_a_date_has_its_own_source_and_verified(file):
    parsed = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    with_figures = [
        (path, table)
        for path, table in tables(parsed)
        if has_figure(table) and path.rpartition(".")[2] not in INHERITING
    ]

    # How reports are headed has words only.
    assert with_figures or file.name == "reports.toml"
    assert [
        path
        for path, table in with_figures
        if not table.get("source") or not isinstance(table.get("verified"), bool)
    ] == []


@pytest.mark.parametrize("file", TOML_FILES, ids=lambda file: file.name)
def test_only_what_names_the_document_as_its_source_is_verified(file):
    parsed = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    documents = ("黄政办函〔2024〕12号", "工信厅企业〔2024〕56号", "通知正文转载", "S0", "N")

    claimed = [table["source"] for _, table in tables(parsed) if table.get("verified") is True]
    assert [source for source in claimed if not source.startswith(documents)] == []


def test_another_city_is_another_folder_with_its_own_figures(city):
    change(city, "money.toml", "rate = 0.4", "rate = 0.25")
    change(city, "money.toml", "cap = 200_000", "cap = 150_000.50")
    change(city, "steps.toml", "working_days = 5", "working_days = 7")
    change(city, "contradictions.toml", 'in_force = "body"', 'in_force = "annex"')

    other = load_programme("ezhou-2026", city.parent)

    assert (other.subsidy.rate, other.subsidy.cap) == (Decimal("0.25"), Decimal("150000.5"))
    assert other.working_days(Stage.APPLICATION, "county-review") == 7
    assert other.batch(1).transformation_starts_on == date(2024, 3, 1)
    assert other.version != load_programme().version
    assert load_programme().subsidy.rate == Decimal("0.4")


def test_the_environment_may_name_a_folder_of_further_programmes(city, monkeypatch):
    monkeypatch.setenv("PILOT_POLICY_DIR", str(city.parent))

    assert load_programme("ezhou-2026").key == "ezhou-2026"
    assert load_programme().key == "huangshi-2024"


def test_a_policy_folder_that_is_not_there_is_refused_rather_than_passed_over(
    tmp_path, monkeypatch
):
    missing = tmp_path / "gone"
    monkeypatch.setenv("PILOT_POLICY_DIR", str(missing))

    with pytest.raises(PolicyError) as refused:
        load_programme()
    assert str(refused.value) == f"政策文件 {missing}：PILOT_POLICY_DIR 所指的文件夹不存在"


@pytest.mark.parametrize("key", ["wuhan-2024", "../policy/huangshi-2024", "rubrics", ""])
def test_a_programme_that_is_not_there_is_refused(key):
    with pytest.raises(PolicyError) as refused:
        load_programme(key)
    assert str(refused.value) == f"政策文件 {key}/programme.toml：没有这个试点方案"


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "problem"),
    [
        ("money.toml", "rate = 0.4", "", "subsidy.rate", "缺少此项"),
        ("money.toml", "rate = 0.4", "rate = 1.4", "subsidy.rate", "不合要求（不能大于 1）"),
        ("money.toml", "rate = 0.4", "rate = nan", "subsidy.rate", "不合要求"),
        ("money.toml", "cap = 200_000", "cap = 0.001", "subsidy.cap", "不合要求"),
        ("money.toml", "cap = 200_000", "cap = -1", "subsidy.cap", "不合要求（必须大于 0）"),
        ("money.toml", "cap = 200_000", "cap = 1\nlimit = 2", "subsidy.limit", "没有这一项"),
        ("money.toml", "verified = true", 'verified = "yes"', "subsidy.verified", "不合要求"),
        ("money.toml", "source = ", "# source = ", "subsidy.source", "缺少此项"),
        (
            "steps.toml",
            "working_days = 5",
            "working_days = 0",
            "steps.application.county-review.working_days",
            "不合要求",
        ),
        (
            "steps.toml",
            "working_days = 5",
            'working_days = 5\nuntil = "batch-end"',
            "steps.application.county-review",
            "不合要求（working_days 与 until 须且只须写一个）",
        ),
        (
            "steps.toml",
            "[steps.application.submit]",
            "[steps.aplication.submit]",
            "steps.aplication.[key]",
            "不合要求（应为下列之一：申报、诊断、改造、验收、评级、补助）",
        ),
        ("milestones.toml", "ends_on = 2024-03-31", "ends_on = 2023-03-31", "milestones[0]", ""),
        ("milestones.toml", "batch = 1", "batch = 3", "milestones（2024-01）.batch", "没有第 3 批"),
        ("milestones.toml", '"2024-02"', '"2024-01"', "milestones", "有重复的 2024-01"),
        ("programme.toml", "target = 100 ", 'target = "百"', "batches[0].target", "不合要求"),
        (
            "programme.toml",
            'transformation = "batch-1-transformation"',
            'transformation = "midterm"',
            "batches（1）.transformation",
            "没有 midterm 这一条读法",
        ),
        (
            "programme.toml",
            '"batch-1-transformation"',
            '"demonstration-before-acceptance"',
            "batches（1）.transformation",
            "demonstration-before-acceptance 现行读法没有起止日期",
        ),
        (
            "programme.toml",
            'key = "ezhou-2026"',
            'key = "ezhou"',
            "programme.key",
            "与文件夹名 ezhou-2026 不一致",
        ),
        ("measures.toml", 'key = "2024-02"', 'key = "2024-99"', "progress（2024-99）", "没有这个"),
        ("measures.toml", 'key = "events-held"', 'key = "evidence"', "measures", "有重复的"),
        (
            "measures.toml",
            'measure = "events-held"',
            'measure = "x"',
            "progress[5].measure",
            "不合要求（应为下列之一：入选",
        ),
        (
            "measures.toml",
            'evidence = "政府采购结果或服务合同"\n',
            "",
            "progress（2024-04）",
            "目标数、out_of、evidence 至少须有一项",
        ),
        (
            "measures.toml",
            'evidence_window = "midterm-evaluation"',
            'evidence_window = "x"',
            "progress（2024-08）.evidence_window",
            "没有 x",
        ),
        ("contradictions.toml", 'in_force = "body"', 'in_force = "b"', "contradictions[0]", ""),
        (
            "programme.toml",
            "# [bodies.contact]\n",
            '[bodies.contact]\nemail = "办公室"\nsource = "通讯录"\nverified = false\n',
            "bodies[1].contact.email",
            "不合要求（邮件地址 '办公室' 不正确",
        ),
    ],
)  # fmt: skip
def test_a_bad_figure_is_named_by_file_and_key(city, name, old, new, where, problem):
    change(city, name, old, new)

    assert refusal(city).startswith(f"政策文件 {name} 的 {where}：{problem}")


def test_a_file_that_is_missing_or_broken_is_named(city):
    change(city, "money.toml", "[subsidy]", "[subsidy")
    assert refusal(city).startswith("政策文件 money.toml：不是有效的 TOML（")

    (city / "money.toml").unlink()
    assert refusal(city) == "政策文件 money.toml：文件不存在"


def test_an_unconfirmed_subsidy_says_so_wherever_its_source_is_printed(city):
    change(city, "money.toml", "verified = true", "verified = false")

    other = load_programme("ezhou-2026", city.parent)

    assert other.subsidy.source == "黄政办函〔2024〕12号 三（一）4（待核）"
    [subsidy] = [each for each in other.unverified if each.place == "money.toml subsidy"]
    assert subsidy.source == "黄政办函〔2024〕12号 三（一）4"


def test_how_to_reach_an_office_is_left_out_until_it_is_entered_and_marked_until_confirmed(city):
    contact = '[bodies.contact]\nphone = "0000-1"\nsource = "通讯录"\nverified = false\n'
    change(city, "programme.toml", "# [bodies.contact]\n", f"{contact}\n")

    other = load_programme("ezhou-2026", city.parent)

    assert [body.contact for body in load_programme().bodies if body.contact] == []
    [office] = [body for body in other.bodies if body.contact]
    assert (office.key, office.contact.phone, office.contact.email) == (
        "city-bureau",
        "0000-1",
        None,
    )
    [contact] = [each for each in other.unverified if each.source == "通讯录"]
    assert (contact.subject, contact.place) == (
        "联系方式：市经信局",
        "programme.toml bodies[1].contact",
    )


def test_the_version_follows_the_contents_and_not_the_line_ends(tmp_path):
    unix, windows, other = tmp_path / "u", tmp_path / "w", tmp_path / "o"
    for folder, text in [
        (unix, b"a = 1\nb = 2\n"),
        (windows, b"a = 1\r\nb = 2\r\n"),
        (other, b"a=1"),
    ]:
        folder.mkdir()
        (folder / "figures.toml").write_bytes(text)

    def version(folder):
        return content_hash(folder.glob("*.toml"))

    assert version(unix) == version(windows)
    assert version(unix) != version(other)
    assert len(load_programme().version) == 64
