"""A league of many learners: fed by their roles, frozen by their rules, reset, killed and gone on with."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.learn.a2c import A2C, A2CSettings
from agents.learn.alphazero import AlphaZeroSettings
from agents.learn.descent import Diverged
from agents.learn.ppo import HANDS, MIXED, PPO, PPOSettings
from agents.rollouts import RolloutSettings
from agents.search.search import Search
from agents.self_play import SelfPlay
from agents.storage import agent_digest
from arena.config import load
from arena.engines import OURS
from arena.population.board import remarks
from arena.population.composing import compose
from arena.population.pace import Pace
from arena.population.plan import LeaguePlan
from arena.population.season import Season
from arena.population.sparring import Recipe
from arena.population.trainers import scored
from arena.population.yardstick import Yardstick
from arena.store import Store
from arena.worker import cached_agent
from envs.registry import game
from leagues.census import Member
from leagues.preset import composition
from leagues.roles import feed
from leagues.snapshots import Verdict
from tests.arena.test_curves import shown

NET = "mlp:layers=1,width=8"
PLAYING = RolloutSettings(lanes=8, steps=6)
ALPHASTAR = {
    "learners": {
        "main": {"role": "main"}, "exploiter": {"role": "main_exploiter"}, "league": {"role": "league_exploiter"},
    },
    "snapshots": {"least": 60, "most": 120},
    "matches": {"rated_pairs": 2, "opponents": 3, "stored": 5},
}  # fmt: skip

ABSENT = "'seer' is left out: AlphaZero looks ahead in the position, which kuhn (hidden) does not allow."


def plan(tables: dict = ALPHASTAR, name: str = "kuhn", **more) -> LeaguePlan:
    made, rules = composition(tables), game(name)
    ppo = Recipe("ppo", NET, PPO.parts(rules, PPOSettings())[1], PLAYING)
    a2c = Recipe("a2c", NET, A2C.parts(rules, A2CSettings())[1], PLAYING)
    live = [m.name for m in made.members() if m.live]
    recipes = {one: a2c if one == "exploiter" else ppo for one in live}
    settings = {one: A2CSettings() if one == "exploiter" else PPOSettings(batch=64, epochs=1) for one in live}
    given = {"seed": 0, "workers": 1, "ray": False, "positions": 1, "backend": "torch", **more}
    return LeaguePlan(name, made, recipes, settings, **given)


def play(folder: Path, rounds: int, of: LeaguePlan | None = None, **more) -> Season:
    with Store(folder / "arena.db") as store:
        season = Season(folder / "runs" / "x", of or plan(), store, rounds=rounds, **more)
        season.play()
    return season


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """A league that has been played: what was drawn and what the table said is written down on the way."""
    folder = tmp_path_factory.mktemp("league")
    with Store(folder / "arena.db") as store:
        one = Season(folder / "runs" / "x", plan(left_out={"seer": ABSENT}), store, rounds=10)
        one.told_by_role = []  # type: ignore[attr-defined]
        send = one.trainers._send

        def spy(name, handles, *round):
            drawn = send(name, handles, *round)
            pupil = one.trainers.pupils[name]
            one.told_by_role.append((pupil.fed, feed(pupil.member, one.trainers.census)))  # type: ignore[attr-defined]
            return drawn

        one.seconds_of_play = 0.0  # type: ignore[attr-defined]
        log = one.log

        def heard(turn):
            one.seconds_of_play += sum(part.seconds for part in turn.parts)  # type: ignore[attr-defined]
            log(turn)

        one.trainers._send, one.log = spy, heard
        one.play()
        one.stored = {p: store.count(purpose=p) for p in ("selfplay", "league", "rating")}  # type: ignore[attr-defined]
        one.entered = {m.name: m for m in store.members("kuhn")}  # type: ignore[attr-defined]
    return one


def test_each_is_fed_what_its_role_says(season):
    assert len(season.told_by_role) == 30
    assert all(fed == pure for fed, pure in season.told_by_role)
    assert len({tuple(fed.odds) for fed, _ in season.told_by_role}) > 5  # it changes as members come


def test_frozen_members_stay_what_they_were_while_their_parents_learn(season):
    digests = season.population.digests()
    assert len(digests) >= 8
    for name, digest in digests.items():
        assert agent_digest(season.folder / "agents" / name) == digest
    first, last = (f"main-{step}" for step in (min(steps(season, "main")), max(steps(season, "main"))))
    one, other = season.population.weights(first), season.population.weights(last)
    assert any((one[key] != other[key]).any() for key in one)
    with pytest.raises(ValueError, match="read-only"):
        next(iter(one.values()))[:] = 0


def steps(season: Season, parent: str) -> list[str]:
    return [one["name"].rpartition("-")[2] for one in season.frozen if one["parent"] == parent]


def test_an_exploiter_is_frozen_before_it_starts_anew(season):
    pupil, first = season.trainers.pupils["exploiter"], season.trainers.first["exploiter"]
    anew = [one for one in season.frozen if one["parent"] == "exploiter" and one["anew"]]
    assert anew and pupil.lives == len(anew) and pupil.before == anew[-1]["step"]
    for one in anew:
        frozen = season.population.weights(one["name"])
        assert any((frozen[key] != first[key]).any() for key in first)  # the trained one, not the newborn
    assert not any(one["anew"] for one in season.frozen if one["parent"] == "main")


def test_a_reset_gives_back_the_first_weights_and_forgets_the_games(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(), store, rounds=1)
        one.trainers.round(0.0)
        pupil, seen = one.trainers.pupils["exploiter"], {}
        trained = dict(pupil.weights)
        assert one.trainers.payoff.games("exploiter", "main") > 0
        said = Verdict(True, "now", 1.0)
        assert one.trainers.freeze("exploiter", Member("exploiter-1", "x", parent="exploiter"), seen.__setitem__, said)
        (kept,) = seen.values()
        assert all((kept[key] == trained[key]).all() for key in trained)
        assert all((pupil.weights[key] == one.trainers.first["exploiter"][key]).all() for key in trained)
        assert one.trainers.payoff.games("exploiter", "main") == 0 and pupil.learner.steps == 0 < pupil.steps
        one.close()


def test_games_and_members_are_in_the_database(season):
    assert season.stored["league"] > 0 and season.stored["selfplay"] > 0 and season.stored["rating"] > 0
    snapshot = season.entered[f"x-{season.frozen[0]['name']}"]
    assert snapshot.kind == "snapshot" and snapshot.parent == f"x-{season.frozen[0]['parent']}"
    assert snapshot.sha256 == season.frozen[0]["digest"]


def test_the_document_tells_all_of_it(season):
    told = json.loads((season.folder / "league.json").read_text())
    assert [m["name"] for m in told["members"][:4]] == ["main", "exploiter", "league", "random"]
    assert told["feeds"]["exploiter"]["odds"] == {"main": 1.0}
    assert sum(told["feeds"]["main"]["odds"].values()) == pytest.approx(1.0)
    assert set(told["exploitability"]) >= {"main", "exploiter", "league", "average of the frozen"}
    assert all(0 <= value < 1 for value in told["exploitability"].values())
    names, score = told["payoff"]["names"], np.array(told["payoff"]["score"])
    low, high = np.array(told["payoff"]["low"]), np.array(told["payoff"]["high"])
    assert len(names) == len(score) and (low <= score + 1e-4).all() and (score <= high + 1e-4).all()
    assert np.allclose(score + score.T, 1, atol=1e-3)
    for one in told["exploits"]:
        assert low[names.index(one["who"]), names.index(one["whom"])] > 0.5
    assert len(told["history"]) >= 5 and told["ratings"]
    assert told["in_play"] == pytest.approx(season.seconds_of_play / season.trainers.lasted, abs=1e-4)
    assert 0 < told["in_play"] < 1
    assert told["left_out"] == {"seer": ABSENT} and told["broken"] == {}
    assert 0 <= told["diversity"] < 0.5 and told["diversity"] == told["history"][-1]["diversity"]
    assert sum(member.get("share", 0) for member in told["members"]) == pytest.approx(1, abs=1e-3)
    anew = [one for one in season.frozen if one["parent"] == "exploiter" and one["anew"]]
    descents = {member["name"]: member.get("descent") for member in told["members"]}
    assert descents["main"] == "random weights"
    assert descents["exploiter"] == f"its first weights, life {len(anew) + 1}"
    assert descents[anew[0]["name"]] == f"exploiter, round {anew[0]['round']}"


def test_its_document_is_written_when_that_is_due_and_at_the_end(tmp_path, monkeypatch):
    written: list[int] = []
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(), store, rounds=4)
        one.telling, one.filing = Pace(0.0, 1.0), Pace(3600.0, 1.0)

        def written_down(path, text):
            written.extend([one.trainers.number] if path.name == "league.json" else [])

        monkeypatch.setattr("arena.population.season.write_text", written_down)
        one.play()
    assert written == [1, 4]


def test_curves_of_all_learners_that_are_frozen_together_and_of_what_they_are_fed(season):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = EventAccumulator(str(season.folder / "events"), size_guidance={"scalars": 0})
    curves.Reload()
    tags = curves.Tags()["scalars"]
    newest = {one["parent"]: season.entry(one["name"]) for one in season.frozen}
    elo = dict(zip(season.ledger.ratings.names, season.ledger.ratings.elo, strict=True))
    assert set(newest) == {"main", "exploiter", "league"}
    for learner, name in newest.items():
        assert curves.Scalars(f"elo/{learner}")[-1].value == pytest.approx(elo[name], rel=1e-5)
    assert [tag for tag in tags if tag.startswith("exploiter/fed/")] == ["exploiter/fed/main"]
    last = {tag: curves.Scalars(tag)[-1] for tag in tags if tag.startswith("main/fed/")}
    assert {"main/fed/main", "main/fed/past of main", "main/fed/past of league"} <= set(last)
    assert sum(one.value for one in last.values() if one.step == 10) == pytest.approx(1.0)


def test_killed_it_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    """The state of one that was stopped in its fifth round and of one never stopped, after six."""
    monkeypatch.setattr(Yardstick, "due", lambda self: False)  # it goes by the clock
    whole = play(tmp_path / "a", 6)

    class Killed(Exception):
        pass

    with Store(tmp_path / "b" / "arena.db") as store:
        one = Season(tmp_path / "b" / "runs" / "x", plan(), store, rounds=6)
        rounds, one.keep_minutes = one.trainers.round, 0.0

        def killed(progress, meanwhile):
            if one.trainers.number == 2:
                one.keep_minutes = 1.0  # so that what is gone on from lies before a snapshot
            if one.trainers.number == 4:
                raise Killed
            return rounds(progress, meanwhile)

        one.trainers.round = killed  # type: ignore[method-assign]
        with pytest.raises(Killed):
            one.play()
    with (one.folder / "history.jsonl").open("ab") as history:
        history.write(b'{"rou\xff')  # a line that the kill cut short
    time.sleep(1.01 - time.time() % 1)  # TensorBoard reads files by the second they were begun in
    again = play(tmp_path / "b", 6)
    assert again.resumed and again.history[0]["round"] < 4
    curves = shown(whole.folder)
    assert curves == shown(again.folder) and len(curves) > 30
    assert all(len(dict(curve)) == len(curve) for curve in curves.values())  # each step once
    assert [point["round"] for point in again.history] == [point["round"] for point in whole.history]
    assert same(whole.trainers.state(), again.trainers.state())
    assert whole.population.digests().keys() == again.population.digests().keys()
    assert games(tmp_path / "a") == games(tmp_path / "b")  # rating games too: none more, for what a kill left
    assert not same(whole.trainers.state()["pupils"], play(tmp_path / "c", 1, plan(seed=1)).trainers.state()["pupils"])


def games(folder: Path) -> tuple:
    with Store.read(folder / "arena.db") as store:
        rated = sorted((one.upto, one.name, one.elo, one.games) for one in store.rating_history("kuhn"))
        return {one.id: (one.purpose, one.seats, one.moves) for one in store.games()}, rated


def same(a, b) -> bool:
    """Whether two states are equal to the last bit, time aside."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if hasattr(a, "numpy"):
        a, b = a.detach().numpy(), b.detach().numpy()
    if isinstance(a, np.ndarray) and a.dtype.names:  # what lies between the fields is nobody's
        return all(same(a[name], b[name]) for name in a.dtype.names)
    if isinstance(a, np.ndarray):
        return a.tobytes() == np.asarray(b).tobytes()
    return a == b


