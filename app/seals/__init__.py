"""Seals over the ends of all chains, day by day, and the verification that finds what was changed behind them."""
