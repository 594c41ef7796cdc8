"""Contexts whose every word comes from somebody who means harm, or has an unusual name."""

from hypothesis import strategies as st
from pydantic import BaseModel

_TRICKS = [
    "甲\r\nBcc: x@example.com",
    "=?utf-8?q?a=0D=0ABcc:_x@example.com?=",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "END:VEVENT\r\nATTENDEE:mailto:x@example.com",
    "长" * 200,
]
_SIGNS = "黄石市<>&\"'{}%/=\\;:, \r\n\t\x00\u2028é=?😀"
ANYTHING = st.one_of(
    st.text(st.sampled_from(_SIGNS) | st.characters(codec="utf-8"), max_size=200),
    st.sampled_from(_TRICKS),
)


def with_hostile_words(context, data):
    """Return `context` with anything drawn for each of its words."""
    return with_words(context, lambda text: data.draw(ANYTHING))


def with_words(context, change):
    """Return `context` with `change` made to each of its words, however deep they stand."""

    def changed(value):
        if isinstance(value, str):
            return change(value)
        if isinstance(value, BaseModel):
            return with_words(value, change)
        return tuple(map(changed, value)) if isinstance(value, tuple) else value

    values = {name: changed(getattr(context, name)) for name in type(context).model_fields}
    return type(context)(**values)
