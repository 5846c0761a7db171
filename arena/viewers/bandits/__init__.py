"""Pictures of the families of tasks."""
