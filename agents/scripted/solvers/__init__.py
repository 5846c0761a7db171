"""Exact solutions of games, by the name of the game: what `agents.scripted.solver` plays by."""

SOLUTIONS: dict[str, str] = {
    "connect_four": "agents.scripted.solvers.connect_four_play:ConnectFour",
    "tic_tac_toe": "agents.scripted.solvers.tic_tac_toe:TicTacToe",
}
"""game -> "module:class"; a class with no arguments and what `agents.scripted.solver.Solution` asks for."""
