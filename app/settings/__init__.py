"""Settings by subject, each read from the environment; `config` puts them together."""
