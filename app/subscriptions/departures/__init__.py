"""Who departed, written down outside the database as well: no restore brings anybody back."""
