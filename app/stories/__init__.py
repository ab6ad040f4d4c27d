"""Stories: which articles tell of the same event, how stories rank, and which article of one a reader gets."""
