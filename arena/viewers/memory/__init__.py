"""Pictures of the tasks of memory."""
