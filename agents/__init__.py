"""What plays and learns: scripted players, search, networks, learners."""
