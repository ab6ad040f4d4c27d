"""Mail providers, one module each: what authenticates their reports (hooks), and what those say as notices."""
