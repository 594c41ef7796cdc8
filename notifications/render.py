"""From a context to the words of a mail: a subject, a text and an HTML body that say the same."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    FunctionLoader,
    StrictUndefined,
    pass_eval_context,
    select_autoescape,
)
from jinja2.nodes import EvalContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from models.rules.clock import SHANGHAI, day_of
from notifications.contexts import Deadline, MailContext
from notifications.template_files import BUILT_IN, PARTS, own_folder, own_templates

_log = logging.getLogger(__name__)
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, kw_only=True)
class RenderedMail:
    """The words of one mail. The subject is one line, the bodies have plain newlines."""

    subject: str
    text: str
    html: str
    #: What goes into the recipient's calendar.
    deadlines: tuple[Deadline, ...] = ()


class EmptyMailError(ValueError):
    """A template has rendered to nothing."""

    def __init__(self, part: str) -> None:
        """Name the part that is empty."""
        self.part = part
        super().__init__(f"{part} is empty")


def _chinese_date(day: date) -> str:
    """2024年3月25日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _chinese_day(at: datetime) -> str:
    """2024年3月25日, the day in Shanghai."""
    return _chinese_date(day_of(at))


def _month_and_day(at: datetime) -> str:
    """3月25日, the day in Shanghai."""
    there = day_of(at)
    return f"{there.month}月{there.day}日"


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


def _sentence(words: str) -> str:
    """End `words` as a sentence ends."""
    return words if words.endswith(("。", "！", "？", "；", "…")) else f"{words}。"


def _days_left(days: int) -> str:
    """还有 5 个工作日."""
    return f"还有 {days} 个工作日" if days else "已不足 1 个工作日"


@pass_eval_context
def _breaks(eval_context: EvalContext, prose: str) -> str:
    """Keep the line breaks of `prose` in HTML."""
    return Markup("<br>").join(escape(line) for line in prose.split("\n"))


_FILTERS = {
    "chinese_date": _chinese_date,
    "weekday": _weekday,
    "chinese_datetime": _chinese_datetime,
    "chinese_day": _chinese_day,
    "month_and_day": _month_and_day,
    "days_left": _days_left,
    "sentence": _sentence,
    "yuan": _yuan,
    "percent": _percent,
    "indented": _indented,
    "breaks": _breaks,
}


@cache
def environment_with(folder: Path | None) -> Environment:
    """Return what templates are rendered in; those in `folder` go before the built-in ones.

    An office's come from outside, so they get at nothing but the values of their mail. Raises
    `TemplatesRefusedError` for a folder that cannot be used.
    """
    own = {} if folder is None else own_templates(folder)

    def source(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        if folder is None or name not in own:
            return None
        return own[name], str(folder / name), lambda: True

    # Our own templates need no guard, and each call in one costs time under it.
    kind = Environment if folder is None else ImmutableSandboxedEnvironment
    environment = kind(
        loader=ChoiceLoader([FunctionLoader(source), FileSystemLoader(BUILT_IN)]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,  # there are few, and all are kept
        # The subject and the text body are plain text, where an escaped & would be wrong.
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    )
    environment.filters.update(_FILTERS)
    return environment


def render(context: MailContext) -> RenderedMail:
    """Return the words of the mail that `context` describes: the office's own or the built-in.

    Where an office's template fails on values that its check at the start has not met, the mail
    goes out in the built-in words: late or never would be worse.
    """
    folder = own_folder()
    if folder is not None:
        own = environment_with(folder)
        try:
            return render_in(own, context)
        except Exception:  # whatever a template from outside can raise
            _log.exception("own template of %s failed, the built-in one is used", context.template)
    return render_in(environment_with(None), context)


def render_in(environment: Environment, context: MailContext) -> RenderedMail:
    """Return the words of `context` in `environment`; raises whatever its templates raise."""
    values = values_of(context)
    written = []
    for part in PARTS:
        name = f"{context.template}/{part}"
        written.append(environment.get_template(name).render(values).strip())
        if not written[-1]:
            raise EmptyMailError(name)
    subject, text, html = written
    return RenderedMail(
        subject=context.mark + " ".join(subject.split()),
        text=text + "\n",
        html=html + "\n",
        deadlines=context.deadlines,
    )


def values_of(context: MailContext) -> Mapping[str, object]:
    """Return what the templates of `context` may name."""
    return MappingProxyType({name: getattr(context, name) for name in type(context).model_fields})
