"""Board games: two seats, open information."""