def test_who_changes_on_disk_is_left_out_and_the_rest_goes_on(tmp_path):
    first = play(tmp_path, 4)
    name = first.frozen[0]["name"]
    (first.folder / "agents" / name / "weights.safetensors").write_bytes(b"other")
    second = play(tmp_path, 3)
    assert name in second.population.unusable and "put the original back" in second.population.unusable[name]
    assert second.trainers.number == 7
    assert all(name not in (p.fed.odds if p.fed else {}) for p in second.trainers.pupils.values())


def test_whose_files_vanish_while_it_is_played_is_left_out_and_the_rest_goes_on(tmp_path):
    tables = {**ALPHASTAR, "matches": {"rated_pairs": 30, "opponents": 3, "stored": 0, "every_pair": 1, "cached": 1}}
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(tables), store, rounds=6)
        acquaint, gone = one.acquaint, []

        def vanishing(fresh):
            if not gone and len(one.frozen) > len(fresh):
                gone.append(one.frozen[0]["name"])
                shutil.rmtree(one.folder / "agents" / gone[0])
                cached_agent.cache_clear()
            acquaint(fresh)

        one.acquaint = vanishing  # type: ignore[method-assign]
        told = one.play()
    assert told["round"] == 6 and len(one.frozen) > 4
    assert list(told["left_out"]) == gone and "cannot be read" in told["left_out"][gone[0]]


