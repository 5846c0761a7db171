"""Pictures of the control tasks."""
