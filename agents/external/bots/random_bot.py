"""A bot that plays any game by chance; try it as exec:python agents/external/bots/random_bot.py"""

import random
import sys

legal, bounds = [], []
for line in sys.stdin:
    word, *rest = line.split()
    if word == "hello":
        print("ready", flush=True)
    elif word == "legal":
        legal, bounds = rest, []
    elif word == "controls":  # games in which a move is a list of numbers
        bounds = [(float(low), float(high)) for low, high in zip(rest[::2], rest[1::2], strict=True)]
    elif word == "go":
        answer = [str(random.uniform(low, high)) for low, high in bounds] or [random.choice(legal)]
        print(*answer, flush=True)
