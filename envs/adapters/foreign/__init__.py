"""Other projects' games as ours: Gymnasium's, PettingZoo's and OpenSpiel's, by the spec `gym:`, `pz:` or `spiel:`."""
