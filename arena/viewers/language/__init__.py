"""Language in pictures: one prompt's group of answers, before and after training, and the curves of a run."""
