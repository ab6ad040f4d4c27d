"""The sign-up form's defence: how often it may be used, and by whom; it can be turned against nobody."""
