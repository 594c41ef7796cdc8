"""Lines of Chinese in the tables of the commands."""

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from deployments.cli.line_breaks import breaks
from deployments.cli.output import table


def lines(text: str, width: int) -> list[str]:
    """Return the text as it is broken."""
    places = [0, *breaks(text, width), len(text)]
    return [text[a:b].rstrip() for a, b in itertools.pairwise(places)]


@pytest.mark.parametrize(
    ("text", "width", "wanted"),
    [
        # Rich breaks this after "第一批 100", at the first space.
        ("遴选第一批 100 家以上试点企业。", 26, ["遴选第一批 100 家以上试点", "企业。"]),
        ("示例光谷线路板（企业）", 20, ["示例光谷线路板（企", "业）"]),
        ("截止前 1 个工作日（2024-04-02 截止）", 20, ["截止前 1 个工作日", "（2024-04-02 截止）"]),
        ("提升班，2024年6月20日 09:00", 20, ["提升班，2024年6月", "20日 09:00"]),
        ("补助 · 提出补助建议", 8, ["补助 ·", "提出补助", "建议"]),
        ("demonstration-enterprises", 10, ["demonstrat", "ion-enterp", "rises"]),
        ("", 5, [""]),
    ],
)
def test_where_a_line_is_broken(text: str, width: int, wanted: list[str]) -> None:
    assert lines(text, width) == wanted


@given(st.text(alphabet="黄石市，。（）“” ab1-", max_size=60), st.integers(8, 30))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    found = lines(text, width)

    assert all(cell_len(line) <= width for line in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


def test_a_table_keeps_colours_and_the_side_of_numbers() -> None:
    made = table("任务", ("件", {"justify": "right"}))
    made.add_row(Text("组织开展第一批试点企业申报，逾期 3 天", style="red"), "12")
    out = io.StringIO()

    Console(file=out, width=30, force_terminal=True, color_system="standard").print(made)

    shown = [line for line in out.getvalue().splitlines() if "\x1b[31m" in line]
    assert [line.count("\x1b[31m") for line in shown] == [1, 1]
    assert "12" in shown[0]
