"""The pages. Each parses, calls one function, renders or redirects; rules live below."""

from flask import current_app

from app.product import Product


def product() -> Product:
    """Return the parts that the running app was wired with."""
    wired: Product = current_app.extensions["vigie"]
    return wired
