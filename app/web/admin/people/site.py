"""What factors need to know of this desk: its name to passkeys, and the keys that lock what authenticators share."""

from functools import cache
from urllib.parse import urlsplit

from flask import request

from app.admins.passkeys import Site, site_of
from app.admins.vault import Vault
from app.web import product


def site() -> Site:
    """Return who we are to passkeys."""
    config = product().config
    return site_of(config.public_url, config.identity.publication)


def has_name() -> bool:
    """Say whether the desk was opened by the name that passkeys are bound to: 127.0.0.1 is no name."""
    return urlsplit(request.host_url).hostname == site().host


def vault() -> Vault:
    """Return what locks the secrets of authenticators."""
    return _vault(product().config.secret_keys)


_vault = cache(Vault)
