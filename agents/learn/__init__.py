"""Learners: one algorithm a file, each turning experience into weights."""
