"""The shape of the project itself: sizes, names, what shipped code may call, and what no file may say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("envs", "agents", "leagues", "arena")
SHIPPED = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXTS = sorted(
    path
    for path in [
        *ROOT.iterdir(),
        *(p for folder in (*FOLDERS, "tests", ".ci", ".github") for p in (ROOT / folder).rglob("*")),
    ]
    if path.is_file() and path.suffix in {".py", ".toml", ".md", ".txt", ".yml", ".yaml", ".json", ".csv", ""}
)

LONGEST_FILE = 500
LONGEST_FUNCTION = 70
WORDS_NOT_USED = {"utils", "util", "helper", "helpers", "manager", "common", "misc", "info", "data", "env"}
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__"}
UNSAFE_CALLS = {"torch.load", "yaml.load", "yaml.unsafe_load", "os.system"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|work|Users|mnt|opt|tmp/w)/\w")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, without those of the functions defined in it."""
    inner = [child for child in ast.walk(node) if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)][1:]
    lines = {line for child in inner for line in range(child.lineno, (child.end_lineno or child.lineno) + 1)}
    return (node.end_lineno or node.lineno) - node.lineno + 1 - len(lines)


def long_functions(tree: ast.AST, limit: int) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= limit:
            lines = length(node)  # which looks through all that is in it
            if lines > limit:
                yield f"{node.name} has {lines} lines"


def unsafe(tree: ast.AST) -> Iterator[str]:
    """What could run code that came in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.partition(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").partition(".")[0] in UNSAFE_MODULES:
                yield f"from {node.module}"
        elif isinstance(node, ast.Call):
            written_here = [type(argument) for argument in node.args] == [ast.Constant]
            if isinstance(node.func, ast.Name) and node.func.id in UNSAFE_NAMES and not written_here:
                yield node.func.id
            if ast.unparse(node.func) in UNSAFE_CALLS:
                yield ast.unparse(node.func)
            for keyword in node.keywords:
                if keyword.arg in ("allow_pickle", "shell") and not (
                    isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                ):
                    yield f"{keyword.arg}={ast.unparse(keyword.value)}"


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def test_files_can_be_read_in_one_sitting() -> None:
    lengths = {short(path): len(text_of(path).splitlines()) for path in [*SHIPPED, *TESTS]}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}
    found = {short(path): list(long_functions(tree_of(path), LONGEST_FUNCTION)) for path in [*SHIPPED, *TESTS]}
    assert not {path: functions for path, functions in found.items() if functions}


def test_files_open_with_what_they_are() -> None:
    empty = {path for path in SHIPPED if path.name == "__init__.py" and not tree_of(path).body}
    assert not [short(path) for path in SHIPPED if path not in empty and not ast.get_docstring(tree_of(path))]


def test_names_say_what_is_in_them() -> None:
    parts = {short(path): [*path.relative_to(ROOT).parts[:-1], path.stem] for path in SHIPPED}
    assert not [name for name, of in parts.items() if WORDS_NOT_USED & {word for p in of for word in p.split("_")}]


def test_no_code_comes_from_files() -> None:
    found = {short(path): list(unsafe(tree_of(path))) for path in SHIPPED}
    assert not {path: calls for path, calls in found.items() if calls}


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    this = Path(__file__).resolve()
    found = {short(p): MACHINE_PATH.findall(text_of(p)) for p in TEXTS if p.resolve() != this}
    assert not {path: hits for path, hits in found.items() if hits}


def test_the_top_level_is_the_five_folders_and_what_tools_ask_for() -> None:
    folders = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    made = {"runs", "build", "dist", "arena.egg-info", "__pycache__"}
    assert folders - made == {*FOLDERS, "tests"}


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("import pickle", 1),
        ("from cloudpickle import loads", 1),
        ("eval(text)", 1),
        ('exec("")', 0),
        ("torch.load(path)", 1),
        ("np.load(path, allow_pickle=True)", 1),
        ("subprocess.run(line, shell=True)", 1),
        ("model.eval()\nnp.load(path, allow_pickle=False)\nre.compile('a')", 0),
    ],
)
def test_the_search_for_unsafe_calls_finds_them(code: str, caught: int) -> None:
    assert len(list(unsafe(ast.parse(code)))) == caught


def test_the_measures_measure() -> None:
    tree = ast.parse("def f():\n" + "    x = 1\n" * 70)
    assert list(long_functions(tree, 70)) == ["f has 71 lines"]
    assert not list(long_functions(tree, 71))
    nested = ast.parse("def f():\n    def g():\n" + "        x = 1\n" * 69 + "    return g\n")
    assert not list(long_functions(nested, 70))
    assert list(long_functions(nested, 69)) == ["g has 70 lines"]
    assert MACHINE_PATH.search("open('/root/x')") and MACHINE_PATH.search('"/home/x"')
    assert not MACHINE_PATH.search("agents/work/x") and not MACHINE_PATH.search("runs/home/agents")


def test_the_page_of_the_arena_names_every_part_of_it():
    said = ast.get_docstring(ast.parse((ROOT / "arena" / "__init__.py").read_text(encoding="utf-8"))) or ""
    parts = {short(path).split("/")[1].removesuffix(".py") for path in SHIPPED if short(path).startswith("arena/")}
    assert not {part for part in parts - {"__init__", "__main__"} if f"`{part}`" not in said}
