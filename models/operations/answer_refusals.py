"""Why an answer is not accepted: one exception per refusal, in the words of who answered."""

from datetime import datetime

from models.rules.clock import SHANGHAI
from models.rules.errors import PilotError
from models.rules.stages import Channel

#: A larger number cannot even be asked for in PostgreSQL.
_LARGEST_ID = 2**31 - 1


class UnknownItemError(PilotError):
    """There is no such item."""

    def __init__(self, item_id: int) -> None:
        """Name the number asked for."""
        self.item_id = item_id
        super().__init__(f"没有编号为 {item_id} 的待办事项；可用 pilot item list 查看")


class ItemClosedError(PilotError):
    """Somebody was quicker; says who did what when, and by which channel."""

    def __init__(
        self, item_id: int, *, by: str, at: datetime, channel: Channel, outcome: str
    ) -> None:
        """Tell who closed the item, when, by which channel and how."""
        self.item_id = item_id
        super().__init__(
            f"事项 {item_id} 已由 {by} 于 {at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} "
            f"通过{channel.label}办理（{outcome}），本次提交未改变任何内容"
        )


class WrongPartyError(PilotError):
    """The item waits for another party."""

    def __init__(self, item_id: int, given: str, asked: str) -> None:
        """Name both parties."""
        super().__init__(f"事项 {item_id} 应由“{asked}”办理，不是“{given}”")


class UnknownHandlerError(PilotError):
    """The 经办人 is not a registered contact of the party."""

    def __init__(self, handler: str, party: str, known: list[str]) -> None:
        """Name the person, the party and its contacts."""
        names = "、".join(known) or "（无）"
        super().__init__(f"经办人“{handler}”不是“{party}”登记的联系人；已登记：{names}")


class SystemOnlyError(PilotError):
    """Only the system itself may decide this, when the time has come."""

    def __init__(self, outcome: str) -> None:
        """Name the outcome."""
        super().__init__(f"“{outcome}”由系统在期满后自动办理，不能人工选择")


class RefusedBeforeError(PilotError):
    """The answer with this key has been refused; the same key again is refused in the same words.

    Otherwise a form that was shown as refused could be accepted behind the person's back.
    """

    def __init__(self, refusal: str) -> None:
        """Repeat the refusal."""
        super().__init__(refusal)


class KeyReusedError(PilotError):
    """An idempotency key that belongs to an answer to another item."""

    def __init__(self, key: str, item_id: int) -> None:
        """Name the key and the item it was used for."""
        super().__init__(f"提交编号 {key} 已用于事项 {item_id}，请更换")


def require_item_number(item_id: int) -> None:
    """Raise `UnknownItemError` for a number that no item can have."""
    if not 0 < item_id <= _LARGEST_ID:
        raise UnknownItemError(item_id)
