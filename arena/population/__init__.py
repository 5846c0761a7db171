"""A league of many learners: composed from a preset, trained side by side, kept as a season, measured, and shown.

In the order in which it is read: `composing` (what is played), `trainers` (a round), `sparring` (its workers),
`season` (folder and database), `yardstick` (how good it is), `pace` (how often that is asked and told), `standing` (all
of it as a document), `board` and `report` (for people).
"""
