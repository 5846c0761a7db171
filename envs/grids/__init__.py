"""Games of one seat on a few cells: small enough to be planned exactly and learned in a table."""
