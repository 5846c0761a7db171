"""The picture of each game: one file, one small function."""
