"""The distributions: one version, one licence, and no tool's setting that misses one."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
CORE = ROOT / "packages" / "core"


def load(folder: Path) -> dict[str, Any]:
    """Return the pyproject.toml of `folder`."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def import_name(folder: Path) -> str:
    """Return the name under which the package in `folder` is imported."""
    return str(load(folder)["project"]["name"]).replace("-", "_")


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    """Each package's folder in turn."""
    path: Path = request.param
    return path


def test_versions_go_in_lockstep(folder: Path) -> None:
    """Each package has the core's version, and an integration pins the core's minor version."""
    project, version = load(folder)["project"], load(CORE)["project"]["version"]
    assert project["version"] == version
    if folder != CORE:
        minor = version.rpartition(".")[0]
        assert project["dependencies"][0] == f"headrace~={minor}.0"


def test_core_depends_on_nothing() -> None:
    """Installing headrace installs nothing else; its extras are those that are documented."""
    project = load(CORE)["project"]
    assert project["dependencies"] == []
    extras = ["aiohttp", "all", "otel", "requests", "rich", "sphinx", "structlog"]
    assert sorted(project["optional-dependencies"]) == extras


def test_readme_states_the_facts_of_the_metadata() -> None:
    """The README's line of facts, which replaces badges, agrees with the metadata."""
    project = load(CORE)["project"]
    found = (re.fullmatch(r"[\w ]+ :: Python :: (3\.\d+)", one) for one in project["classifiers"])
    versions = [one[1] for one in found if one]
    assert "Typing :: Typed" in project["classifiers"]
    facts = f"Python {versions[0]} to {versions[-1]} · typed · {project['license']} licence"
    assert facts in (ROOT / "README.md").read_text(encoding="utf-8")


def test_all_is_every_other_package() -> None:
    """`headrace[all]` brings all packages, of the core's minor version."""
    version = load(CORE)["project"]["version"].rpartition(".")[0]
    others = [load(folder)["project"]["name"] for folder in FOLDERS if folder != CORE]
    wanted = [f"{name}~={version}.0" for name in others]
    assert load(CORE)["project"]["optional-dependencies"]["all"] == wanted


def test_package_has_a_page_and_keywords(folder: Path) -> None:
    """Each package says where it is found, and under which words."""
    project = load(folder)["project"]
    assert project["urls"]["Homepage"].endswith(f"/{project['name']}/")
    assert project["keywords"] == sorted(set(project["keywords"]))


def test_each_dependency_has_a_floor(folder: Path) -> None:
    """Each dependency says the oldest version that it works with."""
    dependencies = load(folder)["project"]["dependencies"]
    assert [one for one in dependencies if not re.search(r"(>=|~=)\d", one)] == []


def test_supported_pythons_are_the_same(folder: Path) -> None:
    """Each package supports the Pythons that the core supports."""
    ours, core = load(folder)["project"], load(CORE)["project"]
    versions = [[line for line in one["classifiers"] if ":: 3." in line] for one in (ours, core)]
    assert versions[0] == versions[1]
    assert ours["requires-python"] == core["requires-python"]


def test_package_is_typed_documented_and_licensed(folder: Path) -> None:
    """Each package ships py.typed, a README that names it, and the project's licence."""
    project = load(folder)["project"]
    assert (folder / "src" / import_name(folder) / "py.typed").is_file()
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {project['name']}\n")
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_sources_stand_in_the_root_only(folder: Path) -> None:
    """A package's own metadata holds no workspace source; the root names each package."""
    assert "uv" not in load(folder).get("tool", {})
    assert load(ROOT)["tool"]["uv"]["sources"][load(folder)["project"]["name"]] == {
        "workspace": True
    }


def test_tools_know_each_package(folder: Path) -> None:
    """Coverage, mypy and the import contracts look at each package."""
    tools = load(ROOT)["tool"]
    assert import_name(folder) in tools["coverage"]["run"]["source_pkgs"]
    assert f"packages/{folder.name}/src" in tools["mypy"]["mypy_path"]
    for path, option in (("", "root_packages"), (folder.name, "root_package")):
        contracts = configparser.ConfigParser()
        contracts.read(ROOT / "packages" / path / "imports.ini", encoding="utf-8")
        assert import_name(folder) in contracts["importlinter"][option].split()


def test_constraints_pin_versions_and_name_no_address() -> None:
    """Each line pins one version, at most with a marker: no option, no address, no hash."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.lstrip().startswith("#")]
    shape = re.compile(r"[a-z0-9.-]+==[^\s;:@]+( ; [^:@]+)?")
    assert [line for line in pins if not shape.fullmatch(line)] == []
    assert "://" not in "\n".join(lines)
