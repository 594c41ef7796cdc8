"""Which line of a policy file a figure stands on."""

import pytest

from models.policy.lines import line_of

TEXT = """\
# 注释
[subsidy]
rate = 0.4
[[batches]]
number = 1
target = 100
[[batches]]
number = 2
words = [
    "target = 3",
]
[steps.application.submit]
until = "application-end"
[[contradictions]]
key = "a"
[[contradictions.readings]]
key = "x"
[[contradictions.readings]]
key = "y"
starts_on = 2024-01-01
[[contradictions]]
key = "b"
[[contradictions.readings]]
key = "z"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("subsidy.rate", 3),
        ("subsidy.cap", 2),  # not there: its table
        ("batches[0].target", 6),
        ("batches[1].target", 7),
        ("batches（2）.words", 9),
        ("batches", 4),
        ("steps.application.submit.until", 13),
        ("contradictions[0].readings[1].starts_on", 20),
        ("contradictions（b）.readings[0].key", 24),
        ("contradictions（c）", 14),
        ("nothing.at.all", None),
        ("", None),
    ],
)
def test_a_key_is_found_or_else_the_table_it_should_stand_in(key: str, line: int | None) -> None:
    assert line_of(TEXT, key) == line


def test_a_file_that_is_no_toml_is_searched_all_the_same() -> None:
    assert line_of("[a]\nb = 1\nc = = 2\n", "a.b") == 2
