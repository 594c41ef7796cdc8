"""The calendar as a picture: one bar for each annex item, and a line where today is."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape

from models.operations.milestones import MilestoneProgress
from models.policy import Programme
from models.rules.milestones import MilestoneState

# Prefect shows a picture at most 690 pixels wide: little is lost of this one.
_LABELS, _WIDTH, _ROW, _TOP = 268, 860, 26, 78
_RIGHT = 14
_COLOURS: Mapping[MilestoneState, str] = {
    MilestoneState.NOT_STARTED: "#b8c0cc",
    MilestoneState.UNDER_WAY: "#3b82c4",
    MilestoneState.AT_RISK: "#e0a100",
    MilestoneState.DONE: "#2f9e5b",
    MilestoneState.DONE_LATE: "#7fbf99",
    MilestoneState.OVERDUE: "#cf3a3a",
}
#: Colours that are too pale for letters on white have darker ones.
_INKS: Mapping[MilestoneState, str] = {
    MilestoneState.NOT_STARTED: "#667085",
    MilestoneState.AT_RISK: "#946200",
    MilestoneState.DONE_LATE: "#3f7f5a",
}
_FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei','Noto Sans SC',sans-serif"
_DAY = timedelta(days=1)


def gantt_picture(svg: str) -> str:
    """Return the markdown that shows `svg`, with nothing to be fetched from anywhere."""
    return f"![里程碑进度图](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


class _Axis:
    """Days to places across the picture."""

    def __init__(self, programme: Programme) -> None:
        self.first = programme.starts_on
        self.last = programme.ends_on
        self._days = (self.last - self.first).days + 1

    def at(self, day: date) -> float:
        """Return where `day` begins, within the picture's frame."""
        passed = min(max((day - self.first).days, 0), self._days)
        return round(_LABELS + passed * (_WIDTH - _LABELS - _RIGHT) / self._days, 1)

    def months(self) -> list[date]:
        """Return the first of each month."""
        days = [self.first + timedelta(days=n) for n in range(self._days)]
        return [day for day in days if day.day == 1]


def gantt_svg(
    programme: Programme, standings: Sequence[MilestoneProgress], today: date, notes: Sequence[str]
) -> str:
    """Return the picture as SVG: phases on top, the items by year, colours by state."""
    items = [each for each in standings if not each.is_programme_target]
    axis = _Axis(programme)
    height = _TOP + _ROW * len(items) + 46
    title = "　".join([f"里程碑进度 · 截至 {today}", *notes])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="{_FONT}" font-size="14">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(12, 20, title, fill="#17233b", weight="bold", size=15),
        *_phases(programme, axis),
        *_months(axis, height),
    ]
    for row, each in enumerate(items):
        parts += _bar(axis, each, _TOP + row * _ROW, is_shaded=row % 2 == 0)
    parts += _today(axis, today, height)
    parts += _legend(height)
    return "\n".join([*parts, "</svg>"])


def _phases(programme: Programme, axis: _Axis) -> list[str]:
    parts = []
    for number, phase in enumerate(programme.phases):
        left, right = axis.at(phase.starts_on), axis.at(phase.ends_on + _DAY)
        fill = ("#dbe7f5", "#eaf1f9")[number % 2]
        parts.append(_rect(left, 32, right - left, 20, fill))
        name = phase.name if right - left > 100 else phase.name.removesuffix("阶段")
        parts.append(_text((left + right) / 2, 47, name, fill="#1d4f91", anchor="middle", size=12))
    return parts


def _months(axis: _Axis, height: int) -> list[str]:
    lines, names = [], []
    for month in axis.months():
        x = axis.at(month)
        colour = "#9aa7b8" if month.month == 1 else "#e6eaf0"
        lines.append(f'<line x1="{x}" y1="54" x2="{x}" y2="{height - 40}" stroke="{colour}"/>')
        if month.month % 3 == 1:
            words = f"{month.year}年" if month.month == 1 else f"{month.month}月"
            names.append(_text(x + 2, 69, words, fill="#667085", size=12, is_over_lines=True))
    return [*lines, *names]


def _bar(axis: _Axis, each: MilestoneProgress, y: int, *, is_shaded: bool) -> list[str]:
    parts = []
    if is_shaded:
        parts.append(_rect(0, y, _WIDTH, _ROW, "#f6f8fb", opacity=0.7))
    parts.append(_text(12, y + 18, f"{each.key}　{each.short}", fill="#17233b"))
    left, right = axis.at(each.starts_on), axis.at(each.ends_on + _DAY)
    colour = _COLOURS[each.state]
    ink = _INKS.get(each.state, colour)
    parts.append(_rect(left, y + 6, right - left, _ROW - 12, colour, opacity=0.35, radius=3))
    if share := _share(each):
        parts.append(_rect(left, y + 6, (right - left) * share, _ROW - 12, colour, radius=3))
    # Beside the bar, on the side where there is room.
    words = each.state.label
    if each.target:
        words = f"{each.value}/{each.target} {words}"
    elif each.done_on:
        words = f"{words} {each.done_on:%m-%d}"
    if right > _WIDTH - 140:
        place, anchor = left - 5, "end"
    else:
        place, anchor = right + 5, "start"
    parts.append(_text(place, y + 18, words, fill=ink, anchor=anchor, size=12, is_over_lines=True))
    return parts


def _share(each: MilestoneProgress) -> float:
    """Return how much of the bar is full: all when done, else the share of the number."""
    if each.is_finished:
        return 1
    if not each.target:
        return 0
    return min(1, (each.value or 0) / each.target)


def _today(axis: _Axis, today: date, height: int) -> list[str]:
    if not axis.first <= today <= axis.last:
        return []
    x = axis.at(today)
    middle = min(x, _WIDTH - 40)  # its words stay within the picture on the last days, too
    return [
        f'<line x1="{x}" y1="54" x2="{x}" y2="{height - 40}" stroke="#cf3a3a" stroke-width="2"/>',
        _rect(middle - 38, height - 42, 76, 18, "#cf3a3a", radius=3),
        _text(middle, height - 28, f"今天 {today:%m-%d}", fill="#ffffff", anchor="middle", size=12),
    ]


def _legend(height: int) -> list[str]:
    parts = []
    for number, state in enumerate(MilestoneState):
        x = 12 + number * 88
        parts.append(_rect(x, height - 17, 12, 12, _COLOURS[state], radius=2))
        parts.append(_text(x + 17, height - 7, state.label, fill="#4a5565", size=12))
    parts.append(_text(12 + 6 * 88, height - 7, "深色：已完成", fill="#4a5565", size=12))
    return parts


def _rect(
    x: float,
    y: float,
    width: float,
    height: float,
    fill: str,
    *,
    opacity: float = 1,
    radius: int = 0,
) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{fill}" '
        f'fill-opacity="{opacity}" rx="{radius}"/>'
    )


def _text(
    x: float,
    y: float,
    words: str,
    *,
    fill: str,
    anchor: str = "start",
    weight: str = "normal",
    size: int = 14,
    is_over_lines: bool = False,
) -> str:
    # White around the letters: the lines of the months pass behind them.
    halo = ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if is_over_lines else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" '
        f'font-weight="{weight}" font-size="{size}"{halo}>{escape(words)}</text>'
    )
