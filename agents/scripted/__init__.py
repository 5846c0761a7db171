"""Agents that do not learn: the fixed points of every rating scale."""
