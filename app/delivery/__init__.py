"""The sending engine: a row per letter, claimed, sent and settled. Knows nothing of newsletters."""
