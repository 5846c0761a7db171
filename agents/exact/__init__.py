"""Exact yardsticks for games that fit in memory: planning, best responses, exploitability, CFR."""
