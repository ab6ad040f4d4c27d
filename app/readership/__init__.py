"""Readers as the desk looks at them: found by filters, taken out as a list, one of them with all that happened."""
