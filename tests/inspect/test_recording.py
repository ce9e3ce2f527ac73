"""Evidence from tests: what pytest records, and what the check makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace import entrypoint, get_flow_context, step
from headrace.commands import CommandError
from headrace_inspect import Report, check
from headrace_inspect._evidence import verdicts
from headrace_inspect._recording import _plugin, _writing
from headrace_inspect._recording._joining import Run, read_runs, write_runs
from tests.inspect.program_kit import write

PROGRAM = """
    import subprocess
    import sys
    from multiprocessing import get_context

    from headrace import entrypoint, extract, inject, open_context, step

    @entrypoint("order")
    def receive(kind="charge"):
        for name in kind.split():
            globals()[name]()

    @step("order", after="receive")
    def charge(): ...

    @step("order", after="charge")
    def ship(): ...

    @entrypoint("order")
    def hand_over(how):
        carrier = {}
        inject(carrier)
        if how == "fork":
            process = get_context("fork").Process(target=work, args=(carrier,))
            process.start()
            process.join()
        else:
            call = f"import orders; orders.work({carrier!r})"
            subprocess.run([sys.executable, "-c", call], check=True)

    def work(carrier):
        with open_context(remote=extract(carrier)):
            store()

    @step("order", after="hand_over")
    def store(): ...
"""
HEAD = "import orders, pytest\n"


def run(folder: Path, tests: str, *words: str, **files: str) -> Report:
    """Record a suite with `tests` for the program, and return the check with the evidence."""
    write(folder, {"orders.py": PROGRAM, "test_orders.py": HEAD + tests, **files})
    environment = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
    environment |= {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    done = subprocess.run(
        [*command, "--headrace-evidence", "seen.json", *words],
        check=False, cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return check([str(folder / "orders.py")], evidence=folder / "seen.json", require_shown=True)


def by(report: Report) -> dict[str, tuple[str, ...]]:
    """Return what shows each edge."""
    return {edge.id.partition(":")[2]: edge.by for edge in report.edges}


def test_edges_that_tests_run_are_shown_by_tests(tmp_path: Path) -> None:
    """The code leaves open what runs; the test shows the edges that it runs in their order."""
    report = run(tmp_path, "def test_it():\n    orders.receive('charge ship')\n")

    assert by(report) == {
        "receive->charge": ("tests",),
        "charge->ship": ("tests",),
        "hand_over->store": (),
    }
    assert [(one.code, one.target) for one in report.findings] == [("HR110", "store")]


def test_edges_that_both_show(tmp_path: Path) -> None:
    """What the code shows alone stays shown by code, and what both show is so by both."""
    more = """
        from headrace import entrypoint, step

        @entrypoint("parcel")
        def send():
            weigh()
            label()

        @step("parcel", after="send")
        def weigh(): ...

        @step("parcel", after="weigh")
        def label(): ...
    """
    tests = "import parcels\ndef test_it():\n    parcels.weigh()\n    parcels.send()\n"
    run(tmp_path, tests, **{"parcels.py": more})
    report = check([str(tmp_path / "parcels.py")], evidence=tmp_path / "seen.json")

    assert by(report) == {"send->weigh": ("code", "tests"), "weigh->label": ("code", "tests")}
    assert by(check([str(tmp_path / "parcels.py")])) == dict.fromkeys(by(report), ("code",))


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_other_processes_are_recorded(tmp_path: Path, how: str) -> None:
    """An operation continues in a process that a test forks, and in a Python that it starts."""
    report = run(tmp_path, f"def test_it():\n    orders.hand_over({how!r})\n")

    assert by(report)["hand_over->store"] == ("tests",)


def test_workers_of_xdist_are_recorded(tmp_path: Path) -> None:
    """The tests of all workers are in one file."""
    pytest.importorskip("xdist")
    tests = "".join(
        f"def test_{kind}():\n    orders.receive({kind!r})\n" for kind in ("charge", "ship")
    )
    report = run(tmp_path, tests, "-n", "2")
    runs = json.loads((tmp_path / "seen.json").read_text("utf-8"))["runs"]

    assert by(report)["receive->charge"] == ("tests",)
    assert [one["tests"] for one in runs] == [
        ["test_orders.py::test_charge"], ["test_orders.py::test_ship"],
    ]  # fmt: skip


def test_steps_that_ran_the_other_way_round_are_a_finding(tmp_path: Path) -> None:
    """It names the test, and stands at the step."""
    report = run(tmp_path, "def test_it():\n    orders.receive('ship charge')\n")
    (found,) = [one for one in report.findings if one.code == "HR111"]

    assert found.message == (
        "'ship' ran before 'charge' in test_orders.py::test_it, but is declared after it"
    )
    assert (found.source, found.target, found.place.line) == ("charge", "ship", 17)


def test_a_step_behind_one_of_its_predecessors_is_in_order(tmp_path: Path) -> None:
    """A step that is declared after two may follow either, whenever the other one runs."""
    more = """
        from headrace import entrypoint, step

        @entrypoint("visit")
        def ring():
            for work in (enter, knock):
                work()

        @step("visit", after="ring")
        def knock(): ...

        @step("visit", after=["ring", "knock"])
        def enter(): ...
    """
    run(tmp_path, "import visits\ndef test_it():\n    visits.ring()\n", **{"visits.py": more})
    report = check([str(tmp_path / "visits.py")], evidence=tmp_path / "seen.json")

    assert report.findings == []


def test_the_file_lists_operations(tmp_path: Path) -> None:
    """Each order of steps once, with tests that ran it."""
    tests = (
        "@pytest.mark.parametrize('number', range(5))\n"
        "def test_it(number):\n    orders.receive()\n    orders.receive()\n"
    )
    run(tmp_path, tests)
    document = json.loads((tmp_path / "seen.json").read_text("utf-8"))

    assert document == {
        "version": 1,
        "runs": [
            {
                "steps": [["order", "receive"], ["order", "charge"]],
                "tests": [f"test_orders.py::test_it[{number}]" for number in range(3)],
            }
        ],
    }


def test_without_the_option_nothing_is_imported(tmp_path: Path) -> None:
    """The plugin of a suite that does not ask for it costs an import of itself."""
    tests = "import sys\ndef test_it():\n    assert 'headrace_inspect._check' not in sys.modules\n"
    write(tmp_path, {"test_it.py": tests})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The suite does not run only to find that nothing can be written."""
    command = [sys.executable, "-m", "pytest", "--headrace-evidence", "gone/seen.json"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--headrace-evidence: there is no folder" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read .*seen.json: No such file"),
        ("[]", "seen.json holds no evidence; pytest --headrace-evidence writes it"),
        ("{", "seen.json holds no evidence"),
        ('{"version": 7}', "seen.json was recorded by another version"),
    ],
)
def test_a_file_without_evidence_is_an_error(tmp_path: Path, text: Any, message: str) -> None:
    """The message names the file, and what writes it."""
    if text is not None:
        (tmp_path / "seen.json").write_text(text, "utf-8")

    with pytest.raises(CommandError, match=message):
        check([str(tmp_path)], evidence=tmp_path / "seen.json")


