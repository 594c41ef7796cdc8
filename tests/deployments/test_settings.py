"""What the processes are told from outside."""

from pathlib import Path

import pytest

from deployments.prefect_environment import prefect_environment
from deployments.settings import SettingRefusedError, Settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PILOT_{name.upper()}", raising=False)


@pytest.mark.parametrize(
    ("variable", "given", "message"),
    [
        ("PILOT_PREFECT_PORT", "四千二", "应为1 到 65535 之间的端口号"),
        ("PILOT_PREFECT_PORT", "", "应为1 到 65535 之间的端口号"),
        ("PILOT_MAILBOX_PORT", "0", "应为1 到 65535 之间的端口号"),
        ("PILOT_SMTP_CATCH_PORT", "65536", "应为1 到 65535 之间的端口号"),
        ("PILOT_WORKER_LIMIT", "0", "应为1 到 64 之间的整数"),
        ("PILOT_WORKER_NAME", "a/b", "应为不含“/”和“%”的名字"),
    ],
)
def test_a_value_of_no_use_is_refused_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str, message: str
):
    monkeypatch.setenv(variable, given)

    with pytest.raises(SettingRefusedError) as refusal:
        Settings.read()

    assert str(refusal.value) == (
        f"环境变量 {variable} 的值“{given}”不可用：{message}，请改正后重试。"
    )


def test_a_home_is_the_same_from_wherever_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)

    assert Settings.read().home == tmp_path / "var"


def test_a_password_locks_the_server_and_opens_it_to_our_own_clients(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PILOT_UI_PASSWORD", "geheim")

    environment = prefect_environment(Settings.read())

    assert environment["PREFECT_SERVER_API_AUTH_STRING"] == "pilot:geheim"
    assert environment["PREFECT_API_AUTH_STRING"] == "pilot:geheim"
    assert "geheim" not in repr(Settings.read())


def test_without_a_password_there_is_no_login(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PILOT_UI_PASSWORD", "")

    assert [name for name in prefect_environment(Settings.read()) if "AUTH" in name] == []


def test_every_variable_for_prefect_is_one_that_prefect_knows():
    from prefect.settings import Settings as PrefectSettings
    from prefect.settings.legacy import _get_valid_setting_names

    known = _get_valid_setting_names(PrefectSettings)
    given = {name for name in prefect_environment(Settings.read()) if name.startswith("PREFECT_")}

    assert given - known == set()


def test_a_password_that_prefect_cannot_compare_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PILOT_UI_PASSWORD", "密码geheim")

    with pytest.raises(SettingRefusedError) as refused:
        Settings.read()

    assert str(refused.value) == (
        "环境变量 PILOT_UI_PASSWORD 的值“（不显示）”不可用："
        "应为只含英文字母、数字和符号的密码，请改正后重试。"
    )
