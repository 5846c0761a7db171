"""Pictures of the arcade games."""
