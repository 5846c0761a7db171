"""Tasks that cannot be done without memory: one file, one task."""
