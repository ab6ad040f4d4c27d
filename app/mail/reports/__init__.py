"""Returned mail, read: delivery reports, complaints, automatic replies, and bounces written for people.

It takes the bytes of one mail and gives back what it says. It decides nothing and looks nothing up.
"""
