"""``[tool.headrace.check]`` in ``pyproject.toml``."""

from __future__ import annotations

import os

import pytest

from tests.inspect.check_kit import DYNAMIC, RIGHT, WRONG, Folder


def configure(folder: Folder, text: str) -> None:
    """Write the table."""
    folder.write({"pyproject.toml": f"[tool.headrace.check]\n{text}\n"})


def test_paths_are_those_of_the_file(folder: Folder) -> None:
    """Without a path on the command line the configured ones are checked; with one, that."""
    folder.write({"src/shop.py": RIGHT, "old/shop.py": WRONG})
    configure(folder, 'paths = ["src"]')
    assert folder.check().status == 0
    assert folder.check("old").status == 1


def test_paths_are_relative_to_the_file(folder: Folder) -> None:
    """From a folder below the same is checked, and shown as seen from there."""
    folder.write({"src/shop.py": WRONG, "other/x.py": "def", "skip/a/y.py": "def"})
    configure(folder, 'paths = ["src", "skip"]\nexclude = ["skip/a", "other"]')
    folder.write({"skip/ok.py": ""})
    os.chdir(folder.path / "src")
    done = folder.check()
    assert (done.status, done.err) == (1, "")
    assert "--> shop.py:15\n" in done.out


def test_exclude_adds_to_the_command_line(folder: Folder) -> None:
    """What either excludes is left out; one name may stand without a list."""
    folder.write({"shop.py": RIGHT, "a.py": "def", "b.py": "def"})
    configure(folder, 'exclude = "a.py"')
    assert folder.check("--exclude", "b.py").status == 0
    assert folder.check().status == 2


@pytest.mark.parametrize(
    ("value", "status"),
    [("true", 1), ("false", 0), ('"order"', 1), ('["stock", "order"]', 1), ('["stock"]', 0)],
)
def test_flows_are_required_by_a_setting(folder: Folder, value: str, status: int) -> None:
    """require-shown takes true, false, or the names of flows."""
    folder.write({"shop.py": DYNAMIC, "stock.py": RIGHT.replace('"order"', '"stock"')})
    configure(folder, f"require-shown = {value}")
    assert folder.check().status == status


def test_findings_are_disabled_by_a_setting(folder: Folder) -> None:
    """What the file disables and what the command line disables add up."""
    folder.write({"shop.py": WRONG, "idle.py": "# headrace: ignore[HR104]\n"})
    configure(folder, 'disable = ["HR104"]')
    assert folder.check().out.count("HR10") == 0
    configure(folder, 'disable = ["HR108"]')
    assert folder.check("--disable", "HR104").status == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('path = "src"', "[tool.headrace.check] has no setting 'path'; did you mean 'paths'?"),
        ("zzz = 1", "has no setting 'zzz'; choose one of paths, exclude, require-shown, disable"),
        ("paths = 3", "paths must be a string or a list of strings, not 3"),
        ("exclude = [1]", "exclude must be a string or a list of strings, not [1]"),
        ("require-shown = 1", "must be true or false, or a string or a list of strings, not 1"),
        ("require-shown = [1]", "must be true or false, or a string or a list of strings, not [1]"),
        ('require-shown = ["odrer"]', "there is no flow 'odrer' for require-shown"),
        ('disable = ["HR999"]', "there is no code 'HR999'"),
        ("paths = ", "cannot read"),
    ],
)
def test_setting_that_is_wrong_is_status_2(folder: Folder, text: str, message: str) -> None:
    """The message names the file and the setting, and what is near."""
    folder.write({"shop.py": RIGHT})
    configure(folder, text)
    done = folder.check()
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert message.startswith("there is no") or str(folder.path / "pyproject.toml") in done.err


@pytest.mark.parametrize(
    "text", ["[tool.headrace]\ncheck = 1\n", "[tool]\nheadrace = []\n", "tool = 3\n"]
)
def test_table_that_is_none_is_status_2(folder: Folder, text: str) -> None:
    """A value in the place of the table is a message, and no traceback."""
    folder.write({"shop.py": RIGHT, "pyproject.toml": text})
    done = folder.check()
    assert done.status == 2
    assert "[tool.headrace.check] must be a table, not " in done.err


def test_settings_of_other_commands_are_left_to_them(folder: Folder) -> None:
    """The defaults of headrace graph may stand in the same file."""
    text = '[tool.headrace]\napp = "shop"\n\n[tool.headrace.check]\nrequire-shown = true\n'
    folder.write({"shop.py": RIGHT, "pyproject.toml": text})
    assert folder.check().status == 0
