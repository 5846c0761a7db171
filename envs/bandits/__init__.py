"""Families of tasks for learning to learn: one file, one family; a seed is a task."""
