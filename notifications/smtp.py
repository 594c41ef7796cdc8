"""The one module that sends mail, and the only one that knows yagmail."""

import re
import smtplib
import ssl
from collections.abc import Callable
from time import monotonic

import yagmail

from models.rules.bounces import is_address_dead
from models.rules.mail import Attempt, MailOutcome
from notifications.dialogue import Dialogue, DialogueTLS
from notifications.mime import Letter
from notifications.server import MailServer, Security
from notifications.settings import MailSettings
from notifications.trust import trust

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_DETAIL = 500


#: A mail is given up after so many seconds, however often the server says a little: whoever leased
#: it must have done with it when the lease ends.
LONGEST_SECONDS = 100.0


def nothing() -> None:
    """Do nothing."""


class Sender(yagmail.SMTP):  # type: ignore[misc]  # yagmail carries no types
    """Sends messages over one kept connection, and says how each one fared. Not thread-safe.

    yagmail connects and logs in; its own `send` is replaced, because it logs in for every mail,
    loses mails on a broken connection and builds messages that may hold foreign headers.
    """

    #: None while there is no connection.
    smtp: Dialogue | None
    #: When the present mail has taken too long (as `monotonic` counts).
    until: float
    #: What is done while the server takes in a mail.
    meanwhile: Callable[[], None]

    def __init__(self, settings: MailSettings, server: MailServer | None = None) -> None:
        """Send as `settings` say, to `server` or else to theirs; nothing connects yet."""
        self.settings = settings
        self.meanwhile = nothing
        self._announces = True
        self.server = server or settings.server()
        encrypted = trust(self.server.ca_file) if self.server.security != Security.NONE else None
        is_tls = self.server.security is Security.TLS
        super().__init__(
            user=settings.from_address,
            # Never None where a login is wanted: yagmail would ask the terminal.
            password=self.server.password or "",
            host=self.server.host,
            port=self.server.port,
            smtp_ssl=is_tls,
            # yagmail's own True would not verify the certificate.
            smtp_starttls={"context": encrypted}
            if self.server.security is Security.STARTTLS
            else False,
            smtp_skip_login=self.server.user is None,
            soft_email_validation=False,
            sender=self,
            **({"context": encrypted} if is_tls else {}),
        )
        # yagmail takes a login name without @ for one at gmail.com.
        self.user = self.server.user or settings.from_address
        self.set_logging(None)  # yagmail would print to stderr beside our own log

    @property
    def connection(self) -> type[Dialogue]:
        """The smtplib class that yagmail's `login` connects with."""
        return DialogueTLS if self.ssl else Dialogue

    def send(self, message: Letter, *, following: Letter | None = None) -> Attempt:
        """Hand `message` to the server and return how that went; raises nothing the net can cause.

        With the mail goes what announces the one `following`, which should be sent next: another
        one needs a new connection then.

        A kept connection that the server has closed meanwhile is opened anew, unless the message
        itself was already under way: then nobody knows, and it is to be tried again later.
        """
        self.until = monotonic() + LONGEST_SECONDS
        if self.smtp and self.smtp.announced not in (None, message):
            self.close()
        return self._send(message, following)

    def _send(self, message: Letter, following: Letter | None) -> Attempt:
        address = message.to_address
        kept = self.smtp
        was_announced = kept is not None and kept.announced is not None
        try:
            client = kept or self._connected()
            code, reply = client.hand_over(
                self.settings.from_address, message, following if self._announces else None
            )
        except OSError as error:  # smtplib's and ssl's errors are OSErrors, too
            is_unheard = was_announced and _is_unheard(error)
            if kept and not kept.is_content_begun and (is_unheard or _is_closed_by_server(error)):
                self._announces &= not is_unheard
                self.close()
                return self._send(message, following)
            if not _leaves_connection_usable(error):
                self.close()
            return _explain(error, address, self.server)
        except BaseException:  # half a dialogue is nothing to go on with
            self.close()
            raise
        return Attempt(
            outcome=MailOutcome.ACCEPTED,
            code=code,
            server=self.server.name,
            reason=MailOutcome.ACCEPTED.label,
            detail=_printable(reply),
            is_caught=self.server.is_mailbox,
        )

    def try_out(self) -> Attempt:
        """Do everything but send: connect, encrypt, log in, name the sender, take that back."""
        self.until = monotonic() + LONGEST_SECONDS
        try:
            client = self._connected()
            client.ehlo_or_helo_if_needed()
            code, reply = client.noop()
            if code == _OK:
                code, reply = client.mail(self.settings.from_address)
            if code != _OK:
                raise smtplib.SMTPSenderRefused(code, reply, self.settings.from_address)
            client.rset()
        except OSError as error:
            return _explain(error, self.settings.from_address, self.server)
        finally:
            self.close()
        return Attempt(
            outcome=MailOutcome.ACCEPTED,
            code=code,
            server=self.server.name,
            reason="可以连接、登录并以发件地址发信",
            detail=_printable(reply),
        )

    def _connected(self) -> Dialogue:
        self.login()
        assert self.smtp is not None  # noqa: S101 -- login sets it or raises
        return self.smtp

    def close(self) -> None:
        """Say good-bye to the server, if it still listens, and not in the middle of a mail."""
        client, self.smtp = self.smtp, None
        self.is_closed = True
        if client is None:
            return
        try:
            if client.is_at_rest:
                client.quit()
        except OSError:  # gone already
            pass
        finally:
            client.close()


