"""The kinds of moments in the calendar, and how a proof of one is named."""

from models.rules.choice import Choice


class MomentKind(Choice):
    """What a day of the calendar brings."""

    APPLICATIONS_OPEN = "applications-open", "申报开始"
    APPLICATIONS_ENDED = "applications-ended", "申报结束"
    TRANSFORMATION_ENDED = "transformation-ended", "改造期结束"
    MILESTONE_OPEN = "milestone-open", "里程碑开始"
    MILESTONE_ENDED = "milestone-ended", "里程碑期限届满"


def key_of(kind: MomentKind, subject: str) -> str:
    """Return the name of the proof: `applications-open:2`, `milestone-ended:2024-03`."""
    return f"{kind.value}:{subject}"


def kind_and_subject(key: str) -> tuple[MomentKind, str]:
    """Return what `key_of` put together."""
    kind, _, subject = key.partition(":")
    return MomentKind.read(kind), subject
