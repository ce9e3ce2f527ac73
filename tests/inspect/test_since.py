"""``headrace check --since REV``: what a change lost, what it breaks, and what else it does."""

from __future__ import annotations

import json

import pytest

from headrace_inspect import Boundary, Report, Since, _pipeline, check
from tests.inspect.check_kit import DYNAMIC, RIGHT, TURNED, Folder
from tests.inspect.git_kit import commit, git

SHOP = """\
from celery import shared_task
from headrace import entrypoint, step


@entrypoint("order")
def receive(order):
    work(order)


def work(order):
    charge(order)
    mail.delay(order)


@step("order", after="receive")
def charge(order): ...


@shared_task
@step("order", after="charge")
def mail(order, subject=""): ...
"""
UNMAILED = SHOP.replace("    mail.delay(order)\n", "")


def changed(folder: Folder, before: str, after: str, **asked: object) -> Report:
    """Return what a check says of a file that has changed, and was committed before."""
    folder.write({"shop.py": before})
    commit(folder.path)
    folder.write({"shop.py": after})
    return check(["."], since="HEAD", **asked)  # type: ignore[arg-type]


def changes_of(report: Report) -> Since:
    assert report.since is not None
    return report.since


def findings(report: Report) -> list[str]:
    return [f"{one.code} {one.message}" for one in report.findings]


# --- lost evidence --------------------------------------------------------------------------------


def test_calls_that_lead_nowhere_now_are_still_known(folder: Folder) -> None:
    """The first call of the old evidence is there; the second is what broke."""
    after = SHOP.replace("    charge(order)\n    mail.delay(order)\n", "    print(order)\n")
    report = changed(folder, SHOP, after)

    assert [one.broken_at.line for one in changes_of(report).lost] == [11, 11]


def test_call_that_is_gone_is_named(folder: Folder) -> None:
    """The finding is at the step, and names the call of then, with its line of then."""
    report = changed(folder, SHOP, UNMAILED)
    (finding,) = report.findings
    assert finding.message == (
        "`charge -> mail` was shown at shop.py:12 (`mail.delay(...)`), "
        "and that call is gone, or leads elsewhere"
    )
    assert (finding.code, finding.place.line) == ("HR300", 20)
    assert (finding.flow, finding.source, finding.target) == ("order", "charge", "mail")
    assert [link.place.line for link in finding.evidence] == [11, 12]
    (lost,) = changes_of(report).lost
    assert lost.edge == "order:charge->mail"
    assert (lost.was.line, lost.broken_at.line) == (12, 12)
    assert report.exit_status() == 1


