"""``headrace check --suggest``: the ``after=`` that the code implies, or nothing."""

from __future__ import annotations

import ast
import textwrap

import pytest

from headrace_inspect import Place, Suggestion, check
from tests.inspect.check_kit import RIGHT, WRONG, Folder

HEAD = """\
from celery import Celery
from headrace import entrypoint, step
from headrace_celery import flow_task

app = Celery("shop")
others = {}
"""


def implied(folder: Folder, source: str) -> dict[str, str]:
    """Return what is suggested, by step."""
    folder.write({"shop.py": HEAD + source})
    return {one.step: one.code for one in check(["shop.py"]).suggestions}


def flow(start: str, **after: str) -> str:
    """Return the source of a flow: what its entrypoint does, and what its steps come after."""
    body = textwrap.indent(start, "    ") + "\n"
    steps = "".join(
        f'\n@step("order", after={sources})\ndef {name}(): ...\n' for name, sources in after.items()
    )
    return f'\n@entrypoint("order")\ndef receive(x=None):\n{body}{steps}'


def test_right_declaration_needs_none(folder: Folder) -> None:
    """Where each edge is confirmed and no way is missing, nothing is said."""
    folder.write({"shop.py": RIGHT})
    done = folder.check("--suggest")
    assert done.status == 0
    assert done.out.startswith("nothing to suggest\n")


def test_suggestion_is_printed(folder: Folder) -> None:
    """Place, step, flow, and the argument as it is written."""
    folder.write({"shop.py": WRONG})
    out = folder.check("--suggest").out
    assert "shop.py:15: 'ship' of flow 'order': the code implies after=\"receive\"\n" in out


def test_turned_order(folder: Folder) -> None:
    """The nearest step before is meant, not all that have run."""
    source = flow("a(); b(); c()", a='"receive"', b='"c"', c='"b"')
    assert implied(folder, source) == {"b": 'after="a"'}


def test_steps_in_branches_are_all_named(folder: Folder) -> None:
    """What comes after either branch comes after both, and is sorted."""
    start = "if x:\n    b()\nelse:\n    a()\nc()"
    source = flow(start, a='"receive"', b='"receive"', c='"z"')
    assert implied(folder, source) == {"c": 'after=["a", "b"]'}


def test_way_that_is_missing_is_added(folder: Folder) -> None:
    """A declaration that is right, and leaves a second way out, is completed."""
    start = "if x:\n    b()\n    c()\nelse:\n    a()\n    c()"
    source = flow(start, a='"receive"', b='"receive"', c='"a"')
    assert implied(folder, source) == {"c": 'after=["a", "b"]'}


def test_caller_will_do(folder: Folder) -> None:
    """Steps that one step runs in turn may all be declared after it."""
    assert implied(folder, flow("a(); b(); c()", a='"receive"', b='"receive"', c='"receive"')) == {}


def test_tasks_that_are_enqueued_in_turn_do_not_come_after_each_other(folder: Folder) -> None:
    """What is merely handed over may not have run yet, so its publisher is named."""
    tasks = '\n@flow_task("order", after="receive", app=app)\ndef mail(): ...\n'
    tasks += '\n@flow_task("order", after="pack", app=app)\ndef ship(): ...\n'
    source = flow("mail.delay(); ship.delay()", pack='"receive"') + tasks
    assert implied(folder, source)["ship"] == 'after="receive"'


def test_how_a_step_is_reached_is_another_matter(folder: Folder) -> None:
    """A task that is called (HR107) is mended by its kind, and not by another ``after=``."""
    task = '\n@flow_task("order", after="receive", app=app)\ndef mail(): ...\n'
    assert implied(folder, flow("a(); mail()", a='"receive"') + task) == {}


def test_rounds_of_a_loop_are_one_way(folder: Folder) -> None:
    """That a step of the next round comes after one of this round turns no order round."""
    right = flow("for _ in x:\n    a()\n    b()\nc()", a='"receive"', b='"a"', c='"b"')
    assert implied(folder, right) == {}
    assert implied(folder, right.replace('after="b"', 'after="z"')) == {"c": 'after="b"'}


def test_unknown_name_is_replaced(folder: Folder) -> None:
    """HR104 is mended by what the code does."""
    assert implied(folder, flow("a()", a='"recieve"')) == {"a": 'after="receive"'}


def test_step_of_another_flow_stays(folder: Folder) -> None:
    """A confirmed link to another flow is kept beside what is suggested."""
    source = flow("a()", a='["pay.take", "b"]', b='"receive"')
    source += '\n@entrypoint("pay")\ndef take():\n    a()\n    b()\n'
    assert implied(folder, source)["a"] == 'after=["pay.take", "receive"]'


def test_missing_after_is_suggested(folder: Folder) -> None:
    """A step without after= that the code reaches gets one."""
    source = flow("a()", a="[]")
    assert implied(folder, source) == {"a": 'after="receive"'}


@pytest.mark.parametrize(
    "start",
    [
        "others[x](); a()",
        "getattr(x, 'go')(a); a()",
        "others[x](a); b(); a()",
    ],
)
def test_nothing_is_said_where_the_code_is_dynamic(folder: Folder, start: str) -> None:
    """Something known only at run time may have a part in what comes before the step."""
    source = flow(start, a='"b"', b='"receive"') + "\nothers['a'] = a\nothers['b'] = b\n"
    assert implied(folder, source) == {}


def test_nothing_is_said_of_what_nothing_reaches(folder: Folder) -> None:
    """HR101 is mended by a call, not by another declaration."""
    assert implied(folder, flow("pass", a='"receive"', b='"a"')) == {}


def test_nothing_is_said_of_recursion(folder: Folder) -> None:
    """Steps that run before each other have no order."""
    source = flow("a()", a='"b"', b='"receive"')
    source = source.replace("def a(): ...", "def a():\n    b()").replace(
        "def b(): ...", "def b():\n    a()"
    )
    assert "b" not in implied(folder, source)


def test_nothing_is_said_while_a_file_cannot_be_read(folder: Folder) -> None:
    """The missing file may hold what is missing."""
    folder.write({"shop.py": WRONG, "bad.py": "def"})
    assert check(["."]).suggestions == []


@pytest.mark.parametrize(
    "name", ["a", 'say "hi"', "back\\slash", "new\nline", "日本", "🚚", "\u202e"]
)
def test_argument_is_python(name: str) -> None:
    """Whatever a name holds, the argument reads back as that name."""
    one = Suggestion("flow", "step", (), (name,), Place("a.py", 1))
    two = Suggestion("flow", "step", (), (name, "z"), Place("a.py", 1))
    assert ast.literal_eval(one.code.removeprefix("after=")) == name
    assert ast.literal_eval(two.code.removeprefix("after=")) == [name, "z"]
