"""Which domains one mailbox provider keeps: what it asks of one of them, it asks of all."""

from functools import lru_cache

_DOMAINS_BY_PROVIDER = {
    "gmail.com": ("googlemail.com",),
    "outlook.com": (
        "outlook.fr", "hotmail.com", "hotmail.fr", "hotmail.be", "hotmail.co.uk", "hotmail.de", "hotmail.es",
        "hotmail.it", "live.com", "live.fr", "msn.com",
    ),
    "yahoo.com": (
        "yahoo.fr", "yahoo.ca", "yahoo.co.uk", "yahoo.de", "yahoo.es", "yahoo.it", "ymail.com", "rocketmail.com",
        "aol.com",
    ),
    "icloud.com": ("me.com", "mac.com"),
    "orange.fr": ("wanadoo.fr",),
    "sfr.fr": ("neuf.fr",),
    "proton.me": ("protonmail.com",),
}  # fmt: skip
_PROVIDER_BY_DOMAIN = {domain: provider for provider, domains in _DOMAINS_BY_PROVIDER.items() for domain in domains}
#: Domains whose provider is kept at hand.
KEPT = 4096


def provider_of(address: str) -> str:
    """Return the domain by which the provider of an address is known here; most domains are their own."""
    return provider_of_domain(address.rpartition("@")[2])


@lru_cache(maxsize=KEPT)
def provider_of_domain(domain: str) -> str:
    """Return the domain by which the provider of `domain` is known here."""
    domain = domain.lower()
    return _PROVIDER_BY_DOMAIN.get(domain, domain)


def is_public_provider(provider: str) -> bool:
    """Say whether `provider` is known to give mailboxes to anybody: its name tells of no person."""
    return provider in _DOMAINS_BY_PROVIDER
