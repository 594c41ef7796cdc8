"""Field types of the forms: what a person types, how it is checked, how a form shows it."""

import unicodedata
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

_LARGEST_YUAN = Decimal("9999999999.99")
#: Control characters and lone surrogates: PostgreSQL stores neither NUL nor the latter.
_UNPRINTABLE = frozenset({"Cc", "Cs"})
_LINE_BREAKS = str.maketrans("", "", "\n\r\t")


def _decimal(given: object) -> Decimal:
    """Return the number typed; thousands separators are welcome, floats are not exact enough."""
    text = str(given).replace(",", "").replace("，", "").strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise PydanticCustomError("number", "应为数字，例如 120000.00")
    return number


def _yuan(given: object) -> Decimal:
    amount = _decimal(given)
    if not Decimal(0) <= amount <= _LARGEST_YUAN:
        raise PydanticCustomError("yuan_range", "金额应在 0 至 9999999999.99 元之间")
    if amount != amount.quantize(Decimal("0.01")):
        raise PydanticCustomError("yuan_fen", "金额最多两位小数（精确到分）")
    return amount.quantize(Decimal("0.01"))


def _positive_yuan(given: object) -> Decimal:
    amount = _yuan(given)
    if amount == 0:
        raise PydanticCustomError("yuan_zero", "必须大于 0")
    return amount


def _optional_yuan(given: object) -> Decimal | None:
    return None if given is None or str(given).strip() == "" else _yuan(given)


def _percent(given: object) -> Decimal | None:
    if given is None or str(given).strip() == "":
        return None
    percent = _decimal(str(given).replace("%", "").replace("％", ""))
    if not Decimal(0) <= percent <= 100 or percent != percent.quantize(Decimal("0.01")):
        raise PydanticCustomError("percent", "比例应在 0 至 100 之间，最多两位小数")
    return percent


def _as_date(given: object) -> date:
    """Take 2024-3-5, 2024/3/5 and 2024年3月5日 for what they are."""
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    # Never a number: it would be taken for seconds since 1970.
    words = given if isinstance(given, str) else ""
    parts = words.strip().replace("年", "-").replace("月", "-").rstrip("日").replace("/", "-")
    try:
        year, month, day = (int(part) for part in parts.split("-"))
        return date(year, month, day)
    except ValueError:
        raise PydanticCustomError("day", "应为日期，例如 2024-03-25") from None


def _is_printable(text: str) -> bool:
    return not any(unicodedata.category(letter) in _UNPRINTABLE for letter in text)


def _on_one_line(text: str) -> str:
    if not _is_printable(text):
        raise PydanticCustomError("one_line", "应为一行文字，不能含换行或控制字符")
    return text


def _printable(text: str) -> str:
    if not _is_printable(text.translate(_LINE_BREAKS)):
        raise PydanticCustomError("printable", "不能含控制字符")
    return text


def _paper_no(given: object) -> object:
    """Write ＦＰ００１, fp 001 and FP001 alike: a paper is the same however it is typed."""
    if not isinstance(given, str):
        return given
    letters = []
    for letter in unicodedata.normalize("NFKC", given):
        kind = unicodedata.category(letter)
        if kind == "Pd":
            letters.append("-")
        elif kind[0] not in "CZ":  # neither a space nor invisible
            letters.append(letter)
    return "".join(letters).upper()


# Money is a string in JSON and in the form: a JSON number would pass through a float.
_YUAN_SCHEMA: dict[str, Any] = {"type": "string", "pattern": r"^[0-9,]{1,13}(\.[0-9]{1,2})?$"}
_OPTIONAL_YUAN_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": r"^([0-9,]{1,13}(\.[0-9]{1,2})?)?$",
}
_PERCENT_SCHEMA: dict[str, Any] = {"type": "string", "pattern": r"^([0-9]{1,3}(\.[0-9]{1,2})?)?$"}

#: Yuan with at most two decimals, from 0 up.
YuanField = Annotated[Decimal, BeforeValidator(_yuan), WithJsonSchema(_YUAN_SCHEMA)]
#: Yuan as above, but not nothing.
PositiveYuan = Annotated[Decimal, BeforeValidator(_positive_yuan), WithJsonSchema(_YUAN_SCHEMA)]
OptionalYuan = Annotated[
    Decimal | None, BeforeValidator(_optional_yuan), WithJsonSchema(_OPTIONAL_YUAN_SCHEMA)
]
#: Per cent (40 means 40%), at most two decimals.
OptionalPercent = Annotated[
    Decimal | None, BeforeValidator(_percent), WithJsonSchema(_PERCENT_SCHEMA)
]
#: One line that must not be empty.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_on_one_line),
]
#: The number of an invoice, a contract, a voucher: written in one way only.
PaperNo = Annotated[Line, BeforeValidator(_paper_no)]
#: One line that may be empty.
OptionalLine = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_on_one_line)
]
#: Some sentences that must not be empty.
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(_printable),
]
#: Some sentences that may be empty.
OptionalText = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_printable)
]
Day = Annotated[date, BeforeValidator(_as_date)]
Percentage = Annotated[int, Field(ge=0, le=100)]
