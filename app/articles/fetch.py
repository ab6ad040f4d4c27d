"""Fetches one URL that a stranger may have chosen: from the open internet only, little, and not for long."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import requests
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import DecodeError, HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from app.articles.connections import Deadline, OpenAdapter, OutwardAdapter
from app.articles.inward import refuse_inward
from app.errors import FetchRefused, HostAway

CHUNK_BYTES = 65_536
URL_MAX_CHARS = 2_000
_PORTS = {"http": 80, "https": 443}
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
FEED_FORMATS = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
#: Reads the body of an answer within limits.
_Read = Callable[[requests.Response, "FetchLimits"], bytes]
PAGE_FORMATS = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


@dataclass(frozen=True)
class FetchLimits:
    """What one fetch may take. `allowed_inward`: host:port pairs free of the address rule and the port rule, as long as
    nobody else has led there."""

    allowed_inward: frozenset[str] = frozenset()
    contact: str = ""
    connect_s: float = 5.0
    total_s: float = 15.0
    max_bytes: int = 5_000_000
    max_ratio: int = 100
    max_redirects: int = 3

    @property
    def user_agent(self) -> str:
        """How we name ourselves, with where to complain."""
        return f"Vigie/0.1 (+{self.contact})" if self.contact else "Vigie/0.1"


@dataclass(frozen=True)
class Fetched:
    """The last answer, at `url`. `body` is empty unless `status` is 200; `headers` have lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    url: str


def fetch(
    url: str,
    *,
    etag: str | None = None,
    modified: str | None = None,
    limits: FetchLimits | None = None,
    formats: str = FEED_FORMATS,
) -> Fetched:
    """Return what `url` answers, asking only for what is newer than `etag` and `modified` (RFC 9110 §13.1).

    `formats` are media types that are wanted. Raises FetchRefused, saying why, if the URL may not be fetched, cannot
    be, or takes more than `limits` give, HostAway if that is its host's fault.
    The system's resolver keeps its own time limits; they come on top of ours.
    """
    conditions = {"If-None-Match": etag, "If-Modified-Since": modified}
    headers = {"Accept": formats, **{name: value for name, value in conditions.items() if value}}
    return _answer(url, limits or FetchLimits(), headers, _body)


def ask(url: str, *, limits: FetchLimits) -> int:
    """Return the status that a page answers with, redirects followed, and leave its body. Raises as `fetch` does."""
    return _answer(url, limits, {"Accept": PAGE_FORMATS}, _no_body).status


def _answer(url: str, limits: FetchLimits, headers: Mapping[str, str], read: _Read) -> Fetched:
    sent = {"User-Agent": limits.user_agent, "Accept-Encoding": "gzip, deflate", **headers}
    with Deadline(limits.total_s) as deadline, _session(limits, deadline) as session:
        session.headers = requests.structures.CaseInsensitiveDict(sent)
        try:
            fetched = _follow(session, url, limits, read)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if deadline.has_passed:
                raise HostAway(f"the server took longer than {limits.total_s:g} s") from error
            raise _refusal(error) from error
        if deadline.has_passed:  # an answer without a stated length looks complete when it is cut off
            raise HostAway(f"the server took longer than {limits.total_s:g} s")
    return fetched


def parse_address(url: str) -> Url:
    """Return `url` parsed, in the spelling that will be sent, without a fragment; looks up nothing.

    Raises FetchRefused unless it is http or https, without a user name, and at most 2,000 characters long.
    """
    try:
        parts = parse_url(requests.Request("GET", url).prepare().url or "")
    except (requests.RequestException, LocationParseError, ValueError) as error:
        raise FetchRefused("this is not a web address") from error
    if parts.scheme not in _PORTS or not parts.host or len(parts.url) > URL_MAX_CHARS:
        raise FetchRefused(f"only http and https addresses of up to {URL_MAX_CHARS:,} characters are fetched")
    if parts.auth is not None or "@" in (parts.netloc or ""):
        raise FetchRefused("the address holds a user name or password")
    return parts._replace(fragment=None)


