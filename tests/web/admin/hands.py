"""Two ways to work the desk, with the same movements: by mouse, and by keyboard alone."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

#: How many stops a page may have before what is wanted.
STOPS = 150


class Hands(Protocol):
    """What somebody does at a page of the desk."""

    page: "Page"

    def press(self, target: "Locator") -> None:
        """Press a button, follow a link, open a fold."""

    def write(self, field: "Locator", text: str) -> None:
        """Put `text` into a field, in place of what is there."""

    def act_on(self, story: "Locator", key: str) -> None:
        """Do to a story of the wire what `key` does."""

    def move_down(self, item: "Locator") -> None:
        """Let an article of a draft change places with the next one."""


class Mouse:
    """Points, presses and drags; types into what was pointed at."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    def press(self, target: "Locator") -> None:
        target.wait_for()
        self.page.wait_for_load_state()  # without its scripts a page goes other ways
        target.click()

    def write(self, field: "Locator", text: str) -> None:
        field.click(click_count=3)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def act_on(self, story: "Locator", key: str) -> None:
        self.press(story.locator(f'[data-key="{key}"]'))

    def move_down(self, item: "Locator") -> None:
        grip, following = item.locator("[data-grip]"), item.locator("xpath=following-sibling::li[1]")
        grip.wait_for()
        start, end = grip.bounding_box(), following.bounding_box()
        assert start
        assert end
        mouse = self.page.mouse
        mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        mouse.down()
        mouse.move(end["x"] + 20, end["y"] + end["height"] * 0.75, steps=8)
        mouse.up()


class Keyboard:
    """Never points: goes from stop to stop with Tab, and uses the keys that the desk tells of."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    def press(self, target: "Locator") -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def write(self, field: "Locator", text: str) -> None:
        self._reach(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def act_on(self, story: "Locator", key: str) -> None:
        self.page.wait_for_load_state()
        rows = self.page.locator("[data-story]")
        for _ in range(rows.count()):
            self.page.keyboard.press("k")
        for _ in range(rows.count()):
            if story.locator("[data-story]").evaluate("row => row === document.activeElement"):
                return self.page.keyboard.press(key)
            self.page.keyboard.press("j")
        raise AssertionError("j does not reach the story")

    def move_down(self, item: "Locator") -> None:
        self._reach(item.locator("a, button:enabled").first)
        self.page.keyboard.press("Alt+ArrowDown")

    def _reach(self, target: "Locator") -> None:
        target.wait_for()
        self.page.wait_for_load_state()  # a page that is on its way would lose the focus
        for _ in range(STOPS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {target}")