def _is_closed_by_server(error: OSError) -> bool:
    return not _is_timeout(error) and (  # slow is not closed
        isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError)
        or _code_of(error) == _SERVICE_CLOSING
    )


def _is_unheard(error: OSError) -> bool:
    """Return whether a server may have lost what had come with a content, or not have liked that.

    None should; where one does, each mail goes by itself from then on.
    """
    is_refused = isinstance(error, smtplib.SMTPSenderRefused)
    return _is_timeout(error) or (is_refused and _code_of(error) != _SERVICE_CLOSING)


def _is_timeout(error: OSError) -> bool:
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _leaves_connection_usable(error: OSError) -> bool:
    """After a refused recipient or message, smtplib has reset the dialogue and the next may go."""
    return (
        isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
        and _code_of(error) != _SERVICE_CLOSING
    )


_OK = 250
_SERVICE_CLOSING = 421
_TOO_LARGE = 552
_PERMANENT = 500

_CODE_WORDS = {
    421: "邮件服务器暂停服务",
    450: "收件信箱暂不可用",
    451: "邮件服务器暂时出错",
    452: "邮件服务器或收件信箱空间不足",
    550: "收件地址不存在或拒收",
    551: "收件人不在该服务器上",
    552: "收件信箱已满或邮件过大",
    553: "收件地址不被接受",
    554: "邮件被服务器拒绝",
}


def _code_of(error: OSError) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return int(next(iter(error.recipients.values()))[0])
    if isinstance(error, smtplib.SMTPResponseException):
        return int(error.smtp_code)
    return None


def _explain(error: OSError, address: str, server: MailServer) -> Attempt:
    """Return what `error` means for the mail to `address`.

    Only what is said about this recipient or this message ends a mail; when the server does not
    let us in or does not like the sender, somebody will mend that, and the mail waits.
    """
    code = _code_of(error)
    is_about_this_mail = _leaves_connection_usable(error) or code == _TOO_LARGE
    refused = is_about_this_mail and code is not None and code >= _PERMANENT
    if is_about_this_mail:
        fallback = "邮件被服务器拒绝" if refused else "邮件服务器要求稍后再试"
        reason = f"{_CODE_WORDS.get(code or 0, fallback)}（{address}，服务器代码 {code}）"
    else:
        number = "" if code is None else f"（服务器代码 {code}）"
        reason = f"{_servers_fault(error, code)}：{server.name}{number}"
    return Attempt(
        outcome=MailOutcome.REFUSED if refused else MailOutcome.TRY_AGAIN,
        code=code,
        server=server.name,
        reason=reason,
        detail=_detail(error),
        is_caught=server.is_mailbox,
        is_servers_fault=not is_about_this_mail,
        is_address_dead=refused
        and isinstance(error, smtplib.SMTPRecipientsRefused)
        and is_address_dead(code, _detail(error)),
    )


def _servers_fault(error: OSError, code: int | None) -> str:
    match error:
        case smtplib.SMTPAuthenticationError():
            return "邮件服务器不接受登录名或密码"
        case smtplib.SMTPSenderRefused() if code != _SERVICE_CLOSING:
            return "邮件服务器不接受发件地址"
        case smtplib.SMTPNotSupportedError():
            return "邮件服务器不支持所要求的加密或登录方式"
        case ssl.SSLCertVerificationError():
            return "邮件服务器的证书无法验证"
        case ssl.SSLError():
            return "与邮件服务器建立加密连接失败"
        case _ if _is_timeout(error):
            return "邮件服务器没有及时应答"
        case smtplib.SMTPServerDisconnected():
            return "邮件服务器中途断开连接"
        case smtplib.SMTPException():
            return _CODE_WORDS.get(code or 0, "邮件服务器应答异常")
    return "连接不上邮件服务器"


def _detail(error: OSError) -> str:
    """Return the server's own words, or else the error's."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _printable(next(iter(error.recipients.values()))[1])
    if isinstance(error, smtplib.SMTPResponseException):
        return _printable(error.smtp_error)
    return _printable(str(error))


def _printable(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(_CONTROLS.sub(" ", plain).split())[:_LONGEST_DETAIL]
