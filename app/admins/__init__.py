"""The people of the desk: admins, their sessions, one-time sign-in links, and the brake on guessing."""
