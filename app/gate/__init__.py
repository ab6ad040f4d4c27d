"""The gate: what is looked at before an edition leaves, who may let it pass all the same, and who else agrees."""
