"""Telephone numbers of China's mainland, written in one way only."""

import unicodedata
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

from models.rules.errors import PilotError

_REGION: Final = "CN"
_WITHOUT_AREA: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE})


class PhoneError(PilotError):
    """The text is no telephone number that could be dialled."""

    def __init__(self, given: str) -> None:
        """Quote the text."""
        super().__init__(
            f"电话“{given}”不是有效号码，应为 11 位手机号，或带区号的座机，例如 0714-6350000"
            "（分机写作 0714-6350000转8）"
        )


def checked_phone(given: str) -> str:
    """Return `given` as 13900000000 or 0714-6350000, with `转8` after it for an extension.

    Spaces, brackets, dashes, full width and a leading +86 make no difference. Raises `PhoneError`.
    """
    text = unicodedata.normalize("NFKC", given).strip().replace("转", " ext. ")
    try:
        number = phonenumbers.parse(text, _REGION)
    except phonenumbers.NumberParseException:
        raise PhoneError(given) from None
    if number.country_code != 86 or not phonenumbers.is_valid_number(number):
        raise PhoneError(given)
    digits = phonenumbers.national_significant_number(number)
    area = phonenumbers.length_of_geographical_area_code(number)
    if phonenumbers.number_type(number) not in _WITHOUT_AREA and area:
        digits = f"0{digits[:area]}-{digits[area:]}"
    return f"{digits}转{number.extension}" if number.extension else digits
