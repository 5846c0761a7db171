from __future__ import annotations

import pytest

from arena.viewers.snapshot import Snapshot
from tests.arena.viewers.scripted import SPECS, finished


@pytest.fixture(params=SPECS)
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    return finished(request.param)


@pytest.fixture
def connect_four() -> Snapshot:
    return finished("connect_four")
