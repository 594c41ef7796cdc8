"""The words of events: what kinds of event there are."""

from models.rules.choice import Choice


class EventKind(Choice):
    """What an event is for (plan 三（二）4 and 三（三）4)."""

    TRAINING = "training", "培训"
    MATCHING = "matching", "供需对接"
