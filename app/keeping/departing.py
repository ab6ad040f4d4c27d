"""Who keeps the journal of departures, for one configuration."""

from app.product import Product
from app.subscriptions.departures.recording import Keeper


def keeper_of(product: Product) -> Keeper:
    """Return the keeper of the product's journal."""
    return Keeper(product.database, product.config.departures_dir, product.config.suppression_key)
