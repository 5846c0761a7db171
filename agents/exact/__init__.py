"""Exact yardsticks for games whose whole tree fits in memory: best responses, exploitability, CFR."""
