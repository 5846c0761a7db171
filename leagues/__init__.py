"""Who meets whom and how strong they are: roles, schedules, payoffs, meta-games, ratings, sequential tests."""
