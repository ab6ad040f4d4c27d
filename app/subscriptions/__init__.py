"""Readers and what they agreed to: subscribers, subscriptions, consent events, suppressions."""
