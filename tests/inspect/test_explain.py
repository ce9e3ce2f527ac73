"""``headrace explain``, and that each explanation is true: its example fails, its mend does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headrace_inspect import check
from headrace_inspect._explain import CODES, explanation
from tests.inspect.check_kit import Folder
from tests.inspect.git_kit import commit

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "check.md"
RESOURCES = Path(check.__code__.co_filename).parent / "explanations"


def blocks(code: str, language: str) -> list[str]:
    """Return the fenced blocks of an explanation."""
    return re.findall(rf"```{language}\n(.*?)```", explanation(code)[1], re.DOTALL)


RAN = """
{"version": 1, "runs": [{"steps": [["parcel", "send"], ["parcel", "label"], ["parcel", "weigh"]],
                         "tests": ["tests/test_parcels.py::test_send"]}]}
"""
"""What tests ran of the example of HR111, which the code alone does not say."""


def findings_in(folder: Folder, source: str, ran: str | None = None) -> list[str]:
    """Return the findings in a file, which is named for its flow if it has one."""
    flow = [*re.findall(r'entrypoint\("(\w+)"\)', source), "tasks"][0]
    folder.write({f"{flow}.py": source})
    if ran is not None:
        folder.write({"ran.json": ran})
    evidence = None if ran is None else "ran.json"
    found = check([f"{flow}.py"], require_shown=ran is None, evidence=evidence).findings
    return [f"{one.code} {one.message}\n" for one in found]


@pytest.mark.parametrize("code", [code for code in CODES if code < "HR3"])
def test_example_triggers_the_code_and_the_mend_is_clean(folder: Folder, code: str) -> None:
    """The first example has the finding that is shown and no other; the second has none."""
    example, mend = blocks(code, "python")
    shown = blocks(code, "text")
    assert findings_in(folder, example, RAN if code == "HR111" else None) == shown
    assert shown[0].startswith(f"{code} ")
    # A mend without imports takes the place of the last parts of the example.
    kept = example.split("\n\n\n")[: -mend.count("\n\n\n") - 1]
    assert findings_in(folder, mend if "import" in mend else "\n\n\n".join([*kept, mend])) == []


@pytest.mark.parametrize("code", [code for code in CODES if code > "HR3"])
def test_change_triggers_the_code(folder: Folder, code: str) -> None:
    """From the first example to the second there is the finding that is shown, and no other."""
    before, after = blocks(code, "python")
    name = "returns.py" if "returns" in before else "tasks.py"
    folder.write({name: before})
    commit(folder.path)
    folder.write({name: after})
    found = check(["."], since="main").findings
    assert [f"{one.code} {one.message}\n" for one in found] == blocks(code, "text")


@pytest.mark.parametrize("code", CODES)
def test_documentation_says_the_same(code: str) -> None:
    """docs/howto/check.md holds each explanation word for word, below a heading with its title."""
    text = (RESOURCES / f"{code}.md").read_text("utf-8")
    assert text.replace("# ", "### ", 1) in PAGE.read_text("utf-8")


def test_codes_are_those_that_are_explained() -> None:
    """Each code has a text, and each text a code."""
    assert sorted(path.stem for path in RESOURCES.glob("*.md")) == list(CODES)


def test_code_is_explained(folder: Folder) -> None:
    """Title, text and examples are Markdown; lower case and several codes are accepted."""
    done = folder.headrace("explain", "hr104")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("HR104: an unknown reference\n")
    assert '\n\n\n@entrypoint("invoice")\ndef bill(order):\n' in done.out
    assert "\nHR101: " in folder.headrace("explain", "HR104", "HR101").out
    assert "<!--" not in folder.headrace("explain", *CODES).out


def test_codes_are_listed(folder: Folder) -> None:
    """Without a code each is listed with its title."""
    done = folder.headrace("explain")
    assert done.status == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(CODES)
    assert "HR105  a circle\n" in done.out


def test_unknown_code_is_status_2(folder: Folder) -> None:
    """The message names what is near, or what there is."""
    near, far = folder.headrace("explain", "HR190"), folder.headrace("explain", "x")
    assert (near.status, near.out) == (2, "")
    assert "there is no code 'HR190'; did you mean 'HR1" in near.err
    assert far.err.endswith("'x'; choose one of " + ", ".join(CODES) + "\n")
