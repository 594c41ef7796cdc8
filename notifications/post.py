"""Mail to the server it may go to: what may not leave this machine goes to its mailbox."""

from models.rules.mail import Attempt
from notifications.mime import Letter
from notifications.settings import MailSettings
from notifications.smtp import Sender, nothing


class Post:
    """Sends by the mode that is set, over one kept connection a server. Not thread-safe."""

    def __init__(self, settings: MailSettings) -> None:
        """Send as `settings` say; nothing connects yet."""
        self.settings = settings
        #: What is done while a server takes in a mail.
        self.meanwhile = nothing
        self._senders: dict[bool, Sender] = {}

    def send(self, message: Letter, *, following: Letter | None = None) -> Attempt:
        """Hand `message` to a server and return how that went, as `Sender.send` does."""
        sender = self._sender_of(message)
        sender.meanwhile = self.meanwhile
        goes_same_way = following is not None and self._sender_of(following) is sender
        return sender.send(message, following=following if goes_same_way else None)

    def _sender_of(self, message: Letter) -> Sender:
        return self._sender(may_leave=self.settings.may_reach(message.to_address))

    def _sender(self, *, may_leave: bool) -> Sender:
        if may_leave not in self._senders:
            settings = self.settings
            server = settings.real_server() if may_leave else settings.mailbox()
            self._senders[may_leave] = Sender(settings, server)
        return self._senders[may_leave]

    def close(self) -> None:
        """Say good-bye to every server."""
        for sender in self._senders.values():
            sender.close()
