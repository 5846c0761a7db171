"""Frozen members stay as they were, memory stays bounded, and who is damaged is left out alone."""

from __future__ import annotations

import hashlib
import weakref
from pathlib import Path

import numpy as np
import pytest

from leagues.census import Member
from leagues.payoff import Payoff
from leagues.population import Population, Unusable
from leagues.quality import Quality
from leagues.roles import feed

ME = Member("m", "prioritised", live=True)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "weights.npy").read_bytes()).hexdigest()


def load(folder: Path) -> dict[str, np.ndarray]:
    return {"w": np.load(folder / "weights.npy", allow_pickle=False)}


def frozen(folder: Path, weights: np.ndarray) -> Path:
    folder.mkdir()
    np.save(folder / "weights.npy", weights)
    return folder


def population(cached: int = 32) -> Population:
    made = Population(digest, load, cached)
    made.enter(ME)
    return made


def test_ten_thousand_updates_of_the_parent_change_no_snapshot(tmp_path: Path) -> None:
    league, weights, kept = population(), np.zeros(4), {}
    for update in range(10_000):
        if update % 1000 == 0:
            name = f"m@{update}"
            league.enter(Member(name, ME.role, parent="m"), frozen(tmp_path / name, weights))
            kept[name] = (weights.copy(), league.digests()[name])
        weights += 1.0  # in place, as optimisers do
    assert league.check() == {}
    for name, (then, its_digest) in kept.items():
        assert np.array_equal(league.weights(name)["w"], then)
        assert league.digests()[name] == its_digest == digest(tmp_path / name)
    assert len(set(league.digests().values())) == 10


def test_weights_in_memory_cannot_be_written(tmp_path: Path) -> None:
    league = population()
    league.enter(Member("m@1", ME.role, parent="m"), frozen(tmp_path / "a", np.ones(3)))
    with pytest.raises(ValueError, match="read-only"):
        league.weights("m@1")["w"][0] = 2.0


def test_memory_is_bounded(tmp_path: Path) -> None:
    league, refs = population(cached=3), []
    for i in range(20):
        league.enter(Member(f"m@{i}", ME.role, parent="m"), frozen(tmp_path / str(i), np.full(5, i)))
        refs.append(weakref.ref(league.weights(f"m@{i}")["w"]))
        league.weights("m@0")  # used all the time, so it stays
    assert league.held == ("m@18", "m@19", "m@0")
    assert [i for i, ref in enumerate(refs) if ref() is not None] == [0, 18, 19]
    assert league.weights("m@7")["w"][0] == 7  # read again from disk


def test_who_is_damaged_is_left_out_alone(tmp_path: Path) -> None:
    league = population(cached=1)
    for i in range(3):
        league.enter(Member(f"m@{i}", ME.role, parent="m"), frozen(tmp_path / str(i), np.full(5, i)))
    assert set(feed(ME, league.census(Payoff(), Quality())).odds) == {"m@0", "m@1", "m@2"}
    np.save(tmp_path / "0" / "weights.npy", np.full(5, 99))
    (tmp_path / "1" / "weights.npy").unlink()
    with pytest.raises(Unusable, match=r"'m@0' is left out: .* is not what entered the league; put the original back"):
        league.weights("m@0")
    with pytest.raises(Unusable, match=r"'m@1' is left out: .* cannot be read .*; put it back"):
        league.weights("m@1")
    assert league.weights("m@2")["w"][0] == 2
    assert feed(ME, league.census(Payoff(), Quality())).odds == {"m@2": 1.0}
    np.save(tmp_path / "0" / "weights.npy", np.full(5, 0))  # the original is back
    assert set(league.check()) == {"m@1"}
    assert set(feed(ME, league.census(Payoff(), Quality())).odds) == {"m@0", "m@2"}


def test_what_is_damaged_in_memory_is_dropped_by_the_check(tmp_path: Path) -> None:
    league = population()
    league.enter(Member("m@1", ME.role, parent="m"), frozen(tmp_path / "a", np.ones(3)))
    league.weights("m@1")
    (tmp_path / "a" / "weights.npy").unlink()
    assert set(league.check()) == {"m@1"}
    assert league.held == ()


def test_a_resumed_league_knows_its_digests(tmp_path: Path) -> None:
    place, other = frozen(tmp_path / "a", np.ones(3)), frozen(tmp_path / "b", np.zeros(3))
    league = population()
    league.enter(Member("m@1", ME.role, parent="m"), place, digest(place))
    league.enter(Member("m@2", ME.role, parent="m"), other, digest(place))
    assert set(league.unusable) == {"m@2"}


def test_everybody_is_known_by_name(tmp_path: Path) -> None:
    league = population()
    league.enter(Member("m@1", ME.role, parent="m"), frozen(tmp_path / "a", np.ones(3)))
    league.enter(Member("x", "latest", live=True, parent="m@1"))
    league.enter(Member("random", "anchor"))
    assert len(league) == 4
    assert league["x"].live and league["x"].parent == "m@1"


def test_what_a_population_refuses(tmp_path: Path) -> None:
    league, place = population(), frozen(tmp_path / "a", np.ones(3))
    for member, folder, says in [
        (ME, None, "already"),
        (Member("a", "latest", parent="nobody"), None, "not in the league"),
        (Member("a", "latest", live=True), place, "still learning"),
    ]:
        with pytest.raises(ValueError, match=says):
            league.enter(member, folder)
    with pytest.raises(FileNotFoundError):
        league.enter(Member("a", "latest", parent="m"), tmp_path / "nowhere")
    assert len(league) == 1  # nothing entered half
    with pytest.raises(Unusable, match="no frozen weights"):
        league.weights("m")
    with pytest.raises(Unusable, match="Nobody in the league is named 'z'"):
        league.weights("z")
    with pytest.raises(ValueError, match="one member or more"):
        population(cached=0)
