"""Ignore comments: ``# headrace: ignore[HR101]`` on the line of the ``def``."""

from __future__ import annotations

import pytest

from headrace_inspect import Report, check
from headrace_inspect._ignoring import find_ignores
from tests.inspect.check_kit import DYNAMIC, RIGHT, WRONG, Folder

SHIP = "def ship(order): ..."


def report(folder: Folder, source: str) -> Report:
    """Return the report on a file."""
    folder.write({"shop.py": source})
    return check(["shop.py"])


@pytest.mark.parametrize(
    "comment",
    [
        "# headrace: ignore[HR102]",
        "#headrace:ignore[HR102]",
        "# headrace: ignore [ HR102 ]",
        "# noqa: E704  # headrace: ignore[HR102] until the carrier answers",
    ],
)
def test_finding_is_silenced(folder: Folder, comment: str) -> None:
    """The finding on that line is gone, and its edge keeps its verdict."""
    found = report(folder, WRONG.replace(SHIP, f"{SHIP}  {comment}"))
    assert found.findings == []
    assert found.exit_status(strict=True) == 0
    assert {edge.id: edge.verdict for edge in found.edges} == {
        "order:receive->charge": "confirmed",
        "order:charge->ship": "contradicted",
    }


def test_several_codes_are_separated_by_commas(folder: Folder) -> None:
    """Each silences its own; those that match nothing are told one by one."""
    comment = "# headrace: ignore[HR101,HR102, HR103]"
    found = report(folder, WRONG.replace(SHIP, f"{SHIP}  {comment}"))
    assert [(one.code, one.message.split(",")[0]) for one in found.findings] == [
        ("HR108", "the comment ignores HR101"),
        ("HR108", "the comment ignores HR103"),
    ]
    assert found.exit_status() == 1


def test_comment_on_another_line_is_idle(folder: Folder) -> None:
    """It silences nothing, is a finding itself, and names the line that it was meant for."""
    comment = "# headrace: ignore[HR102]"
    decorator = '@step("order", after="charge")'
    found = report(folder, WRONG.replace(decorator, f"{comment}\n{decorator}"))
    idle, wrong = found.findings
    assert (idle.code, wrong.code) == ("HR108", "HR102")
    assert idle.message.endswith("on this line; there is one on line 16")
    assert wrong.place.line == 16
    assert (idle.column, idle.width, idle.text) == (1, len(comment), comment)
    assert (idle.flow, idle.source, idle.target, idle.kind) == (None, None, None, None)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# headrace: ignore", "the comment names no code"),
        ("# headrace: ignore[]", "the comment names no code"),
        ("# headrace: ignore[HR999]", "'HR999', and there is no such code"),
        ("# headrace: ignore[hr102]", "'hr102', and there is no such code"),
        ("# headrace: ignore[HR108]", "ignores HR108, and there is no such finding"),
    ],
)
def test_comment_that_cannot_match_is_told(folder: Folder, comment: str, message: str) -> None:
    """A comment without codes, with an unknown one, or about itself is a finding."""
    (finding,) = report(folder, RIGHT.replace(SHIP, f"{SHIP}  {comment}")).findings
    assert finding.code == "HR108"
    assert message in finding.message


def test_text_in_a_string_is_no_comment(folder: Folder) -> None:
    """Comments are read as Python reads them."""
    source = RIGHT + 'a = "# headrace: ignore[HR101]"\nb = """\n# headrace: ignore[HR101]\n"""\n'
    assert report(folder, source).findings == []


def test_unresolved_finding_is_silenced_too(folder: Folder) -> None:
    """Under --strict the comment helps where the code is dynamic on purpose."""
    source = DYNAMIC.replace(
        "def collect(order): ...", "def collect(order): ...  # headrace: ignore[HR101]"
    )
    found = report(folder, source)
    assert found.findings == []
    assert found.edges[0].verdict == "unresolved"


def test_other_comments_are_left_alone(folder: Folder) -> None:
    """The project's name before a colon makes no directive."""
    source = RIGHT + "# headrace: the channel\n# headrace: ignored by most\n"
    assert report(folder, source).findings == []


def test_idle_comment_is_unsure_where_a_file_is_missing(folder: Folder) -> None:
    """What it silences may stand in the file that could not be read."""
    folder.write({"bad.py": "def"})
    folder.write({"shop.py": RIGHT.replace(SHIP, f"{SHIP}  # headrace: ignore[HR101]")})
    (finding,) = check(["."]).findings
    assert (finding.code, finding.verdict) == ("HR108", "unresolved")


def test_file_that_cannot_be_read_as_tokens_has_no_comments() -> None:
    """Broken files are reported elsewhere, and break nothing here."""
    for content in (
        b"'''# headrace: ignore[HR101]",
        b"\xff# headrace: ignore[HR101]",
        b"  x\n y # headrace:",
    ):
        assert find_ignores({"a.py": content}) == []
