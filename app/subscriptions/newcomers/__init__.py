"""Readers who are brought along: lists that admins import, and those of them who are held for want of proof."""
