"""Small projects for the doctor: a right one, and typical mistakes, each an edit of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from headrace.__main__ import main


class Mistake(NamedTuple):
    """An edit of a project, and what the doctor says to it."""

    title: str
    file: str
    old: str
    new: str
    name: str
    """The kind of the finding."""
    at: str
    """The first text of the line that the finding names."""


def write_project(folder: Path, files: dict[str, str]) -> None:
    """Write `files` into `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def edited(files: dict[str, str], mistake: Mistake) -> dict[str, str]:
    """Return `files` with the mistake in them."""
    text = files[mistake.file]
    assert mistake.old in text, mistake.title
    return files | {mistake.file: text.replace(mistake.old, mistake.new)}


def examined(
    folder: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, list[tuple[str, str, int]]]:
    """Return the exit status of `headrace doctor` and the kind, file and line of each finding."""
    status = main(["doctor", str(folder), "--format", "json", *words])
    out = capsys.readouterr().out
    found = json.loads(out)["findings"]
    for each in found:
        assert each["message"]
        assert each["message"].strip() == each["message"]
    return status, [(one["name"], one["file"], one["line"]) for one in found]


def check_mistake(
    mistake: Mistake, files: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check that the doctor reports the mistake, at its line, and nothing else."""
    wrong = edited(files, mistake)
    write_project(folder, wrong)
    status, found = examined(folder, capsys)
    assert [name for name, _, _ in found] == [mistake.name]
    _, file, line = found[0]
    assert file.endswith(mistake.file)
    assert wrong[mistake.file].splitlines()[line - 1].strip().startswith(mistake.at)
    assert status == 1
