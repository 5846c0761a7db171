"""Tree search over rows: a forest of trees grown side by side, their leaves evaluated in one batch."""
