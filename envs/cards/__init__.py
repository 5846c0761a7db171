"""Games of cards, dice and bids, in which seats know different things; most are small enough to be solved exactly."""
