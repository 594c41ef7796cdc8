"""The pages on which the caught mails are read."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from deployments.mailbox_parts import attachments, body, parsed
from deployments.mailbox_store import Mailbox, NoSuchMailError, read_headers
from models.rules.clock import SHANGHAI

_PER_PAGE = 50
_MOST_BY_API = 10_000

#: Nothing is fetched from anywhere, no script runs.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
#: A caught mail is a stranger's page: no script, no form, no picture from outside, no origin.
_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
#: An attachment opened after all, by a browser that saves nothing, can do nothing either.
_FILE_POLICY = "sandbox; default-src 'none'"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


_environment = Environment(
    loader=PackageLoader("deployments"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=select_autoescape(("html",)),
)
_environment.filters["clock"] = _clock


class MailboxPages:
    """The mailbox as a small web site; `is_catching` says whether mail can arrive."""

    def __init__(self, mailbox: Mailbox, is_catching: Callable[[], bool]) -> None:
        """Serve what is in `mailbox`."""
        self._mailbox = mailbox
        self._is_catching = is_catching

    def application(self) -> Starlette:
        """Return the application, answering only to this machine's own names."""
        return Starlette(
            routes=[
                Route("/", self._list),
                Route("/mail/{name}", self._mail),
                Route("/mail/{name}/html", self._html),
                Route("/mail/{name}/raw", self._raw),
                Route("/mail/{name}/attachment/{number:int}", self._attachment),
                Route("/api/mails", self._api),
                Route("/health", self._health),
            ],
            # A page elsewhere must not read the mails by a name that it points at 127.0.0.1.
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
            ],
            exception_handlers={NoSuchMailError: self._missing, HTTPException: self._missing},
        )

    async def _list(self, request: Request) -> Response:
        to, words = _asked(request)
        mails = self._mailbox.mails(to=to, words=words)
        pages = max(1, -(-len(mails) // _PER_PAGE))
        page = min(_number(request, "page", default=1), pages) or 1
        shown = mails[(page - 1) * _PER_PAGE : page * _PER_PAGE]

        def link(number: int) -> str:
            return "/?" + urlencode({"to": to, "q": words, "page": number})

        return _page(
            "list.html",
            mails=shown,
            total=len(mails),
            to=to,
            words=words,
            page=page,
            pages=pages,
            newer=link(page - 1) if page > 1 else None,
            older=link(page + 1) if page < pages else None,
        )

    async def _mail(self, request: Request) -> Response:
        name = request.path_params["name"]
        content = self._mailbox.read(name)
        message = parsed(content)
        has_html = body(message, "html") is not None
        tab = request.query_params.get("tab", "html" if has_html else "text")
        return _page(
            "mail.html",
            mail=self._mailbox.summary(name),
            tab=tab if tab in ("html", "text", "headers") else "text",
            has_html=has_html,
            text=body(message, "plain"),
            headers=read_headers(content),
            attachments=attachments(message),
        )

    async def _html(self, request: Request) -> Response:
        html = body(parsed(self._mailbox.read(request.path_params["name"])), "html")
        if html is None:
            raise HTTPException(404)
        return HTMLResponse(html, headers={"Content-Security-Policy": _MAIL_POLICY})

    async def _raw(self, request: Request) -> Response:
        name = request.path_params["name"]
        return Response(
            self._mailbox.read(name),
            media_type="message/rfc822",
            headers={"Content-Disposition": f'attachment; filename="{name}.eml"'},
        )

    async def _attachment(self, request: Request) -> Response:
        """Give one attachment to be saved: never shown here, whatever it claims to be."""
        found = attachments(parsed(self._mailbox.read(request.path_params["name"])))
        number = request.path_params["number"]
        if not 1 <= number <= len(found):
            raise HTTPException(404)
        wanted = found[number - 1]
        return Response(
            wanted.content,
            media_type="application/octet-stream",
            headers={
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(wanted.name)}",
                "Content-Security-Policy": _FILE_POLICY,
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _api(self, request: Request) -> Response:
        to, words = _asked(request)
        mails = self._mailbox.mails(to=to, words=words)
        start = _number(request, "offset", default=0)
        length = min(_number(request, "limit", default=200), _MOST_BY_API)
        return JSONResponse(
            {
                "total": len(mails),
                "mails": [
                    {**asdict(mail), "at": mail.at.isoformat()}
                    for mail in mails[start : start + length]
                ],
            }
        )

    async def _health(self, request: Request) -> Response:
        is_healthy = self._is_catching()
        return JSONResponse({"healthy": is_healthy}, status_code=200 if is_healthy else 503)

    async def _missing(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return _page("missing.html", status_code=status)


def _page(template: str, *, status_code: int = 200, **values: object) -> Response:
    return HTMLResponse(
        _environment.get_template(f"mailbox/{template}").render(values),
        status_code=status_code,
        headers={"Content-Security-Policy": _PAGE_POLICY},
    )


def _asked(request: Request) -> tuple[str, str]:
    return request.query_params.get("to", "").strip(), request.query_params.get("q", "").strip()


def _number(request: Request, name: str, *, default: int) -> int:
    given = request.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else default
