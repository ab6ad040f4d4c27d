"""Each check of a letter finds what was spoilt for it, and nothing in the letters that we send."""

import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest

from app.gate.findings import What
from app.gate.letter import check_message
from app.gate.links import leads_home
from app.settings.mail import MailSettings
from config import Config
from tests.conftest import make_config

GOLDEN = sorted((Path(__file__).resolve().parents[1] / "golden").glob("*.eml"))
DIGEST = Path(__file__).resolve().parents[1] / "golden" / "digest.en.eml"
Spoil = Callable[[str], str]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The publication of the golden letters."""
    made = make_config(f"sqlite:///{tmp_path / 'vigie.db'}", tmp_path)
    return replace(
        made, public_url="https://lettre.newsletter.example", mail=MailSettings(sender="lettre@newsletter.example")
    )


def on_the_wire(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def spoilt(*, html: Spoil = str, text: Spoil = str, head: Spoil = str) -> bytes:
    """The golden digest with a fault put into its parts or its head."""
    raw = on_the_wire(DIGEST)
    fields, _, body = raw.partition(b"\r\n\r\n")
    message = message_from_bytes(head(fields.decode()).encode() + b"\r\n\r\n" + body, policy=policy.default)
    for kind, spoil in (("html", html), ("plain", text)):
        part = message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        whole = part.get_content()
        done = spoil(whole)
        assert done != whole or spoil is str
        part.set_content(done, subtype=kind, cte="quoted-printable")
    return message.as_bytes()


def instead(old: str, new: str) -> Spoil:
    return lambda whole: whole.replace(old, new, 1)


def found(raw: bytes, config: Config) -> set[What]:
    return {finding.what for finding in check_message(raw, config)}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_our_own_letters_pass(config: Config, path: Path) -> None:
    assert found(on_the_wire(path), config) == {What.UNSIGNED}  # the approved letters are kept without a signature


def test_putting_a_letter_together_anew_spoils_nothing(config: Config) -> None:
    assert found(spoilt(), config) == {What.UNSIGNED}


LINK = "https://strait.example/en/1?a=1&amp;b=2"
SPOILT: dict[What, Spoil] = {
    What.HTML_LARGE: lambda html: html.replace("</body>", f"<p>{'x' * 70_000}</p></body>"),
    What.HTML_TOO_LARGE: lambda html: html.replace("</body>", f"<p>{'x' * 90_000}</p></body>"),
    What.LINK_EMPTY: instead(LINK, ""),
    What.LINK_SCHEME: instead(LINK, "javascript:alert(1)"),
    What.LINK_PLACEHOLDER: instead(LINK, "{{ link }}"),
    What.LINK_INWARD: instead(LINK, "https://10.0.0.8/x"),
    What.LINK_IN_CLEAR: instead(LINK, "http://strait.example/en/1"),
    What.ALT_MISSING: instead("</body>", '<img src="https://strait.example/a.png"></body>'),
    What.LANG_MISSING: instead('<html lang="en"', "<html"),
    What.HEADING_MISSING: lambda html: re.sub(r"<h1(.*?)</h1>", r"<p\1</p>", html),
    What.HEADING_ORDER: lambda html: html.replace("<h2", "<h3").replace("</h2>", "</h3>"),
    What.ID_TWICE: instead("</body>", '<p id="a">x</p><p id="a">y</p></body>'),
    What.CONTRAST_POOR: lambda html: html.replace("color:#565a61", "color:#949494"),
    What.CONTRAST_UNREADABLE: lambda html: html.replace("color:#565a61", "color:#dddddd"),
    What.FORBIDDEN: instead("</body>", "<form><p>x</p></form></body>"),
    What.UNSUPPORTED: instead("</body>", '<div style="display:flex">x</div></body>'),
    What.HALF_SUPPORTED: instead("</body>", '<img src="https://strait.example/a.bmp" alt="x"></body>'),
}


@pytest.mark.parametrize("what", SPOILT, ids=lambda what: what.value)
def test_what_is_spoilt_in_the_html_is_found(config: Config, what: What) -> None:
    assert what in found(spoilt(html=SPOILT[what]), config)


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        (What.TEXT_LACKS_LINK, instead("https://strait.example/en/1?a=1&b=2", "")),
        (What.TEXT_LACKS_HEADLINE, instead("2. Europe stakes out its frequencies", "2.")),
    ],
)
def test_what_the_text_part_lacks_is_found(config: Config, what: What, spoil: Spoil) -> None:
    assert found(spoilt(text=spoil), config) == {What.UNSIGNED, what}


@pytest.mark.parametrize("heading", ["Diyarbakır", "İzmir", "Straße"])
def test_a_heading_in_capitals_is_the_same_one(config: Config, heading: str) -> None:
    raw = spoilt(html=instead("</body>", f"<h2>{heading}</h2></body>"), text=lambda text: text + heading.upper())
    assert What.TEXT_LACKS_HEADLINE not in found(raw, config)


@pytest.mark.parametrize(
    ("what", "name"),
    [(What.LEAVE_FIELD, "List-Unsubscribe"), (What.ONE_CLICK_FIELD, "List-Unsubscribe-Post"),
     (What.LIST_ID_FIELD, "List-Id")],
)  # fmt: skip
def test_a_missing_field_is_found(config: Config, what: What, name: str) -> None:
    raw = spoilt(head=lambda head: re.sub(rf"(?m)^{name}:.*\r\n([ \t].*\r\n)*", "", head))
    assert what in found(raw, config)


def test_a_letter_without_its_leave_link_is_found(config: Config) -> None:
    def leave_out(part: str) -> str:
        return re.sub(r"https://lettre\.newsletter\.example/en/unsubscribe/[\w.-]+", "https://strait.example/", part)

    assert found(spoilt(html=leave_out, text=leave_out), config) == {What.UNSIGNED, What.LEAVE_LINK}


def with_css(css: str) -> Spoil:
    return lambda html: html.replace("</head>", f"<style>{css}</style></head>", 1)


def with_own(declarations: str) -> Spoil:
    """Every leave link has these declarations of its own, behind its others."""
    return lambda html: re.sub(
        r'(<a href="[^"]*/unsubscribe/[^"]*"[^>]* style="[^"]*?);?"', rf'\1;{declarations}"', html
    )


@pytest.mark.parametrize(
    "spoil",
    [
        *map(with_own, (
            "display:none", "font-size:0", "font-size:0.1em", "font-size:1pt", "font:0/0 a", "color:#ffffff",
            "color:transparent", "color:rgba(0, 0, 0, 0)", "color:#0000", "opacity:0", "visibility:hidden",
            "text-indent:-9999px", "max-height:0;overflow:hidden", "transform:scale(0)", "clip:rect(0,0,0,0)",
            "mso-hide:all", "position:absolute;left:-100em",
        )),
        *map(with_css, (
            "a{display:none !important}", "a[href*=unsub]{display:none!important}", "td a:last-child{opacity:0}",
            "b + a, i ~ a{font-size:0}", "body :not(h1){visibility:hidden}",
            "@media (prefers-color-scheme:dark){a{display:none!important}}", "html{opacity:0}", ":root{display:none}",
            "p > [href]{font-size:0}",
        )),
        lambda html: re.sub(r'(<a href="[^"]*/unsubscribe/[^>]*>)[^<]*(</a>)', r"\1\2", html),
        lambda html: re.sub(r"<body", "<body hidden", html),
    ],
)  # fmt: skip
def test_a_leave_link_that_nobody_sees_is_found(config: Config, spoil: Spoil) -> None:
    assert What.LEAVE_HIDDEN in found(spoilt(html=spoil), config)


@pytest.mark.parametrize(
    "spoil",
    [
        *map(with_own, ("font-size:80%", "font:italic 700 12px/1.4 Arial", "opacity:.8", "max-height:0", "margin:0")),
        *map(with_css, (
            "a:hover{opacity:0}", "a::before{opacity:0}", "a:after{font-size:0}",
            ".none a{display:none!important}", "p{font-size:0}", "h1 a, h2 > a{opacity:0}",
            "td{visibility:hidden} a{visibility:visible}", "a{display:none}",
        )),
    ],
)  # fmt: skip
def test_a_leave_link_that_is_seen_is_none(config: Config, spoil: Spoil) -> None:
    assert What.LEAVE_HIDDEN not in found(spoilt(html=spoil), config)


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [("newsletter.example", set()), ("mail.newsletter.example", set()), ("relay.example", {What.SIGNATURE_ELSEWHERE})],
)
def test_a_signature_is_of_the_sender_s_domain(config: Config, domain: str, wanted: set[What]) -> None:
    field = f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=x; h=from; bh=x; b=x\r\n"
    assert found(spoilt(head=lambda head: field + head), config) == wanted


@pytest.mark.parametrize(
    "style",
    ["background-color:rgba(0,0,0,0)", "background:rgba(0, 0, 0, 0.05)", "background:#0000",
     "background:rgb(0 0 0 / 4%)", "background:transparent", "color:rgba(0,0,0,0.8)", "color:#000000cc",
     "color:maroon", "color:hsl(210, 60%, 25%)", "color:inherit", "color:lab(29% 39 20)"],
)  # fmt: skip
def test_a_ground_that_shows_through_is_read_as_it_looks(config: Config, style: str) -> None:
    spoil = instead("</body>", f'<div style="background:#fff"><p style="color:#222222;{style}">x</p></div></body>')
    assert found(spoilt(html=spoil), config) == {What.UNSIGNED}


@pytest.mark.parametrize(
    "style",
    ["color:transparent", "color:rgba(0,0,0,0.2)", "color:#00000033", "color:#fffa", "color:rgb(0 0 0 / 20%)",
     "background:rgba(0,0,0,0.9)", "background:#000000ee", "color:ivory", "color:hsl(60 100% 90%)",
     "color:rgb(100%, 100%, 94%)", "background:url(https://a.example/#fff) midnightblue"],
)  # fmt: skip
def test_words_that_are_nearly_seen_through_are_found(config: Config, style: str) -> None:
    spoil = instead("</body>", f'<div style="color:#222222;background:#fff"><p style="{style}">x</p></div></body>')
    assert What.CONTRAST_UNREADABLE in found(spoilt(html=spoil), config)


@pytest.mark.parametrize(
    ("address", "is_placeholder"),
    [("https://link.strait.example/a", False), ("https://url.example/", False), ("https://todo-list.example/", False),
     ("https://strait.example/go//link/a", False), ("https://strait.example/?to=https://link.wire.example", False),
     ("https://link", True), ("http://url/", True), ("https://todo?a", True), ("//xxx:80", True), ("todo", True)],
)  # fmt: skip
def test_a_host_that_only_begins_like_a_placeholder_is_none(
    config: Config, address: str, *, is_placeholder: bool
) -> None:
    raw = spoilt(html=instead(LINK, address), text=instead(unescape(LINK), address))
    assert (What.LINK_PLACEHOLDER in found(raw, config)) is is_placeholder


@pytest.mark.parametrize(
    "css",
    ["background:#181a1e !important", "background-color:#181a1e !important",
     "background:#181a1e url(https://newsletter.example/a.png) !important"],
)  # fmt: skip
def test_a_ground_counts_however_it_is_declared(config: Config, css: str) -> None:
    dark = f"@media (prefers-color-scheme: dark) {{.own {{color: #ece9e2 !important;{css}}}}}"
    own = '<p class="own" style="color:#16181d;background-color:#ffffff">x</p></body>'
    raw = spoilt(html=lambda html: with_css(dark)(html).replace("</body>", own))
    assert not {What.CONTRAST_UNREADABLE, What.CONTRAST_POOR} & found(raw, config)


def test_dark_letters_are_looked_at_too(config: Config) -> None:
    raw = spoilt(html=lambda html: html.replace("color: #ece9e2 !important", "color: #222 !important"))
    dark = [finding for finding in check_message(raw, config) if finding.what is What.CONTRAST_UNREADABLE]
    assert {finding.names[0] for finding in dark} == {"dark"}


@pytest.mark.parametrize(
    "css",
    [
        "@media (prefers-color-scheme: light) {.paper p, .paper td, .paper a {color: #16181d !important}}",
        "@media print {.paper p, .paper td, .paper a {color: #000000 !important}}",
        "@media only print and (min-width: 10cm) {.paper p {color: #000000 !important}}",
        "@media print {a {display: none !important}}",
    ],
)
def test_what_is_for_light_rooms_or_for_paper_is_not_looked_at_in_the_dark(config: Config, css: str) -> None:
    assert found(spoilt(html=with_css(css)), config) == {What.UNSIGNED}


@pytest.mark.parametrize(
    "at", ["@media (prefers-color-scheme:light)", "@media screen, print", "@media print, screen", "@media screen"]
)
def test_what_is_for_light_rooms_or_screens_is_looked_at_in_the_light(config: Config, at: str) -> None:
    raw = spoilt(html=with_css(f"{at} {{.paper p {{color: #ffffff !important}}}}"))
    [*unreadable] = [each for each in check_message(raw, config) if each.what is What.CONTRAST_UNREADABLE]
    assert "light" in {each.names[0] for each in unreadable}


def test_what_is_lost_is_named_with_the_programs_that_lose_it(config: Config) -> None:
    raw = spoilt(html=SPOILT[What.UNSUPPORTED])
    [lost] = [finding for finding in check_message(raw, config) if finding.what is What.UNSUPPORTED]
    assert lost.where == "css-display-flex"
    assert "Outlook (Windows, Windows Mail)" in lost.names
    assert "Apple Mail" not in " ".join(lost.names)


@pytest.mark.parametrize(
    ("address", "is_home"),
    [
        ("https://press.example", True),
        ("https://press.example/fr/", True),
        ("https://press.example?a=1", True),
        ("https://press.example.other.example/", False),
        ("https://press.examples/", False),
        ("https://press.example@other.example/", False),
    ],
)
def test_only_our_own_pages_lead_home(address: str, is_home: bool) -> None:
    assert leads_home(address, "https://press.example") is is_home


def test_a_trial_may_lead_to_this_machine(config: Config) -> None:
    trial = replace(config, public_url="http://127.0.0.1:8000")
    raw = spoilt(
        html=lambda part: part.replace("https://lettre.newsletter.example", "http://127.0.0.1:8000"),
        text=lambda part: part.replace("https://lettre.newsletter.example", "http://127.0.0.1:8000"),
        head=lambda head: head.replace("https://lettre.newsletter.example", "http://127.0.0.1:8000"),
    )
    assert found(raw, trial) == {What.UNSIGNED, What.LINK_TRIAL}
    assert What.LINK_INWARD in found(raw, config)
