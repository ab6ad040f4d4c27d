"""How a page looks, told by a browser: on a phone and a desktop, light and dark, it fits and axe-core finds nothing.

A page is loaded once and looked at twice, small and light, large and dark: what axe-core finds changes with the theme
in one rule, the contrast, and with the width in few. With PICTURES=folder each look is saved there as a picture, for
people to look at.
"""

import os
import re
from collections.abc import Sequence

from playwright.sync_api import Page

SIZES = {"phone": {"width": 320, "height": 740}, "desktop": {"width": 1280, "height": 900}}
#: Size and colour scheme.
LOOKS = (("phone", "light"), ("desktop", "dark"))
#: For pages that are looked at in both languages: French words are the longer ones.
BY_LANGUAGE = {"fr": LOOKS[:1], "en": LOOKS[1:]}
ON_A_PHONE = (("phone", "light"), ("phone", "dark"))
#: What stands out of the window, where the page can be scrolled sideways.
TOO_WIDE = """() => { const width = document.documentElement.clientWidth;
    return document.documentElement.scrollWidth <= width ? [] :
        [...document.querySelectorAll("body *")].filter(each => each.getBoundingClientRect().right > width)
            .map(each => each.outerHTML.slice(0, 120)); }"""


def faults(page: Page, looks: Sequence[tuple[str, str]] = LOOKS, *, rules: Sequence[str] = ()) -> list[str]:
    """Return what is wrong with the page that `page` shows, in all its looks or in these; it is left in the last.

    Of axe-core's rules all are asked, or those named.
    """
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state()
    found = []
    for size, scheme in looks:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour on its way to another
        where = f"{page.url} ({size}, {scheme})"
        found += [f"{where}: wider than the window: {element}" for element in page.evaluate(TOO_WIDE)]
        options = {"runOnly": list(rules)} if rules else None
        for violation in Axe().run(page, options=options).response["violations"]:
            found += [f"{where}: {violation['id']}: {node['html'][:200]}" for node in violation["nodes"]]
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/{_name(page.url)}-{size}-{scheme}.png", full_page=True)
    return found


def _name(url: str) -> str:
    path = "/".join(url.split("/")[3:])
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"[\w-]{30,}\.?[\w.-]*", "token", path).lower()).strip("-") or "home"
