"""Ignore comments: ``# headrace: ignore[HR101]`` on the line of the ``def``."""

from __future__ import annotations

import pytest

from headrace_inspect import Report, check
from headrace_inspect._findings._ignores import find_ignores
from tests.inspect.check_kit import DYNAMIC, RIGHT, WRONG, Folder

SHIP = "def ship(order): ..."


def report(folder: Folder, source: str) -> Report:
    """Return the report on a file."""
    folder.write({"shop.py": source})
    return check(["shop.py"])


@pytest.mark.parametrize(
    "comment",
    [
        "# headrace: ignore[HR104]",
        "#headrace:ignore[HR104]",
        "# headrace: ignore [ HR104 ]",
        "# noqa: E704  # headrace: ignore[HR104] until the carrier answers",
    ],
)
def test_finding_is_silenced(folder: Folder, comment: str) -> None:
    """The finding on that line is gone, and its edge keeps its verdict."""
    found = report(folder, WRONG.replace(SHIP, f"{SHIP}  {comment}"))
    assert found.findings == []
    assert found.exit_status() == 0
    assert {edge.id: edge.verdict for edge in found.edges} == {
        "order:receive->charge": "shown",
        "order:charg->ship": "not_shown",
    }


def test_several_codes_are_separated_by_commas(folder: Folder) -> None:
    """Each silences its own; those that match nothing are reported one by one."""
    comment = "# headrace: ignore[HR101,HR104, HR105]"
    found = report(folder, WRONG.replace(SHIP, f"{SHIP}  {comment}"))
    assert [(one.code, one.message.split(",")[0]) for one in found.findings] == [
        ("HR108", "the comment ignores HR101"),
        ("HR108", "the comment ignores HR105"),
    ]
    assert found.exit_status() == 1


def test_comment_on_another_line_is_idle(folder: Folder) -> None:
    """It silences nothing, is a finding itself, and names the line that it was meant for."""
    comment = "# headrace: ignore[HR104]"
    decorator = '@step("order", after="charg")'
    found = report(folder, WRONG.replace(decorator, f"{comment}\n{decorator}"))
    idle, wrong = found.findings
    assert (idle.code, wrong.code) == ("HR108", "HR104")
    assert idle.message.endswith("on this line; there is one on line 16")
    assert wrong.place.line == 16
    assert (idle.flow, idle.source, idle.target) == (None, None, None)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# headrace: ignore", "the comment names no code"),
        ("# headrace: ignore[]", "the comment names no code"),
        ("# headrace: ignore[HR999]", "'HR999', and there is no such code"),
        ("# headrace: ignore[hr104]", "'hr104', and there is no such code"),
        ("# headrace: ignore[HR103]", "'HR103', and there is no such code"),
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


def test_required_edge_is_excepted(folder: Folder) -> None:
    """A step may be dynamic on purpose; where nothing is required, the comment is not idle."""
    comment = "  # headrace: ignore[HR110] its rules are in a database"
    source = DYNAMIC.replace("def collect(order): ...", f"def collect(order): ...{comment}")
    assert report(folder, source).findings == []
    assert check(["shop.py"], require_shown=True).findings == []
    assert check(["shop.py"], require_shown=["order"]).findings == []


def test_comment_for_an_edge_that_is_shown_is_idle_where_all_are_required(folder: Folder) -> None:
    """Only a check that looked for HR110 everywhere can tell that the comment matches nothing."""
    source = RIGHT.replace(SHIP, f"{SHIP}  # headrace: ignore[HR110]")
    assert report(folder, source).findings == []
    assert check(["shop.py"], require_shown=["order"]).findings == []
    (finding,) = check(["shop.py"], require_shown=True).findings
    assert finding.code == "HR108"


def test_other_comments_are_left_alone(folder: Folder) -> None:
    """The project's name before a colon makes no directive."""
    source = RIGHT + "# headrace: the channel\n# headrace: ignored by most\n"
    assert report(folder, source).findings == []


def test_comment_may_match_something_in_a_file_that_is_missing(folder: Folder) -> None:
    """While a file could not be analysed no comment is called idle."""
    folder.write({"bad.py": "def"})
    folder.write({"shop.py": RIGHT.replace(SHIP, f"{SHIP}  # headrace: ignore[HR101]")})
    assert check(["."]).findings == []


def test_file_that_cannot_be_read_as_tokens_has_no_comments() -> None:
    """Broken files are reported elsewhere, and break nothing here."""
    for content in (
        b"'''# headrace: ignore[HR101]",
        b"\xff# headrace: ignore[HR101]",
        b"  x\n y # headrace:",
    ):
        assert list(find_ignores({"a.py": content})) == []
