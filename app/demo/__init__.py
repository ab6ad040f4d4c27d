"""What `flask serve` brings along where no mail server is set: a mail catcher, two small feeds, a first admin."""
