"""Delivery reports in the shapes of other servers, and letters that are none. All names invented.

The shapes follow what Postfix writes and what Exchange and QQ are documented to write.
"""

OURS = f"<{'ab12' * 16}@huangshi.example.com>"


def postfix(
    message_id=OURS,
    *,
    own="20250106023000.ABC@mail.example.com",
    action="failed",
    status="5.1.1",
    diagnostic="smtp; 550 5.1.1 <lin@example.com>: Recipient address rejected: User unknown",
):
    """Return what a Postfix on the way sends back."""
    return f"""Return-Path: <>
Date: Mon,  6 Jan 2025 10:30:00 +0800 (CST)
From: MAILER-DAEMON@mail.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: pilot@huangshi.example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Yx/mail.example.com"
Message-Id: <{own}>

This is a MIME-encapsulated message.

--4Yx/mail.example.com
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4Yx/mail.example.com
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
X-Postfix-Queue-ID: 4YxABC
X-Postfix-Sender: rfc822; pilot@huangshi.example.com
Arrival-Date: Mon,  6 Jan 2025 10:29:58 +0800 (CST)

Final-Recipient: rfc822; lin@example.com
Original-Recipient: rfc822;lin@example.com
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: {diagnostic}

--4Yx/mail.example.com
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: =?utf-8?b?6buE55+z5biC?= <pilot@huangshi.example.com>
To: lin@example.com
Message-ID:
 {message_id}
Subject: =?utf-8?b?6K+35Yqe55CG?=

--4Yx/mail.example.com--
""".replace("\n", "\r\n").encode()


EXCHANGE = f"""From: postmaster@exchange.example.com
To: pilot@huangshi.example.com
Date: Mon, 6 Jan 2025 02:31:00 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="_004_8e0c"
Content-Language: zh-CN
Message-ID: <8e0c@exchange.example.com>
In-Reply-To: {OURS}
References: {OURS}
Subject: =?utf-8?B?5pyq6YCS6YCS?=
MIME-Version: 1.0

--_004_8e0c
Content-Type: multipart/alternative; boundary="_000_8e0c"

--_000_8e0c
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

5peg5rOV5Lyg6YCS5oKo55qE6YKu5Lu2

--_000_8e0c
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: base64

PHA+5peg5rOV5Lyg6YCS5oKo55qE6YKu5Lu2PC9wPg==

--_000_8e0c--

--_004_8e0c
Content-Type: message/delivery-status

Reporting-MTA: dns;exchange.example.com
Received-From-MTA: dns;mail.huangshi.example.com
Arrival-Date: Mon, 6 Jan 2025 02:30:59 +0000

Final-Recipient: rfc822;lin@example.com
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient
 lin@example.com not found by SMTP address lookup
X-Display-Name: lin@example.com

--_004_8e0c
Content-Type: message/rfc822

Message-ID: {OURS}
From: <pilot@huangshi.example.com>
To: <lin@example.com>
Subject: =?utf-8?B?6K+35Yqe55CG?=
Content-Type: text/plain

x

--_004_8e0c--
""".encode()

# Status 5.0.0 says nothing; the words of the server do. The returned headers are encoded.
QQ = f"""From: "PostMaster" <PostMaster@qq.example.com>
To: pilot@huangshi.example.com
Subject: =?gb18030?B?z7XNs83L0MU=?=
Message-ID: <tencent_77@qq.example.com>
Mime-Version: 1.0
Content-Type: multipart/report; report-type="delivery-status"; boundary="NextPart_77"

--NextPart_77
Content-Type: text/html; charset="gb18030"
Content-Transfer-Encoding: base64

z7XNs83L0MU=

--NextPart_77
Content-Type: message/delivery-status

Reporting-MTA: dns; qq.example.com

Final-Recipient: RFC822; lin@example.com
Action: FAILED
Status: 5.0.0
Diagnostic-Code: smtp; 550 Mailbox not found

--NextPart_77
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: quoted-printable

Message-ID: {OURS[:40]}=
{OURS[40:]}

--NextPart_77--
""".encode()

OUT_OF_OFFICE = f"""From: lin@example.com
To: pilot@huangshi.example.com
Subject: =?utf-8?b?6Ieq5Yqo5Zue5aSN?=
Auto-Submitted: auto-replied
In-Reply-To: {OURS}
Message-ID: <ooo@example.com>

Out of office. Action: failed Status: 5.1.1
""".encode()

READ_RECEIPT = f"""From: lin@example.com
To: pilot@huangshi.example.com
Message-ID: <mdn@example.com>
Content-Type: multipart/report; report-type=disposition-notification; boundary="m"

--m
Content-Type: message/disposition-notification

Final-Recipient: rfc822;lin@example.com
Original-Message-ID: {OURS}
Disposition: automatic-action/MDN-sent-automatically; displayed

--m--
""".encode()

FORWARDED = (
    b"""From: lin@example.com
To: pilot@huangshi.example.com
Message-ID: <fwd@example.com>
Content-Type: multipart/mixed; boundary="fwd"

--fwd
Content-Type: message/rfc822

"""
    + postfix()
    + b"""
--fwd--
"""
)

#: Letters that are no report on a mail of ours.
OTHERS = {
    "out-of-office": OUT_OF_OFFICE,
    "read-receipt": READ_RECEIPT,
    "forwarded-report": FORWARDED,
    "somebody-elses-report": postfix("<8e0c@another.example.com>"),
    "unknown-action": postfix(action="exploded"),
    "no-action": postfix().replace(b"Action: failed\r\n", b""),
    "letter": b"From: lin@example.com\r\nSubject: hello\r\n\r\nhello " + OURS.encode(),
    "empty": b"",
    "garbage": bytes(range(256)) * 40,
    "cut-off": postfix()[:600],
    "no-parts": b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n"
    + OURS.encode(),
    "wrong-encoding": b"Content-Type: message/delivery-status; charset=nonsense\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + OURS.encode(),
}
