"""The pages. Each parses, calls one function, renders or redirects; rules live below."""

import json

from flask import Response, current_app

from app.product import Product
from app.topics.taxonomy import Taxonomy, load


def product() -> Product:
    """Return the parts that the running app was wired with."""
    wired: Product = current_app.extensions["vigie"]
    return wired


def taxonomy_in_use() -> Taxonomy:
    """Return the taxonomy that the settings name."""
    return load(product().config.topics_file)


def attachment(content: dict[str, object], name: str) -> Response:
    """Return `content` as a JSON file to keep."""
    text = json.dumps(content, ensure_ascii=False, indent=2)
    response = Response(text + "\n", mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response
