"""Links from outside: which may be shown, and which are the same page. Opens nothing."""

import hashlib
import html
import re
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urljoin, urlsplit, urlunsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

LINK_MAX_CHARS = 2000
#: Keys live in unique indexes; PostgreSQL's B-tree takes rows of some 2,700 bytes.
KEY_MAX_BYTES = 1000

_WEB = frozenset({"http", "https"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_BLANKS_AND_CONTROLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
#: Only references with their semicolon: in `?a=1&copy=2` nothing is meant to be ©.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TRACKING_PREFIXES = ("utm_", "at_", "mtm_", "pk_", "hsa_", "ns_", "itm_")
_TRACKING_NAMES = frozenset(
    {"fbclid", "gclid", "dclid", "msclkid", "yclid", "twclid", "igshid", "mc_cid", "mc_eid", "_hsenc", "_hsmi", "xtor",
     "xtref", "cmp", "cmpid", "ncid", "ocid", "smid", "ref_src", "ref_url", "spm", "ito", "wt.mc_id", "taid"}
)  # fmt: skip


def web_link(value: str, *, base: str = "") -> str | None:
    """Return `value` as an absolute http or https URL in ASCII, or None if it is not fit to be shown as a link.

    The scheme is judged after character references, tabs, line ends and blanks are out of the way, as browsers do.
    """
    value = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), value)
    value = _BLANKS_AND_CONTROLS.sub(lambda found: "%20" if found[0] == " " else "", value.strip())
    if not value:
        return None
    try:
        parts = parse_url(urljoin(base, value) if base else value)
    except (LocationParseError, ValueError):
        return None
    if parts.scheme not in _WEB or not parts.host or parts.auth or "\\" in value:
        return None
    return parts.url if parts.url.isascii() and len(parts.url) <= LINK_MAX_CHARS else None


def link_key(link: str) -> str:
    """Return what two links to the same page have in common: `link` must come from `web_link`.

    Scheme, default port, needless percent-encoding, tracking parameters, the parameters' order, a tracking fragment and
    a last slash make no difference.
    Another fragment does: it may be all that parts the entries of a page of short news.
    """
    parts = parse_url(link)
    host = (parts.host or "").rstrip(".") + _port(parts)
    # Octet by octet: what is percent-encoded need not be UTF-8.
    given = parse_qsl(parts.query or "", keep_blank_values=True, encoding="latin-1")
    pairs = sorted(pair for pair in given if not _is_tracking(pair[0]))
    fragment = "" if "=" in (parts.fragment or "") else parts.fragment or ""
    path = quote(unquote_to_bytes((parts.path or "").rstrip("/")), safe="/:@!$&'()*+,;=")
    return index_key(urlunsplit(("https", host, path, urlencode(pairs, encoding="latin-1"), fragment)))


def index_key(text: str) -> str:
    """Return `text` itself if it is short enough for a unique index, else its SHA-256."""
    octets = text.encode("utf-8", "replace")
    return text if len(octets) <= KEY_MAX_BYTES else f"sha256:{hashlib.sha256(octets).hexdigest()}"


def host_of(url: str) -> str:
    """Return the host of `url` without a leading "www.", or an empty text."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _port(parts: Url) -> str:
    return f":{parts.port}" if parts.port not in {None, *_DEFAULT_PORTS.values()} else ""


def _is_tracking(name: str) -> bool:
    name = name.lower()
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)
