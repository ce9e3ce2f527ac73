"""`headrace doctor`: its output, its status, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.__main__ import main
from tests.core.doctor_kit import write_project

APP = "from flask import Flask\n\nAPI_KEY = 'hunter2'\napp = Flask(__name__)\n"
ROOT = Path(__file__).parents[3]


def test_text_shows_place_reason_and_lines_to_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding is file:line, its kind, the reason, and lines that can be copied."""
    write_project(tmp_path, {"web.py": APP})
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(
        "web.py:4: flask-set-up: headrace is not set up on the Flask application: its requests, "
        "responses and lines have no ID\n"
        "  after the application, with pip install headrace-flask:\n"
        "    from headrace_flask import Headrace\n"
        "    Headrace(app)\n"
    )
    assert shown.endswith("2 things are missing; examined: Flask (web.py:4)\n")
    assert "hunter2" not in shown


def test_json_is_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--format json has a version, the findings, what was examined, and problems."""
    write_project(tmp_path, {"web.py": APP})
    assert main(["doctor", str(tmp_path), "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["version", "findings", "seen", "problems"]
    finding = document["findings"][0]
    assert list(finding) == ["file", "line", "name", "message", "add", "to"]
    assert finding["name"] == "flask-set-up"
    assert finding["add"] == ["from headrace_flask import Headrace", "Headrace(app)"]


def test_lines_to_add_make_it_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project to which all lines were added, as the text says, has no finding any more."""
    write_project(tmp_path, {"web.py": APP})
    main(["doctor", str(tmp_path), "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    added = {one["name"]: "\n".join(one["add"]) for one in found}
    head, app = APP.split("app =")
    fixed = f"{head}{added['log-set-up']}\napp ={app}{added['flask-set-up']}\n"
    write_project(tmp_path, {"web.py": fixed})
    assert main(["doctor", str(tmp_path)]) == 0


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --app, no module of the project runs."""
    write_project(tmp_path, {"web.py": f"{APP}open('was-here', 'w')\n"})
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["web.py"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"web.py": f"{APP}def broken(:\n"}, "web.py:5: does not parse"),
        ({"notes.txt": "x"}, "there is no application in"),
        ({"web.py": "print(1)\n"}, "there is no application in"),
    ],
)
def test_what_cannot_be_analysed_is_status_2(
    files: dict[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that does not parse, or a folder without an application, is named; the status is 2."""
    write_project(tmp_path, files)
    assert main(["doctor", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_missing_folder_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A path that does not exist is an error with status 2."""
    assert main(["doctor", "nowhere"]) == 2
    assert capsys.readouterr().err == "headrace: there is no folder or file 'nowhere'\n"


@pytest.mark.parametrize("example", ["shop", "quart", "litestar"])
def test_examples_lack_nothing(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples of this repository have no finding."""
    folder = ROOT / "examples" / example
    if not folder.exists():
        pytest.skip("the examples are not here")
    assert main(["doctor", str(folder)]) == 0, capsys.readouterr().out
