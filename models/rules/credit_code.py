"""The unified social credit code of an organisation (统一社会信用代码, GB 32100-2015)."""

import unicodedata
from typing import Final

from models.rules.errors import PilotError

#: The standard leaves out I, O, S, V and Z, which are taken for 1, 0, 5, U and 2.
ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH: Final = 18

_MODULUS: Final = len(ALPHABET)
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS: Final = tuple(pow(3, place, _MODULUS) for place in range(LENGTH - 1))


class CreditCodeError(PilotError):
    """The text is no unified social credit code."""

    def __init__(self, code: str, problem: str) -> None:
        """Quote the code as it was understood and say what is wrong with it."""
        self.code = code
        super().__init__(f"统一社会信用代码“{code}”有误：{problem}")


def check_digit(first17: str) -> str:
    """Return the eighteenth character that belongs to the first seventeen.

    They must be capital letters and digits of `ALPHABET`; anything else is a `ValueError`.
    """
    if len(first17) != LENGTH - 1 or not _VALUES.keys() >= set(first17):
        raise ValueError(f"{first17!r} is not the beginning of a credit code")
    weighted = sum(_VALUES[c] * weight for c, weight in zip(first17, _WEIGHTS, strict=True))
    return ALPHABET[-weighted % _MODULUS]


def require_credit_code(text: str) -> str:
    """Return `text` as a credit code: half width, capitals, no space.

    Raises `CreditCodeError` that names the problem: length, character or check digit. It does not
    give away the check digit that would fit, since the wrong character is usually another one.
    """
    code = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if len(code) != LENGTH:
        raise CreditCodeError(code, f"应为 {LENGTH} 位，实有 {len(code)} 位")
    strange = [character for character in code if character not in _VALUES]
    if strange:
        raise CreditCodeError(
            code,
            f"含有不允许的字符“{'、'.join(dict.fromkeys(strange))}”"
            "（只用数字和大写字母，不用 I、O、S、V、Z）",
        )
    if check_digit(code[:-1]) != code[-1]:
        raise CreditCodeError(code, "校验码不符，请对照营业执照逐位核对")
    return code
