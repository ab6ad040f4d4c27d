"""Octets from a server, however they were cut on the way, as replies; what a reply means is not known here."""

import smtplib

#: RFC 5321 §4.5.3.1.5 has 512 for a line; the standard library takes this many, and so do we.
LINE_MAX_OCTETS = 8_192
REPLY_MAX_OCTETS = 65_536

#: Code and text. The code is -1 where the server wrote none; the lines of the text are joined by line feeds.
Reply = tuple[int, bytes]


class ReplyReader:
    """Puts together the replies of one connection (RFC 5321 §4.2.1)."""

    def __init__(self) -> None:
        self._rest = b""
        self._texts: list[bytes] = []
        self._octets = 0

    @property
    def has_rest(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._rest or self._texts)

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes.

        Raises SMTPServerDisconnected where nothing came, which is how a socket tells of its end, and where a reply
        has no end.
        """
        if not data:
            raise smtplib.SMTPServerDisconnected("closed by the server")
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        replies = []
        for line in lines:
            code = int(line[:3]) if line[:3].isdigit() else -1
            text = line[4:].strip()
            if line[3:4] == b"-" and code >= 0:
                self._texts.append(text)
                self._octets += len(line)
            elif self._texts:
                replies.append((code, b"\n".join([*self._texts, text])))
                self._texts.clear()
                self._octets = 0
            else:
                replies.append((code, text))
        if len(self._rest) > LINE_MAX_OCTETS or self._octets > REPLY_MAX_OCTETS:
            raise smtplib.SMTPServerDisconnected("a reply without end")
        return replies
