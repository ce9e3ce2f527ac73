"""docs/howto/check.md as a reader follows it: what its examples show is what comes out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.inspect.check_kit import Folder
from tests.inspect.git_kit import commit, git

PAGE = Path(__file__).parents[2].joinpath("docs", "howto", "check.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def texts(value: Any) -> list[str]:
    """Return every string in a document of YAML, at any depth."""
    if isinstance(value, dict):
        return texts(list(value.values()))
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


RECIPES = [yaml.safe_load(block) for block in blocks("yaml")]
COMMANDS = sorted({
    text.partition(" >> ")[0]
    for recipe in RECIPES
    for text in texts(recipe)
    if text.startswith("headrace ")
})


@pytest.fixture
def reader(folder: Folder) -> Folder:
    """A folder with the file that the page begins with."""
    folder.write({"src/orders.py": blocks("python")[0]})
    return folder


def test_first_example_is_as_shown(reader: Folder) -> None:
    """The console shows exactly what the command writes for the file above it."""
    command = "headrace check src --require-shown"
    shown = blocks("console")[0].split("$ ")[-1]
    assert shown == f"{command}\n{reader.headrace(*command.split()[1:]).out}"


def test_json_is_as_shown(reader: Folder) -> None:
    """The document of the page is that of its first example."""
    assert json.loads(reader.check("--format", "json").out) == json.loads(blocks("json")[0])


def test_recipes_have_commands() -> None:
    """Each way to run the check is found in the recipes; those below would not run otherwise."""
    assert len(RECIPES) == 6
    assert {"headrace check", "headrace check -o headrace.sarif"} < {*COMMANDS}


@pytest.fixture
def strict(reader: Folder) -> Folder:
    """The same folder with a setting that makes the check fail."""
    reader.write({"pyproject.toml": "[tool.headrace.check]\nrequire-shown = true\n"})
    return reader


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_a_recipe_runs(strict: Folder, command: str) -> None:
    """It finds what is wrong, and complains of nothing."""
    commit(strict.path)
    git(strict.path, "update-ref", "refs/remotes/origin/main", "HEAD")
    words = command.replace("$GITHUB_BASE_REF", "main").replace('"', "").split()[1:]
    done = strict.headrace(*words)
    assert done.status == 1
    assert "headrace: " not in done.err


def test_configuration_is_understood(reader: Folder) -> None:
    """The settings that are shown are taken."""
    (shown,) = blocks("toml")
    reader.write({"pyproject.toml": shown, "services/none.py": ""})
    done = reader.check()
    assert (done.status, done.err) == (1, "")


def test_editor_finds_the_places(strict: Folder) -> None:
    """The task's pattern matches the two lines of a finding, one after the other."""
    (task,) = json.loads(blocks("json")[1])["tasks"]
    assert task["command"] == "headrace check"
    first, second = task["problemMatcher"]["pattern"]
    message, place = strict.check().out.split("\n")[:2]
    found, where = re.search(first["regexp"], message), re.search(second["regexp"], place)
    assert found
    assert found[first["code"]] == "HR110"
    assert where
    assert where[second["file"]] == "src/orders.py"
    assert where[second["line"]] == "15"
