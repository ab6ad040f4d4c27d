"""The mail library: addresses, letters as bytes, transports and their outcomes. Knows no table and no Flask."""
