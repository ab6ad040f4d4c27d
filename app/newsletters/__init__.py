"""Newsletters: what one subscribes to, its languages, its sender, and the wordings shown when subscribing."""
