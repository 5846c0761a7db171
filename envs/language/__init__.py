"""Language tasks: games of one seat whose action is a token and whose reward is a verifier's."""