CHANGES = {
    "the first call that broke": (
        ("    work(order)\n", "    print(order)\n"),
        ", and the call at shop.py:7 (`work(...)`) is gone, or leads elsewhere",
    ),
    "the order": (
        (
            "    charge(order)\n    mail.delay(order)\n",
            "    mail.delay(order)\n    charge(order)\n",
        ),
        ", and no longer runs after shop.py:11 (`charge(...)`)",
    ),
    "a call that leads elsewhere": (
        ("def work(order):", "def work(order, charge=print):"),
        ", and that call is gone, or leads elsewhere",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_message_says_what_became_of_the_evidence(folder: Folder, change: str) -> None:
    """What broke is named in words."""
    (old, new), message = CHANGES[change]
    report = changed(folder, SHOP, SHOP.replace(old, new))
    assert any(one.endswith(f"`){message}") for one in findings(report))


def test_edge_that_is_shown_otherwise_is_not_lost(folder: Folder) -> None:
    """A helper may be renamed, or taken apart: the edge is rerouted, and nothing fails."""
    report = changed(folder, SHOP, SHOP.replace("work(", "process("))
    assert report.findings == []
    assert changes_of(report).lost == ()
    assert changes_of(report).edges.rerouted == ("order:receive->charge", "order:charge->mail")


def test_another_way_is_no_change(folder: Folder) -> None:
    """While the old calls are there, a shorter way is not reported."""
    after = SHOP.replace("    work(order)\n", "    work(order)\n    charge(order)\n")
    assert changes_of(changed(folder, SHOP, after)).edges.rerouted == ()


def test_lines_that_moved_are_no_change(folder: Folder) -> None:
    """Calls are compared by what they are, and not by where."""
    report = changed(folder, SHOP, f"# a comment\n\n{SHOP}")
    assert report.findings == []
    assert changes_of(report) == Since("HEAD", changes_of(report).base)


def test_edge_that_was_not_shown_cannot_be_lost(folder: Folder) -> None:
    """What the code did not show before is no regression."""
    assert changed(folder, DYNAMIC, DYNAMIC.replace("order.kind", "order")).findings == []


def test_lost_edge_is_acknowledged_by_its_declaration(folder: Folder) -> None:
    """An edge that is no longer declared is listed, and does not fail."""
    after = SHOP.replace("    charge(order)\n", "").replace('after="charge"', 'after="receive"')
    after = after.replace('@step("order", after="receive")\ndef charge(order): ...\n\n\n', "")
    report = changed(folder, SHOP, after)
    assert report.findings == []
    assert changes_of(report).steps.removed == ("order:charge",)
    assert changes_of(report).edges.removed == ("order:charge->mail", "order:receive->charge")
    assert changes_of(report).edges.added == ("order:receive->mail",)


def test_lost_edge_is_acknowledged_by_a_comment(folder: Folder) -> None:
    """The comment names the code; without --since it is not idle, nor when nothing is lost."""
    line = 'def mail(order, subject=""): ...'
    after = UNMAILED.replace(line, f"{line}  # headrace: ignore[HR300]")
    report = changed(folder, SHOP, after)
    assert report.findings == []
    assert changes_of(report).lost == ()
    assert check(["."]).findings == []
    commit(folder.path)
    assert check(["."], since="HEAD").findings == []


def test_lost_edge_is_accepted_by_its_identity(folder: Folder) -> None:
    """``accept`` names the code and the edge."""
    accepted = ["HR300 order:charge->mail"]
    assert changed(folder, SHOP, UNMAILED, accept=accepted).findings == []


# --- messages in flight ---------------------------------------------------------------------------

TASK = "from celery import shared_task\n\n\n@shared_task{options}\ndef {name}({parameters}): ...\n"


def task(parameters: str = "a, b=1", name: str = "send", options: str = "") -> str:
    """Return a module with one task."""
    return TASK.format(parameters=parameters, name=name, options=options)


BREAKING = {
    "another name": (task(options='(name="mail")'), "HR301 task 'shop.send' is now called 'mail'"),
    "gone": ("", "HR302 task 'shop.send' was removed"),
    "no task": ("def send(a, b=1): ...\n", "HR302 task 'shop.send' was removed"),
    "added": (task("a, b=1, *, c"), "HR303 task 'shop.send': 'c' has no default"),
    "default lost": (task("a, b"), "HR303 task 'shop.send': 'b' has now no default"),
    "removed": (task("a"), "HR304 task 'shop.send': 'b' is gone"),
    "renamed": (task("c, b=1"), "HR304 task 'shop.send': 'a' is now 'c'"),
    "moved": (task("b=1, a=1"), "HR304 task 'shop.send': 'a' is no longer argument 1"),
    "by name alone": (task("a, *, b=1"), "HR304 task 'shop.send': 'b' is no longer argument 2"),
    "a queue": (task(options='(queue="slow")'), "HR305 task 'shop.send': queue 'default' is now"),
    "a serializer": (task(options='(serializer="yaml")'), "HR306 task 'shop.send': serializer"),
}


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_messages_fails(folder: Folder, change: str) -> None:
    """The message says what has changed in the task."""
    after, message = BREAKING[change]
    report = changed(folder, task(), after)
    assert [one.startswith(message) for one in findings(report)][:1] == [True]
    places = [(one.code, one.place) for one in report.findings]
    assert [(one.code, one.place) for one in changes_of(report).breaking] == places


HARMLESS = {
    "a default": task("a, b=1, c=2"),
    "another default": task("a=0, b=5"),
    "bound": task("self, a, b=1", options="(bind=True)"),
    "anything": task("*args, **kwargs"),
    "the name that it had": task(name="deliver", options='(name="shop.send")'),
    "an app": task()
    .replace("shared_task\n\n", "Celery\n\napp = Celery()\n")
    .replace("@sh", "@app.task  # sh"),
    "an alias": task(name="deliver") + '\n\n@shared_task(name="shop.send")\ndef old(a, b=1): ...\n',
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_breaks_no_message_passes(folder: Folder, change: str) -> None:
    """Old messages still find a task that takes their arguments."""
    assert findings(changed(folder, task(), HARMLESS[change])) == []


def test_task_that_moved_has_another_name(folder: Folder) -> None:
    """The name of a task is that of its module, so that moving it renames it."""
    folder.write({"shop.py": task(), "more.py": ""})
    commit(folder.path)
    folder.write({"shop.py": "", "more.py": task()})
    (finding,) = check(["."], since="HEAD").findings
    assert finding.message.startswith("task 'shop.send' is now called 'more.send'")
    assert finding.place.file == "more.py"


def test_removed_task_is_accepted_by_its_name(folder: Folder) -> None:
    """No line is left for a comment, so that the settings accept it."""
    assert changed(folder, task(), "", accept=["HR302 shop.send"]).findings == []
    assert [one.code for one in check(["."], since="HEAD", accept=["HR302 other"]).findings] == [
        "HR302"
    ]


ROUTES = """
from celery import Celery

app = Celery("shop")
app.conf.{setting}


@app.task
def send(a): ...
"""


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('task_routes = {"shop.*": "slow"}', 'task_routes = {"shop.*": "fast"}', "HR305"),
        ('task_routes = {"shop.send": {"queue": "slow"}}', "timezone = 1", "HR305"),
        ('update(task_routes={"other.*": "a"})', 'update(task_routes={"shop.*": "a"})', "HR305"),
        ('task_serializer = "json"', 'task_serializer = "pickle"', "HR306"),
        ('task_routes = {"shop.*": "slow"}', 'update(task_routes={"shop.s*": "slow"})', None),
    ],
)
def test_settings_decide_over_queues(folder: Folder, before: str, after: str, code: str) -> None:
    """Routes and serializers of the application count for each task that they concern."""
    was, now = (ROUTES.replace("{setting}", setting) for setting in (before, after))
    assert [one.code for one in changed(folder, was, now).findings] == [code] * bool(code)


def test_tasks_of_tests_are_left_alone(folder: Folder) -> None:
    """What only tests publish is in no queue."""
    folder.write({"tests/test_shop.py": task(), "a.py": ""})
    commit(folder.path)
    folder.write({"tests/test_shop.py": ""})
    assert check(["."], since="HEAD").findings == []


# --- durable chains -------------------------------------------------------------------------------

DURABLE = """\
from headrace import Chain, literal
from headrace_dbos import durable

RETRIES = 3


def charge(order): ...


def ship(order): ...


def refund(paid): ...


parts = Chain("parts").next(ship, name="label")
chain = Chain("fulfil", deadline=60).put("shop", "main")
chain = chain.next(charge, args=["order", literal("eur")], out="paid", retries=RETRIES, undo=refund)
chain = chain.parallel(Chain().next(ship, args=["order"]), Chain().next(ship, name="tell"))
chain = chain.next(parts)
fulfil = durable(chain)
"""

PARKING = {
    "a step is added": (
        "chain = chain.next(parts)\n",
        "chain = chain.next(parts).next(ship, name='pack')\n",
        "+ step pack",
    ),
    "a step is removed": ("chain = chain.next(parts)\n", "", "- step parts; - chain; - step label"),
    "a step is renamed": ('out="paid"', 'out="bill"', "- step paid out='paid'"),
    "a nested step is renamed": ('name="label"', 'name="print"', "- step label; + step print"),
    "branches are reordered": (
        'Chain().next(ship, args=["order"]), Chain().next(ship, name="tell")',
        'Chain().next(ship, name="tell"), Chain().next(ship, args=["order"])',
        "step tell",
    ),
    "an option changes elsewhere": ("RETRIES = 3", "RETRIES = 5", "retries=5"),
    "a fraction": ("retries=RETRIES", "retries=RETRIES, backoff=0.5", "backoff=0.5"),
    "an argument": ('literal("eur")', 'literal("usd")', "headrace.literal('usd')"),
    "an undo": (", undo=refund", "", "undo=...; + step paid"),
    "an option of the chain": ("deadline=60", "deadline=90", "- chain deadline=60"),
    "a value": ('.put("shop", "main")', "", "put=shop; + chain deadline=60;"),
}


@pytest.mark.parametrize("change", PARKING)
def test_what_parks_durable_runs_fails(folder: Folder, change: str) -> None:
    """The finding is at the call of ``durable``, and lists the lines that are gone and new."""
    old, new, words = PARKING[change]
    after = DURABLE.replace(old, new)
    report = changed(folder, DURABLE, after)
    (finding,) = report.findings
    assert finding.code == "HR307"
    assert finding.message.startswith("durable chain 'fulfil' has changed: ")
    assert words in finding.message
    assert finding.message.endswith("; its unfinished runs are parked")
    assert after.splitlines()[finding.place.line - 1] == "fulfil = durable(chain)"
    assert [one.code for one in changes_of(report).breaking] == ["HR307"]


CONTINUED = {
    "the body of a function": ("def charge(order): ...", "def charge(order): print(order)"),
    "another undo": ("undo=refund", "undo=ship"),
    "a value set by put": ('"main"', '"other"'),
    "a default that is written out": ("retries=RETRIES", "retries=RETRIES, backoff=1.5"),
    "logging": ("retries=RETRIES", 'retries=RETRIES, log_fmt="x"'),
    "a line": ("RETRIES = 3", "# retries\nRETRIES = 3"),
}


@pytest.mark.parametrize("change", CONTINUED)
def test_what_parks_no_run_passes(folder: Folder, change: str) -> None:
    """What the records do not depend on may change."""
    old, new = CONTINUED[change]
    assert findings(changed(folder, DURABLE, DURABLE.replace(old, new))) == []


def test_removed_durable_chain_is_named(folder: Folder) -> None:
    """Another name of the runs is the same to them; the finding is in the code of then."""
    after = DURABLE.replace("durable(chain)", 'durable(chain, name="orders")')
    (finding,) = changed(folder, DURABLE, after).findings
    assert finding.code == "HR308"
    assert finding.message == "durable chain 'fulfil' was removed; its unfinished runs are stuck"
    assert DURABLE.splitlines()[finding.place.line - 1] == "fulfil = durable(chain)"
    assert check(["."], since="HEAD", accept=["HR308 fulfil"]).findings == []


def test_changed_durable_chain_is_acknowledged(folder: Folder) -> None:
    """By a comment on the line of ``durable``, or by its name in the settings."""
    after = DURABLE.replace("RETRIES = 3", "RETRIES = 5")
    assert changed(folder, DURABLE, after, accept=["HR307 fulfil"]).findings == []
    comment = "durable(chain)  # headrace: ignore[HR307]"
    folder.write({"shop.py": after.replace("durable(chain)", comment)})
    assert check(["."], since="HEAD").findings == []


def test_durable_chains_of_tests_are_left_out(folder: Folder) -> None:
    """No run of theirs outlives the tests."""
    folder.write({"tests/test_shop.py": DURABLE})
    commit(folder.path)
    folder.write({"tests/test_shop.py": ""})
    assert check(["."], since="HEAD").findings == []


# --- other changes --------------------------------------------------------------------------------


def test_changes_that_fail_nothing_are_listed(folder: Folder) -> None:
    """Steps and edges that are new, and an edge that crosses another boundary."""
    after = SHOP.replace("mail.delay(order)", "mail(order)")
    after += '\n\n@step("order", after="mail")\ndef book(order): ...\n'
    report = changed(folder, SHOP, after)
    assert report.findings == []
    changes = changes_of(report)
    assert changes.steps.added == ("order:book",)
    assert changes.edges.added == ("order:mail->book",)
    assert changes.edges.boundary == (Boundary("order:charge->mail", "enqueue", "call"),)


def test_command_lists_changes(folder: Folder) -> None:
    """The list stands before the line that sums up; JSON has the same."""
    changed(folder, SHOP, SHOP.replace("mail.delay(order)", "mail(order)"))
    base = git(folder.path, "rev-parse", "HEAD")
    done = folder.check("--since", "HEAD")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        f"since HEAD ({base[:12]}): 1 change\n"
        "~ edge order:charge->mail: enqueue -> call\n\n"
        "no findings; 3 steps, 2 edges: 2 shown, 0 not shown; 1 file\n"
    )
    document = json.loads(folder.check("--since", "HEAD", "--format", "json").out)
    assert document["since"]["base"] == base
    assert document["since"]["edges"]["boundary"] == [
        {"edge": "order:charge->mail", "was": "enqueue", "now": "call"}
    ]


