"""Credit codes against published ones and against every single slip of the pen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.credit_code import ALPHABET, CreditCodeError, check_digit, require_credit_code

#: Codes of well-known companies, as they publish them.
PUBLISHED = ["91110000802100433B", "914403001922038216", "9144030071526726XG"]

FIRST_17 = st.text(alphabet=ALPHABET, min_size=17, max_size=17)


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_are_accepted(code):
    assert require_credit_code(code) == code


@pytest.mark.parametrize(
    "written",
    [
        "91110000802100433b",
        " 9111 0000 8021 0043 3B\n",
        "９１１１００００８０２１００４３３Ｂ",
        "91110000802100433B\u3000",
    ],
)
def test_case_spaces_and_width_do_not_matter(written):
    assert require_credit_code(written) == "91110000802100433B"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "统一社会信用代码“”有误：应为 18 位，实有 0 位"),
        (
            "91110000802100433",
            "统一社会信用代码“91110000802100433”有误：应为 18 位，实有 17 位",
        ),
        (
            "9111000080210O43IB",
            "统一社会信用代码“9111000080210O43IB”有误：含有不允许的字符“O、I”"
            "（只用数字和大写字母，不用 I、O、S、V、Z）",
        ),
        (
            "91110000802100433C",
            "统一社会信用代码“91110000802100433C”有误：校验码不符，请对照营业执照逐位核对",
        ),
    ],
)
def test_a_wrong_code_is_refused_with_its_problem(written, message):
    with pytest.raises(CreditCodeError) as refused:
        require_credit_code(written)

    assert str(refused.value) == message


@given(first17=FIRST_17, place=st.integers(0, 17), other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(first17, place, other):
    code = first17 + check_digit(first17)
    wrong = code[:place] + other + code[place + 1 :]

    assert require_credit_code(code) == code
    if wrong != code:
        with pytest.raises(CreditCodeError):
            require_credit_code(wrong)


@given(first17=FIRST_17, place=st.integers(0, 16))
def test_two_neighbours_swapped_are_always_found(first17, place):
    code = first17 + check_digit(first17)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]

    if swapped != code:
        with pytest.raises(CreditCodeError):
            require_credit_code(swapped)


@pytest.mark.parametrize("beginning", ["9111000080210043", "9111000080210043s"])
def test_a_check_digit_needs_seventeen_characters_of_the_alphabet(beginning):
    with pytest.raises(ValueError, match="beginning"):
        check_digit(beginning)