def test_games_that_fail_count_for_nobody_and_no_opening_comes_twice(tmp_path):
    tables = {**ALPHASTAR, "matches": {"rated_pairs": 6, "opponents": 3, "stored": 0, "every_pair": 2}}
    dealt: list[str] = []
    ended: dict[str, int] = {"acquainted": 0, "rated": 0}
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(tables), store, rounds=5)
        worker, payoff = one.trainers.pool.workers[0], one.trainers.payoff  # type: ignore[attr-defined]
        meet, send, add, counted = worker.meet, one.send_out, payoff.add, []

        def failing(meeting):
            found = meet(meeting)
            dealt.extend(pairing.id for pairing, _ in found)
            ended["acquainted"] += len(found) // 2
            return [(p, replace(f, broken="out of order") if i % 2 == 0 else f) for i, (p, f) in enumerate(found)]

        def rating(fresh):
            before = ended["acquainted"]
            send(fresh)
            ended["rated"] += ended["acquainted"] - before
            ended["acquainted"] = before

        def counting(result, fade=True):
            counted.extend([] if fade else [result])
            add(result, fade)

        worker.meet, one.send_out, payoff.add = failing, rating, counting
        told = one.play()
        stored = store.count(purpose="rating")
    assert len(dealt) == len(set(dealt)) and min(ended.values()) > 5
    assert len(counted) == ended["acquainted"]
    assert stored == sum(one.ledger.results.values()) == sum(ended.values())
    assert told["broken"] == {"out of order": len(dealt) - sum(ended.values())}
    assert any("out of order" in line for line in remarks(told))