def _follow(session: requests.Session, url: str, limits: FetchLimits, read: _Read) -> Fetched:
    previous, is_own, times = "", True, (limits.connect_s, limits.total_s)
    for _ in range(limits.max_redirects + 1):
        parts = parse_address(url)
        if previous.startswith("https:") and parts.scheme == "http":
            raise FetchRefused("the server redirects from https to http")
        is_own = is_own and _origin(parts) in limits.allowed_inward
        if not is_own:  # a stranger's redirect must not have our own machines asked
            _refuse_elsewhere(parts)
        with session.get(parts.url, timeout=times, allow_redirects=False, stream=True) as response:
            target = session.get_redirect_target(response)
            if target is None:
                return _fetched(response, limits, read)
            previous, url = parts.url, urljoin(parts.url, target)
    raise FetchRefused(f"the server redirects more than {limits.max_redirects} times")


def _refuse_elsewhere(parts: Url) -> None:
    standard = _PORTS[str(parts.scheme)]
    if parts.port not in {None, standard}:
        raise FetchRefused("only the standard ports 80 and 443 are fetched from")
    refuse_inward(str(parts.host).strip("[]"), standard)


def _fetched(response: requests.Response, limits: FetchLimits, read: _Read) -> Fetched:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = read(response, limits) if response.status_code == 200 else b""
    return Fetched(response.status_code, body, headers, response.url)


def _body(response: requests.Response, limits: FetchLimits) -> bytes:
    """Return the decoded body, read in small pieces and given up as soon as it is too much."""
    if response.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise FetchRefused("the server compresses in a way that was not asked for")
    body = bytearray()
    for piece in response.raw.stream(CHUNK_BYTES, decode_content=True):
        body += piece
        if len(body) > limits.max_bytes:
            raise FetchRefused(f"the answer is larger than {limits.max_bytes / 1_000_000:g} MB")
        if len(body) > limits.max_ratio * response.raw.tell():
            raise FetchRefused(f"the answer unpacks to more than {limits.max_ratio} times its size")
    return bytes(body)


def _no_body(_: requests.Response, __: FetchLimits) -> bytes:
    return b""


def _session(limits: FetchLimits, deadline: Deadline) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment would look the name up again, and answer for it
    for scheme in _PORTS:
        session.mount(f"{scheme}://", OutwardAdapter(deadline, is_https=scheme == "https"))
    for origin in limits.allowed_inward:
        for prefix in _prefixes(origin):
            session.mount(prefix, OpenAdapter(deadline))
    return session


def _prefixes(origin: str) -> list[str]:
    """Return the beginnings of all URLs of a host:port pair."""
    host, _, port = origin.rpartition(":")
    standard = [f"{scheme}://{host}/" for scheme, number in _PORTS.items() if str(number) == port]
    return [*(f"{scheme}://{origin}/" for scheme in _PORTS), *standard]


def origin_of(url: str) -> str:
    """Return the host:port of `url`, as settings allow it. Raises FetchRefused as `parse_address` does."""
    return _origin(parse_address(url))


def _origin(parts: Url) -> str:
    return f"{parts.host}:{parts.port or _PORTS[str(parts.scheme)]}".lower()


def _refusal(error: Exception) -> FetchRefused:
    match error:
        case InvalidIPAddress():
            return FetchRefused("the address points inside this network, where feeds are not fetched")
        case requests.exceptions.SSLError():
            return FetchRefused("the server's certificate is not valid, or it does not speak TLS")
        case requests.exceptions.Timeout():
            return HostAway("the server does not answer in time")
        case DecodeError():
            return FetchRefused("the answer is not compressed as it says")
        case requests.exceptions.ConnectionError():
            return FetchRefused("no connection to the server")
    return FetchRefused("the server's answer broke off or is not HTTP")