def test_findings_say_what_was(folder: Folder) -> None:
    """The old evidence is distinguished from the present one."""
    changed(folder, RIGHT, TURNED)
    out = folder.check("--since", "HEAD").out
    assert out.startswith("HR300 `charge -> ship` was shown at shop.py:7 (`ship(...)`), and no lo")
    assert "  = was shop.py:6 charge(...)\n  = was shop.py:7 ship(...)\n" in out


# --- trees ----------------------------------------------------------------------------------------


def test_revision_that_is_unknown_is_status_2(folder: Folder) -> None:
    """The message says so, and nothing is reported."""
    folder.write({"shop.py": SHOP})
    commit(folder.path)
    done = folder.check("--since", "nope")
    assert (done.status, done.out) == (2, "")
    assert done.err == "headrace: --since: 'nope' is no commit of this repository\n"
    assert folder.check("--since=-h").err.startswith("headrace: --since: '-h' is no commit")


def test_what_is_committed_and_what_is_not_count_alike(folder: Folder) -> None:
    """The files are compared as they are; commits of one's own since the base change nothing."""
    report = changed(folder, SHOP, UNMAILED)
    git(folder.path, "checkout", "-q", "-b", "work")
    commit(folder.path)
    assert findings(check(["."], since="main")) == findings(report)