@pytest.mark.parametrize(("way", "says"), [("raises", "The loss is nan"), ("weights", "no numbers any more")])
def test_one_that_diverges_is_stopped_alone(tmp_path, way, says):
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(), store, rounds=3)
        learner = one.trainers.pupils["league"].learner

        def diverge(experience, progress):
            if way == "raises":
                raise Diverged("The loss is nan.")
            lost = {name: np.full_like(array, np.nan) for name, array in learner.weights().items()}
            learner.weights = lambda: lost  # type: ignore[method-assign]
            return {}

        learner.update = diverge  # type: ignore[method-assign]
        told = one.play()
    pupils = one.trainers.pupils
    assert says in pupils["league"].stopped and "the others go on" in pupils["league"].stopped
    assert not pupils["main"].stopped
    assert pupils["main"].steps > 0 and pupils["league"].steps == 0
    assert next(m for m in told["members"] if m["name"] == "league")["stopped"]


def test_a_league_of_one_that_diverges_is_over(tmp_path):
    tables = {"learners": {"self": {"role": "latest"}}, "matches": {"rated_pairs": 0}, "anchors": []}
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(tables), store, minutes=60)

        def diverge(experience, progress):
            raise Diverged("The loss is nan.")

        one.trainers.pupils["self"].learner.update = diverge  # type: ignore[method-assign]
        told = one.play()
    assert told["round"] <= 2 and "The loss is nan" in told["members"][0]["stopped"]


