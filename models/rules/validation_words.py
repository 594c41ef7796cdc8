"""pydantic's kinds of error in the words of the person who filled in a form or a file."""

from collections.abc import Mapping
from typing import Any, Final

_WORDS: Final[Mapping[str, str]] = {
    "missing": "必须填写",
    "extra_forbidden": "没有这一项，请检查名称",
    "string_type": "应为文字",
    "string_unicode": "含有无法保存的字符",
    "string_too_short": "不能为空",
    "string_too_long": "最多 {max_length} 个字",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "数字过大",
    "finite_number": "应为整数",
    "bool_parsing": "应为 是/否（true/false）",
    "bool_type": "应为 是/否（true/false）",
    "date_from_datetime_parsing": "应为日期，例如 2024-03-25",
    "date_type": "应为日期，例如 2024-03-25",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "greater_than": "必须大于 {gt}",
    "less_than": "必须小于 {lt}",
    "list_type": "应为列表",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "model_type": "应为一组内容",
    "model_attributes_type": "应为一组内容",
}


def common_words(detail: Mapping[str, Any]) -> str | None:
    """Return what one of pydantic's errors says; None for a kind that has no words here."""
    words = _WORDS.get(detail["type"])
    return None if words is None else words.format(**detail.get("ctx", {}))