def test_file_that_does_not_parse_makes_no_loss(folder: Folder) -> None:
    """While a file is missing, nothing is called lost or gone, and the status is 2."""
    report = changed(folder, SHOP, f"{SHOP.replace('mail.delay(order)', '')}\ndef\n")
    assert report.findings == []
    assert report.exit_status() == 2
    assert changes_of(report).lost == ()


def test_base_that_does_not_parse_is_no_obstacle(folder: Folder) -> None:
    """What was wrong before is mended now: what the old code showed elsewhere is compared."""
    folder.write({"bad.py": "def"})
    report = changed(folder, SHOP, UNMAILED)
    assert report.exit_status() == 2
    folder.write({"bad.py": ""})
    report = check(["."], since="HEAD")
    assert [one.code for one in report.findings] == ["HR300"]


def test_base_that_is_not_in_the_clone_is_status_2(folder: Folder) -> None:
    """An object that a partial clone does not have is a problem: its evidence is not known."""
    folder.write({"shop.py": SHOP})
    commit(folder.path)
    blob = git(folder.path, "rev-parse", "HEAD:shop.py")
    (folder.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    folder.write({"shop.py": UNMAILED})
    report = check(["."], since="HEAD")
    assert [one.file for one in report.problems] == ["shop.py"]
    assert report.exit_status() == 2


def test_base_is_remembered(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a cache no tree is analysed again, not even as the base of a later check.

    A tree that lost evidence is analysed twice: for its edges, and for the calls that are left.
    """
    analyses: list[int] = []
    analyse = _pipeline.analyse

    def counted(*asked: object) -> object:
        analyses.append(1)
        return analyse(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(_pipeline, "analyse", counted)
    folder.write({"shop.py": SHOP})
    commit(folder.path)
    cache = folder.path.parent / "cache"
    check(["."], cache=cache)
    folder.write({"shop.py": UNMAILED})
    first = check(["."], cache=cache, since="HEAD")
    assert len(analyses) == 3
    assert check(["."], cache=cache, since="HEAD") == first
    assert len(analyses) == 3
    assert first.findings == check(["."], since="HEAD").findings != []


def test_settings_accept(folder: Folder) -> None:
    """``accept`` in pyproject.toml is a list of codes with what they are about."""
    changed(folder, task(), "")
    assert folder.check("--since", "HEAD").status == 1
    folder.write({"pyproject.toml": '[tool.headrace.check]\naccept = ["HR302 shop.send"]\n'})
    assert folder.check("--since", "HEAD").status == 0
