"""What a person types: taken as it is meant, or refused in his own words."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from models.forms.base import FormError, StepForm
from models.forms.fields import Day, Line, OptionalPercent, PaperNo, PositiveYuan, Text, YuanField
from tests.lifecycle.moves import ALL

_FORMS = sorted({step.form for _, step in ALL}, key=lambda form: form.__name__)


class _Fields(BaseModel):
    yuan: YuanField = Decimal(0)
    positive: PositiveYuan = Decimal(1)
    percent: OptionalPercent = None
    day: Day = date(2024, 1, 1)
    paper: PaperNo = "-"
    line: Line = "-"
    text: Text = "-"


@pytest.mark.parametrize(
    ("typed", "yuan"),
    [
        ("120000", "120000.00"),
        ("120,000.50", "120000.50"),
        ("１２０，０００", "120000.00"),
        (" 0.1 ", "0.10"),
        (0.1, "0.10"),
        (7, "7.00"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_money_is_read_to_the_fen(typed: object, yuan: str) -> None:
    read = _Fields(yuan=typed).yuan  # type: ignore[arg-type]

    assert (read, str(read)) == (Decimal(yuan), yuan)


@pytest.mark.parametrize(
    "typed",
    ["", "-0.01", "0.001", "10000000000", "1e400", "nan", "inf", "十万", None, [], True, 0.1 + 0.2],
)
def test_what_is_no_sum_of_money_is_refused(typed: object) -> None:
    with pytest.raises(ValueError, match=r"金额|数字"):
        _Fields(yuan=typed)  # type: ignore[arg-type]


def test_nothing_is_no_positive_sum() -> None:
    with pytest.raises(ValueError, match="必须大于 0"):
        _Fields(positive="0.00")  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["40", "40%", "40％", 40, "40.00"])
def test_a_rate_is_read_in_per_cent(typed: object) -> None:
    assert _Fields(percent=typed).percent == 40  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["101", "-1", "33.333", "四成"])
def test_what_is_no_rate_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"比例|数字"):
        _Fields(percent=typed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed", ["2024-3-5", "2024/03/05", "2024年3月5日", " 2024-03-05 ", date(2024, 3, 5)]
)
def test_a_day_is_read_however_it_is_written(typed: object) -> None:
    assert _Fields(day=typed).day == date(2024, 3, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    ["", "2024-02-30", "24.3.5", "昨天", None, 0, 20240305, 1.5, datetime(2024, 3, 5)],  # noqa: DTZ001
)
def test_what_is_no_day_is_refused(typed: object) -> None:
    """A number above all: it would be taken for seconds since 1970."""
    with pytest.raises(ValueError, match="应为日期，例如 2024-03-25"):
        _Fields(day=typed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed", ["FP-001", " fp-001", "ＦＰ－００１", "FP – 001", "FP-001\u200b", "F P-0 01"]
)
def test_a_papers_number_is_the_same_however_it_is_typed(typed: str) -> None:
    assert _Fields(paper=typed).paper == "FP-001"


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "长" * 201, 7])
def test_what_is_no_papers_number_is_refused(typed: object) -> None:
    with pytest.raises(ValueError, match="paper"):
        _Fields(paper=typed)  # type: ignore[arg-type]


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\ud800", "\x7f"])
def test_control_characters_are_refused(letter: str) -> None:
    with pytest.raises(ValueError, match=r"控制字符|unicode"):
        _Fields(line=f"甲{letter}乙")
    with pytest.raises(ValueError, match=r"控制字符|unicode"):
        _Fields(text=f"甲{letter}乙")


def test_a_text_has_lines_and_a_line_has_not() -> None:
    assert _Fields(text=" 一\n二\t三 ").text == "一\n二\t三"
    with pytest.raises(ValueError, match="应为一行文字"):
        _Fields(line="一\n二")


_JUNK: list[object] = [
    *(None, "", " ", "x" * 5000, "\x00", "\ud800", "否", "2024-13-01", "NaN", "1e999", "[]"),
    *(-1, 0, 1.5, float("nan"), float("inf"), 10**30, True, [], {}, [None], [{}], {"a": 1}),
    *(b"bytes", datetime(2024, 1, 1), ["x"] * 300),  # noqa: DTZ001
]
#: The only Latin words that a refusal may hold: names that people type or read as they are.
_LATIN = re.compile(r"[A-Za-z]{3,}")
_ALLOWED = {"true", "false"}


def _english(refusal: FormError, form: type[StepForm]) -> list[str]:
    return [
        word
        for word in _LATIN.findall(str(refusal))
        if word not in _ALLOWED and word not in form.model_fields
    ]


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
def test_whatever_is_typed_into_a_form_it_is_taken_or_refused_in_chinese(
    form: type[StepForm],
) -> None:
    english = []
    for outcome in [*form.outcomes(), *_JUNK]:
        for name in form.model_fields:
            for junk in _JUNK:
                given: Mapping[str, object] = {"outcome": outcome, "handler": "甲", name: junk}
                try:
                    form.read(given)
                except FormError as refusal:
                    english += [(name, junk, word) for word in _english(refusal, form)]

    assert english == []


@settings(max_examples=60, deadline=None)
@given(
    given=st.dictionaries(
        st.sampled_from(sorted({name for form in _FORMS for name in form.model_fields})),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_form_stumbles_over_anything(given: dict[str, object]) -> None:
    for form in _FORMS:
        with suppress(FormError):
            form.read(given)


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
def test_an_empty_form_names_every_field_that_is_missing(form: type[StepForm]) -> None:
    with pytest.raises(FormError) as refused:
        form.read({})

    needed = [field.title for field in form.model_fields.values() if field.is_required()]
    assert list(refused.value.problems) == [f"{title}：必须填写" for title in needed]


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
def test_outcomes_are_given_by_value_or_by_label_and_written_as_values(
    form: type[StepForm],
) -> None:
    outcomes = form.outcomes()

    for choice in outcomes:
        assert outcomes.read(choice.value) is outcomes.read(choice.label) is choice
    labels = [choice.label for choice in outcomes]
    schema = form.model_json_schema()["properties"]["outcome"]
    assert schema.get("enum", schema.get("allOf", [{}])[0].get("enum")) == labels
