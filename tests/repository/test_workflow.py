"""The files for hosts and editors: what they run exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_workflow_runs_sessions_that_exist() -> None:
    """Each command of the workflow installs nox or runs sessions or tags of the noxfile."""
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    commands = re.findall(r"- run: (.*)", workflow)
    known = {*re.findall(r"^def (\w+)\(session", noxfile, re.MULTILINE)}
    tags = {*re.findall(r'tags=\["(\w+)"\]', noxfile)}
    run = {name for line in commands for name in " ".join(re.findall(r"-s (.*)", line)).split()}
    tagged = {name for line in commands for name in re.findall(r"-t (\w+)", line)}
    assert run, "no session is run"
    assert run <= known
    assert tagged <= tags
    assert all(line.startswith(("nox ", "pip install nox")) for line in commands)


def test_workflow_tries_each_python() -> None:
    """The workflow's Pythons are those that the core supports."""
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    core = (ROOT / "packages" / "core" / "pyproject.toml").read_text(encoding="utf-8")
    supported = re.findall(r":: (3\.\d+)", core)
    for listed in re.findall(r"python: \[(.*)\]", workflow):
        assert re.findall(r"[\d.]+", listed) == supported


def test_hooks_run_tools_of_the_environment() -> None:
    """Hooks before a commit are local: they install nothing from elsewhere."""
    config = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (.*)", config) == ["local"]
    assert set(re.findall(r"language: (.*)", config)) == {"system"}
