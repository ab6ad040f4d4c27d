"""The desk: where admins compile, preview and send."""