def test_psro_lets_every_two_frozen_members_meet(tmp_path):
    tables = {
        "learners": {"oracle": {"role": "psro"}},
        "snapshots": {"least": 40, "most": 40},
        "matches": {"every_pair": 2, "rated_pairs": 0},
        "anchors": [],
    }
    one = play(tmp_path, 4, plan(tables, "matrix"))
    frozen = one.trainers.census.frozen()
    counts = one.trainers.payoff.counts(frozen)
    assert len(frozen) >= 3
    assert (counts + np.eye(len(frozen)) >= 1).all() and counts[0, 1] == 4  # not faded
    assert one.trainers.pupils["oracle"].lives == len(frozen) - 1  # each answer is learned from the beginning
    assert one.yardstick.tree is not None


def test_who_searches_and_who_does_not_learn_in_one_league(tmp_path):
    tables = {"learners": {"a": {"role": "main"}, "b": {"role": "main"}}, "snapshots": {"least": 1, "most": 9}}
    tables["learners"]["b"]["positions"] = 20
    of = plan(tables, "tic_tac_toe")
    searching = SelfPlay(lanes=4, search=Search(simulations=4), fast_simulations=2)
    recipes = {**of.recipes, "b": Recipe("alphazero", NET, ("policy", "value"), searching)}
    settings = {**of.settings, "b": AlphaZeroSettings(batch=16, window=500, window_start=20)}
    of = replace(of, recipes=recipes, settings=settings, positions=10**9)
    states = []
    for parts in ((4,), (3, 1)):
        folder = tmp_path / str(len(parts))
        for count in parts:
            with Store(folder / "arena.db") as store:
                one = Season(folder / "runs" / "x", of, store, rounds=4)
                assert one.trainers.number == (0 if count == parts[0] else parts[0])
                for _ in range(count):
                    one.trainers.round(0.0)
                    pupil = one.trainers.pupils["b"]
                    assert pupil.waiting is not None  # it learns from these while the next ones are played
                    assert one.trainers.number > 1 or pupil.learner.steps == 0
                one.keep()
                one.close()
        states.append(one.trainers.state())
    assert one.trainers.payoff.games("a", "b") > 0 and one.trainers.pupils["b"].steps > 0
    assert same(*states) and one.yardstick.tree is None


BRED = {
    "learners": {"main": {"role": "main", "count": 3}},
    "snapshots": {"least": 1000, "most": 1000},
    "matches": {"rated_pairs": 0, "stored": 0, "opponents": 4},
    "breeding": {"every": 2, "share": 0.34, "settings": ["learning_rate"], "factor": 2.0},
}


