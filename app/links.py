"""Absolute URLs for letters and pages, from the configured public URL: workers have no request to ask."""

from datetime import datetime

from app.tokens import Tokens


class Links:
    """Builds every link that leaves the house; `public_url` has no trailing slash."""

    def __init__(self, public_url: str, tokens: Tokens) -> None:
        self.public_url = public_url
        self._tokens = tokens

    def home(self, language: str, slug: str | None = None) -> str:
        """The sign-up page of the newsletter that addresses name `slug`, or of the first one."""
        return f"{self.public_url}/{language}/newsletters/{slug}/" if slug else f"{self.public_url}/{language}/"

    def privacy(self, language: str) -> str:
        """The privacy policy."""
        return f"{self.public_url}/{language}/privacy"

    def privacy_version(self, language: str, version: int) -> str:
        """One version of the privacy policy, as it was shown."""
        return f"{self.privacy(language)}/{version}"

    def legal(self, language: str) -> str:
        """The legal notice (LCEN art. 1-1)."""
        return f"{self.public_url}/{language}/legal"

    def archive(self, language: str, slug: str | None = None) -> str:
        """The list of a newsletter's past editions."""
        return f"{self.home(language, slug)}archive"

    def archived_edition(self, language: str, edition_public_id: str) -> str:
        """The public page of one sent edition."""
        return f"{self.public_url}/{language}/archive/{edition_public_id}"

    def confirm(self, language: str, confirmation_id: str, *, requested_at: datetime) -> str:
        """The page that confirms one sign-up request; its life, the confirm setting, counts from `requested_at`."""
        return f"{self.public_url}/{language}/confirm/{self._tokens.sign('confirm', confirmation_id, at=requested_at)}"

    def stay(self, language: str, question_public_id: str, *, asked_at: datetime) -> str:
        """The page on which a reader says that they stay."""
        return self.page(language, "stay") + self._tokens.sign("stay", question_public_id, at=asked_at)

    def renew(self, language: str, question_public_id: str, *, asked_at: datetime) -> str:
        """The page on which a reader agrees to a new wording."""
        return self.page(language, "renew") + self._tokens.sign("renew", question_public_id, at=asked_at)

    def unsubscribe(self, language: str, subscription_public_id: str) -> str:
        """The page, and the one-click target (RFC 8058), that ends one subscription."""
        return self.page(language, "unsubscribe") + self.sign("unsubscribe", subscription_public_id)

    def preferences(self, language: str, subscription_public_id: str) -> str:
        """The reader's choices."""
        return self.page(language, "preferences") + self.sign("preferences", subscription_public_id)

    def my_data(self, language: str) -> str:
        """The form that brings a data link by mail."""
        return f"{self.public_url}/{language}/my-data"

    def data(self, language: str, data_id: str, *, requested_at: datetime) -> str:
        """All that is held of a reader; its life, the data link setting, counts from `requested_at`."""
        return self.page(language, "my-data") + self._tokens.sign("data", data_id, at=requested_at)

    def address(self, language: str, change_public_id: str, *, requested_at: datetime) -> str:
        """The page that confirms a new address."""
        return self.page(language, "address") + self._tokens.sign("address", change_public_id, at=requested_at)

    def address_undo(self, language: str, change_public_id: str, *, requested_at: datetime) -> str:
        """The page on which the owner of the former address takes the change back."""
        return self.page(language, "address-undo") + self._tokens.sign(
            "address-undo", change_public_id, at=requested_at
        )

    def view(self, language: str, edition_public_id: str) -> str:
        """The letter of an edition in a browser, without anything personal."""
        return self.page(language, "view") + self.sign("view", edition_public_id)

    def go(self, language: str, edition_public_id: str, place: int) -> str:
        """The way to the article at `place` of an edition, the same for all readers."""
        return f"{self.page(language, 'go')}{self.sign('go', edition_public_id)}/{place}"

    def sign_in(self, link_secret: str) -> str:
        """A one-time sign-in page of the desk."""
        return f"{self.public_url}/admin/sign-in/{link_secret}"

    def gate(self, edition_id: int) -> str:
        """The desk's page of what is looked at before an edition leaves."""
        return f"{self.public_url}/admin/editions/{edition_id}/send"

    def invitation_secret(self, reference: str, *, invited_at: datetime) -> str:
        """What the one-time link of an invitation ends in: the same whenever it is asked for."""
        return self._tokens.sign("invite", reference, at=invited_at)

    def mailed_secret(self, reference: str, *, asked_at: datetime) -> str:
        """What the one-time link ends in that an admin has mailed to them: the same whenever it is asked for."""
        return self._tokens.sign("sign-in-mail", reference, at=asked_at)

    def page(self, language: str, purpose: str) -> str:
        """What all addresses of a purpose begin with; a token follows."""
        return f"{self.public_url}/{language}/{purpose}/"

    def sign(self, purpose: str, public_id: str) -> str:
        """The token that ends an address of a purpose."""
        return self._tokens.sign(purpose, public_id)
