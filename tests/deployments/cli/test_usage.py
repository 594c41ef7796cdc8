"""What is said to a slip of the pen, and what the commands say of themselves."""

import pytest

from deployments.cli.application import run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "没有命令“nosuch”；用法见 pilot --help"),
        (["case", "show"], "缺少参数 案卷号；用法见 pilot case show --help"),
        (["case", "withdraw", "HS-1-0001"], "缺少选项 --reason；用法见 pilot case withdraw --help"),
        (["case", "list", "--nope"], "没有选项 --nope；用法见 pilot case list --help"),
        (["case", "list", "a", "b"], "多余的内容：a b；用法见 pilot case list --help"),
        (["case", "list", "--batch", "x"], "--batch 应为整数；用法见 pilot case list --help"),
        (["answer", "1", "--set"], "选项 --set 后面要有内容"),
        (
            ["milestone", "set", "2024-04", "--evidence", "x.pdf", "--done-on", "2024-13-05"],
            "--done-on 不对：“2024-13-05”应为日期，例如 2024-06-18；"
            "用法见 pilot milestone set --help",
        ),
        (
            ["event", "add", "--kind", "培训", "--name", "a", "--place", "b", "--starts", "x"],
            "--starts 不对：“x”应为日期和时间，例如 2024-06-18 09:00；"
            "用法见 pilot event add --help",
        ),
        (
            ["mail", "forecast", "--days", "400"],
            "--days 不能大于 250；用法见 pilot mail forecast --help",
        ),
        (["item", "show", "x"], "事项 应为整数；用法见 pilot item show --help"),
        (
            [
                *[
                    "party",
                    "add",
                    "--role",
                    "服务商",
                    "--name",
                    "a",
                    "--contact",
                    "b",
                    "--email",
                    "c",
                    "--capacity",
                    "0",
                ]
            ],
            "--capacity 不能小于 1；用法见 pilot party add --help",
        ),
        (
            ["mail", "list", "--state", "x"],
            "--state 不对：“x”，应为下列之一：待发送（queued）、发送中（sending）、"
            "已送达服务器（sent）、发送失败（failed）、已取消（cancelled）；"
            "用法见 pilot mail list --help",
        ),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_wrong_usage_is_told_in_chinese(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    status = run(arguments)

    told = capsys.readouterr()
    assert (status, told.out, told.err) == (2, "", f"✗ {said}\n")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "case",
        "case list",
        "case open",
        "item",
        "answer",
        "party add",
        "db upgrade",
        "event add",
    ],
)
def test_every_command_explains_itself_in_chinese(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    status = run([*command.split(), "--help"])

    told = capsys.readouterr()
    assert (status, told.err) == (0, "")
    assert "显示帮助" in told.out
    assert "Show this message" not in told.out


@pytest.mark.parametrize(
    "group", ["case", "item", "mail", "milestone", "event", "party", "audit", "db"]
)
def test_a_group_alone_lists_its_commands(capsys: pytest.CaptureFixture[str], group: str) -> None:
    assert run([group]) == 2

    assert "命令" in capsys.readouterr().out
