"""The pictures of the games of cards, dice and bids: a table of felt, what lies on it, and a button for each move."""
