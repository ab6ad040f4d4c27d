"""What readers choose to read, and when: languages, topics and places, cadence. Knows no article and no edition."""