def test_the_graph_draws_what_tests_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``headrace graph --evidence`` takes the file that the settings name."""
    run(tmp_path, "def test_it():\n    orders.receive('charge ship')\n")
    settings = '[tool.headrace.check]\npaths = ["orders.py"]\nevidence = "seen.json"\n'
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    monkeypatch.chdir(tmp_path)

    assert verdicts() == (
        {
            "order:receive->charge": "shown_by_tests",
            "order:charge->ship": "shown_by_tests",
            "order:hand_over->store": "not_shown",
        },
        [],
    )


@entrypoint("recorded")
def begin(*steps: Any) -> str | None:
    """Run some steps in one operation, and return its ID."""
    for one in steps:
        one()
    context = get_flow_context()
    return None if context is None else context.correlation_id


@step("recorded", after="begin")
def middle() -> None:
    """Do nothing."""


@step("recorded", after="middle")
def end() -> None:
    """Do nothing."""


BEGIN, MIDDLE, END = [("recorded", name) for name in ("begin", "middle", "end")]


def lines_in(folder: Path) -> list[list[Any]]:
    """Return what is recorded in a folder, file by file."""
    return [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


def configured(folder: Path, file: str | None, **more: Any) -> Any:
    """Give the plugin a configuration with the option, and return it; `close` unconfigures it."""
    cleanups = ExitStack()
    config: Any = SimpleNamespace(
        getoption={"--headrace-evidence": file}.__getitem__,
        invocation_params=SimpleNamespace(dir=folder),
        stash=pytest.Stash(),
        add_cleanup=cleanups.callback,
        close=cleanups.close,
        **more,
    )
    _plugin.pytest_configure(config)
    return config


def test_a_step_is_written_once_for_each_operation(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """At once, with operation, time, flow, name and test; and nothing after the end."""
    stop = _writing.record(str(tmp_path))
    try:
        first = begin(middle, middle)
        written = lines_in(tmp_path)
        second = begin(middle)
    finally:
        stop()
    begin(end)
    lines = lines_in(tmp_path)

    assert lines[:2] == written
    assert [(one, flow, name) for one, _, flow, name, _ in lines] == [
        (first, *BEGIN), (first, *MIDDLE), (second, *BEGIN), (second, *MIDDLE),
    ]  # fmt: skip
    assert [time for _, time, *_ in lines] == sorted(time for _, time, *_ in lines)
    assert {test for *_, test in lines} == {request.node.nodeid}
    assert len(list(tmp_path.iterdir())) == 1


def test_processes_that_are_started_inherit_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that makes Python record comes before what is on the path already."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    alone = _writing.inherited("records")
    monkeypatch.setenv("PYTHONPATH", "own")
    added = _writing.inherited("records")

    assert alone["HEADRACE_EVIDENCE"] == added["HEADRACE_EVIDENCE"] == "records"
    assert Path(alone["PYTHONPATH"], "sitecustomize.py").is_file()
    assert added["PYTHONPATH"] == os.pathsep.join([alone["PYTHONPATH"], "own"])


def test_records_that_a_kill_has_cut_off_are_left_out(tmp_path: Path) -> None:
    """Whole lines of all files are put in order by time; half a line is none."""
    records = tmp_path / "records"
    lines = [["1", 3, *END, "test_b"], ["1", 1, *BEGIN, "test_a"]]
    texts = [*map(json.dumps, lines), '["1", 2, "reco']
    write(records, {"a.jsonl": "\n".join(texts), "b.jsonl": json.dumps(["2", 4, *BEGIN, ""])})
    write_runs(str(records), tmp_path / "seen.json")

    assert read_runs(tmp_path / "seen.json") == [Run([BEGIN], []), Run([BEGIN, END], ["test_a"])]


def test_the_plugin_declares_its_option() -> None:
    """It takes the name of a file."""
    parser = pytest.Parser(_ispytest=True)
    _plugin.pytest_addoption(parser)

    assert parser.parse_known_args([]).headrace_evidence is None
    given = parser.parse_known_args(["--headrace-evidence", "seen.json"])
    assert given.headrace_evidence == "seen.json"


def test_the_plugin_records_from_configure_to_unconfigure(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In between, other processes record too; in the end only the file is left."""
    before = dict(os.environ)
    config = configured(tmp_path, "seen.json")
    folder = os.environ["HEADRACE_EVIDENCE"]
    node = SimpleNamespace(config=config, workerinput={})
    _plugin.pytest_configure_node(node)
    begin(middle)
    config.close()

    assert read_runs(tmp_path / "seen.json") == [Run([BEGIN, MIDDLE], [request.node.nodeid])]
    assert node.workerinput == {"headrace_evidence": folder}
    assert not Path(folder).exists()
    assert dict(os.environ) == before


def test_a_worker_records_for_the_process_that_started_it(tmp_path: Path) -> None:
    """In the folder that it is given, which it leaves as it is."""
    before = dict(os.environ)
    config = configured(tmp_path, None, workerinput={"headrace_evidence": str(tmp_path)})
    begin()
    config.close()

    assert [(flow, name) for _, _, flow, name, _ in lines_in(tmp_path)] == [BEGIN]
    assert not (tmp_path / "seen.json").exists()
    assert dict(os.environ) == before


def test_the_plugin_does_nothing_that_is_not_asked_for(tmp_path: Path) -> None:
    """Without the option, workers get no folder; a file that cannot be created is an error."""
    node = SimpleNamespace(config=configured(tmp_path, None), workerinput={})
    _plugin.pytest_configure_node(node)
    assert node.workerinput == {}
    with pytest.raises(pytest.UsageError, match=r"there is no folder .*gone"):
        configured(tmp_path, "gone/seen.json")
