"""Mail to the server it may go to: what may not leave this machine goes to its mailbox."""

from models.rules.mail import Attempt
from notifications.dialogue import Meanwhile
from notifications.mime import Letter
from notifications.settings import MailSettings
from notifications.smtp import Sender


class Post:
    """Sends by the mode that is set, over one kept connection a server. Not thread-safe."""

    def __init__(self, settings: MailSettings) -> None:
        """Send as `settings` say; nothing connects yet."""
        self.settings = settings
        self.meanwhile = Meanwhile()
        self._senders: dict[bool, Sender] = {}

    def send(self, message: Letter) -> Attempt:
        """Hand `message` to a server and return how that went, as `Sender.send` does."""
        sender = self._sender(may_leave=self.settings.may_reach(message.to_address))
        sender.meanwhile = self.meanwhile
        return sender.send(message)

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