def test_the_worst_learner_goes_on_from_the_best_with_another_setting(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(BRED), store, rounds=2)
        trainers = one.trainers
        trainers.round(0.0)
        assert trainers.given
        trainers.round(0.0)
        assert not trainers.bred and not trainers.given  # nobody plays for the next round until they are bred
        fitness = {name: trainers._fitness(name) for name in trainers.pupils}
        best = trainers.pupils[max(fitness, key=fitness.__getitem__)]
        trainers.breed()
        one.close()
    (bred,) = trainers.bred
    assert bred["who"] == min(fitness, key=fitness.__getitem__) and bred["from"] == best.member.name
    pupil, rate = trainers.pupils[bred["who"]], PPOSettings().learning_rate
    assert pupil.settings.learning_rate == bred["settings"]["learning_rate"] in (2 * rate, rate / 2)
    assert best.settings.learning_rate == rate and best.lives == 0 < pupil.lives
    assert all((pupil.weights[key] == best.weights[key]).all() for key in best.weights)
    assert trainers.payoff.games(bred["who"], bred["from"]) == 0


def test_what_was_bred_goes_on_where_it_stopped(tmp_path):
    whole = play(tmp_path / "a", 5, plan(BRED))
    with Store(tmp_path / "b" / "arena.db") as store:
        one = Season(tmp_path / "b" / "runs" / "x", plan(BRED), store, rounds=5)
        for _ in range(3):
            one.trainers.round(0.0)
        one.keep()
        one.close()
    again = play(tmp_path / "b", 5, plan(BRED))
    assert again.resumed and one.trainers.bred == whole.trainers.bred[:1] and len(whole.trainers.bred) == 2
    assert again.trainers.bred == whole.trainers.bred
    for name, pupil in whole.trainers.pupils.items():
        assert again.trainers.pupils[name].settings == pupil.settings
    told = json.loads((again.folder / "league.json").read_text())
    assert told["bred"] == again.trainers.bred


def test_what_cannot_change_a_little_is_refused():
    with pytest.raises(ValueError, match="'epochs' of main-0 is 1; name for example learning_rate"):
        plan({**BRED, "breeding": {"every": 2, "settings": ["epochs"]}})
    with pytest.raises(ValueError, match="'lerning_rate' of main-0 is none of its settings"):
        plan({**BRED, "breeding": {"every": 2, "settings": ["lerning_rate"]}})


def test_scores_are_by_who_has_more_or_by_how_much_more():
    assert [scored(pay, 0, 0.0) for pay in ((2.0, -2.0), (-1.0, 1.0), (0.0, 0.0))] == [1.0, 0.0, 0.5]
    assert scored((2.0, -2.0), 0, 8.0) == 0.75 and scored((2.0, -2.0), 1, 8.0) == 0.25
    assert scored((9.0, -9.0), 0, 8.0) == 1.0
    assert scored((1.0, 2.0, 3.0), 2, 0.0) == 1.0 and scored((1.0, 2.0, 3.0), 1, 0.0) == 0.5


def test_who_cannot_meet_others_is_refused_at_once():
    of = plan()
    alone = {**of.recipes, "main": Recipe("q_learning", "", (), None)}
    with pytest.raises(ValueError, match="'main' cannot meet others: q_learning plays by itself"):
        replace(of, recipes=alone)
    hands = {**of.recipes, "main": Recipe("ppo", "mlp", ("policy", "returns"), RolloutSettings(hands=10))}
    with pytest.raises(ValueError, match="'main' cannot meet others in hands that it plays alone"):
        replace(of, recipes=hands)
    with pytest.raises(ValueError, match="one seat, so nobody meets"):
        replace(of, game="cart_pole")


def test_a_learner_of_whole_hands_learns_among_others_as_of_games_of_any_kind():
    learners = compose("self-play", "leduc", None, ["learner.entropy=0.3"]).learners
    assert all(own.playing.hands == 0 and own.learner == replace(MIXED, entropy=0.3) for own in learners.values())
    words = ["learner.algorithm=ppo", "game.name=leduc"]
    assert load(None, words).learner == HANDS
    for more in ("run.engine=rllib", "rollouts.hands=0", 'rollouts.opponents=["self","past"]'):
        among = load(None, [*words, more])
        wanted = replace(MIXED, **OURS["ppo"]) if "rllib" in more else MIXED
        assert among.learner == wanted and among.playing.hands == 0
    assert load(None, [*words, "rollouts.hands=100"]).learner == HANDS
