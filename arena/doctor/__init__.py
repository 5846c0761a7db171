"""The doctor: tries a learner in worlds where the truth is known, and says in words which part of it is broken."""
