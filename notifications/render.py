"""From a context to the words of a mail: a subject, a text and an HTML body that say the same."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_eval_context, select_autoescape
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from models.rules.clock import SHANGHAI
from notifications.contexts import MailContext

_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, kw_only=True)
class RenderedMail:
    """The words of one mail. The subject is one line, the bodies have plain newlines."""

    subject: str
    text: str
    html: str


def _chinese_date(day: date) -> str:
    """2024年3月25日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _weekday(day: date) -> str:
    """星期一."""
    return f"星期{_WEEKDAYS[day.weekday()]}"


def _chinese_datetime(at: datetime) -> str:
    """2024年3月25日 09:05, as the clocks in Shanghai show it."""
    there = at.astimezone(SHANGHAI)
    return f"{_chinese_date(there)} {there:%H:%M}"


def _yuan(amount: Decimal) -> str:
    """120,000.00 元; never through a float."""
    return f"{amount:,.2f} 元"


def _percent(share: Decimal) -> str:
    """40%; 37.5%."""
    return f"{(share * 100).normalize():f}%"


def _indented(prose: str, width: int = 4) -> str:
    """Indent all lines alike by full-width spaces, as Chinese prose is."""
    margin = "\u3000" * (width // 2)
    return "\n".join(margin + line if line else line for line in prose.split("\n"))


@pass_eval_context
def _breaks(eval_context: EvalContext, prose: str) -> str:
    """Keep the line breaks of `prose` in HTML."""
    return Markup("<br>").join(escape(line) for line in prose.split("\n"))


_FILTERS = {
    "chinese_date": _chinese_date,
    "weekday": _weekday,
    "chinese_datetime": _chinese_datetime,
    "yuan": _yuan,
    "percent": _percent,
    "indented": _indented,
    "breaks": _breaks,
}

_environment = Environment(
    loader=PackageLoader("notifications"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    # The subject and the text body are plain text, where an escaped & would be wrong.
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
)
_environment.filters.update(_FILTERS)


def render(context: MailContext) -> RenderedMail:
    """Return the words of the mail that `context` describes."""
    values = {name: getattr(context, name) for name in type(context).model_fields}
    subject, text, html = (
        _environment.get_template(f"{context.template}/{part}").render(values)
        for part in ("subject.txt", "body.txt", "body.html")
    )
    mark = "【演示】" if context.trial_note else ""
    return RenderedMail(
        subject=mark + " ".join(subject.split()), text=text.strip() + "\n", html=html.strip() + "\n"
    )
