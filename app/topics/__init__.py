"""Topics: themes and places that articles carry, the rules that find them, and what editors correct."""
