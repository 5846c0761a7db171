"""Atomic replacement: the old content or the new, never a mixture."""

import os

import pytest

from agents.files import new_folder, recover, write_text


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_text(path, "one")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):  # and not the file beside it
        write_text(path, "two")
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_nothing_takes_the_place_of_a_device_a_pipe_or_a_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="no plain file"):
            write_text(path, "text")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"] and not (tmp_path / "pipe").is_file()


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "state"
    for text in ("one", "two"):
        with new_folder(target) as folder:
            (folder / "inner").mkdir()
            (folder / "inner" / text).write_text(text)
    assert [p.name for p in (target / "inner").iterdir()] == ["two"]
    with pytest.raises(KeyError), new_folder(target) as folder:
        (folder / "half").write_text("half")
        raise KeyError
    assert [p.name for p in target.iterdir()] == ["inner"]
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_a_crash_between_the_renames_is_mended(tmp_path):
    target = tmp_path / "state"
    with new_folder(target) as folder:
        (folder / "a").write_text("a")
    target.rename(tmp_path / ".state.old")
    assert [p.name for p in recover(target).iterdir()] == ["a"]
    target.rename(tmp_path / ".state.old")
    with pytest.raises(KeyError), new_folder(target):
        raise KeyError
    assert [p.name for p in target.iterdir()] == ["a"]


def test_what_a_killed_process_left_half_filled_is_cleared_away(tmp_path):
    target = tmp_path / "state"
    (tmp_path / ".state.k1ll3d.new").mkdir()
    (tmp_path / ".state.k1ll3d.new" / "half").write_text("half")
    (tmp_path / ".other.k1ll3d.new").mkdir()
    with new_folder(target) as folder:
        (folder / "a").write_text("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.k1ll3d.new", "state"]
