"""What can be written about: sources and the articles that come from them or are written by hand."""
