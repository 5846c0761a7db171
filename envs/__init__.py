"""The rules of every game, and the compiled loops that run them."""
