"""Digests made for readers: who is due, what each is to have, and the variants in which an edition goes out."""
