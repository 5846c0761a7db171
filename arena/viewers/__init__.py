"""Watching and playing: pure scenes that turn snapshots into shapes, and the few files that show them."""
