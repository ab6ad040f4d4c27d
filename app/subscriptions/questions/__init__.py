"""What readers are asked by letter: whether they stay, and whether they agree to a new wording."""
