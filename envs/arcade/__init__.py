"""Arcade games on small grids: MinAtar's five, and pong, snake and a Breakout of pixels."""
