"""Every task of the project: `nox --list` shows them.

Plain `nox` runs tests, lint, typing and `headrace check` on the running interpreter, and needs
Python and pip only.
`nox -t full` runs what needs more, and installs it; `nox -t matrix` runs the framework matrix.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nox

if TYPE_CHECKING:
    from collections.abc import Iterator

# If it is set, each of the many processes that tests start compiles Django and Celery again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing", "check"]

ROOT = Path(__file__).parent
WORKSPACE = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(nox.project.load_toml("packages/core/pyproject.toml"))
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
VERSIONS = """
import importlib.metadata, re, sys
for name in (re.match(r"[a-z]+", word).group() for word in sys.argv[1:]):
    print(name, importlib.metadata.version(name))
"""
REDIS_PORT, RABBITMQ_PORT = 6379, 5672
SPELLED = ["docs", "examples", "packages", *sorted(path.name for path in ROOT.glob("*.md"))]
MEASURED = [
    [
        *(f"tests/{name}" for name in ("celery", "dbos", "django", "fastapi", "flask", "http")),
        *(f"tests/{name}" for name in ("pictures", "queues", "together")),
    ],
    [*(f"tests/{name}" for name in ("chains", "core")), "docs"],
    [f"tests/{name}" for name in ("inspect", "trace")],
]
"""Parts of the suite that run in parallel, under coverage; all other tests are one more part."""
INSTALLED = [
    *("README.md", "docs/start", "tests/trace/test_html.py"),
    *(f"tests/pictures/test_{name}.py" for name in ("chapters", "command", "html")),
    "tests/pictures/test_documents.py::test_directive_draws_a_flow_in_html",
    "tests/core/test_imports.py",
    "tests/core/test_testing_plugin.py::test_the_plugin_is_never_loaded_by_itself",
    "tests/together/test_discovery.py::test_manage_py_knows_the_tasks_of_each_app",
    *(f"tests/{name}/test_contract.py" for name in ("fastapi", "flask")),
    "tests/django/test_contract.py::test_wsgi",
    *("tests/celery/test_init_app.py", "tests/queues/test_rq.py"),
    "tests/dbos/test_processes.py::test_a_run_is_resumed_where_its_process_died",
    *(f"tests/inspect/test_{name}.py" for name in ("command", "evidence", "explain")),
    "tests/inspect/test_recording.py::test_edges_that_tests_run_are_shown_by_tests",
]
"""The tests that `wheels` runs."""
TESTED = ["tests", "docs", "examples", "README.md", "conftest.py", "pyproject.toml"]


class Row(NamedTuple):
    """One row of the framework matrix: versions that are installed together."""

    name: str
    """The row's name in nox's list."""
    frameworks: tuple[str, ...]
    """Requirements; without a version, the latest that supports the Python in use."""
    packages: tuple[str, ...]
    """Our packages under test, folders of packages/ and of tests/."""


LATEST = Row(
    "latest",
    ("celery", "django", "dramatiq", "fastapi", "flask", "rq", "structlog", "taskiq"),
    ("celery", "core", "django", "fastapi", "flask", "queues"),
)
OLD_ROWS = [
    Row("django-4.2", ("django~=4.2.0",), ("django",)),
    Row("flask-3.0", ("flask~=3.0.0",), ("flask",)),
    Row("fastapi-0.110", ("fastapi==0.110.1",), ("fastapi",)),  # brings the oldest Starlette
    Row("celery-5.5", ("celery~=5.5.0",), ("celery",)),
    Row("queues", ("rq~=2.1.0", "dramatiq~=1.17.0", "taskiq~=0.12.0"), ("queues",)),
    Row("structlog-23.1", ("structlog==23.1.0",), ("core",)),
]
LAST_OF_OLD = "3.13"
"""The Python for old versions; `oldest` has them on 3.11, and Django 4.2 does not run on 3.14."""
MATRIX = [(python, LATEST) for python in PYTHONS] + [(LAST_OF_OLD, row) for row in OLD_ROWS]
CORE_WITH_OTHERS = [
    *(f"tests/core/{name}" for name in ("doctor", "log_records", "observation", "propagation")),
    *(f"tests/core/{name}.py" for name in ("flows/test_decorators", "test_clients")),
    *(f"tests/core/{name}.py" for name in ("test_imports", "test_testing_plugin")),
]
"""The tests of the core that need other libraries."""
MATRIX_TESTS = {"core": "tests/core/log_records/test_structlog.py"}
"""The tests of a package whose other tests depend on no framework."""
OLD = [
    *("-W", "default::DeprecationWarning", "-W", "default::PendingDeprecationWarning"),
    *("-W", "default::pytest.PytestUnraisableExceptionWarning"),  # of what it left unclosed
    *("-W", "default:pkg_resources is deprecated:UserWarning"),
]
"""Options of pytest: what an old version of a framework may do, and a new one may not."""


def group(*names: str) -> list[str]:
    """Return the requirements of the workspace's dependency groups `names`."""
    return nox.project.dependency_groups(WORKSPACE, *names)


def install_tree(
    session: nox.Session,
    *requirements: str,
    packages: list[str] = PACKAGES,
    pins: str | Path | None = "constraints.txt",
) -> None:
    """Install `packages` from the tree (editable) with `requirements`, as the file `pins` says.

    All in one go, so that what an integration asks of the core is found in the tree. The build
    backend comes first, once, instead of one isolated environment for each package. Python compiles
    only what a session imports; pip would compile everything that it installs.
    """
    options = ["--constraint", str(pins)] if pins else ["--upgrade"]
    session.install(*group("backend"), *options)
    trees = [word for name in packages for word in ("--editable", f"packages/{name}")]
    session.install("--no-build-isolation", "--no-compile", *trees, *requirements, *options)


# --- Plain `nox` ----------------------------------------------------------------------------------


@nox.session
def tests(session: nox.Session) -> None:
    """Run the suite, each package's own tests under coverage: `nox -s tests -- -k name`."""
    install_tree(session, *group("test-all"))
    if session.posargs:
        session.run("coverage", "run", "-m", "pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    for left in ROOT.glob(".coverage.*"):  # from a failed run
        left.unlink()
    run_parts(session)
    session.run("coverage", "combine", "--quiet")
    session.run("python", "-m", "tests.repository.coverage_floors")


def run_parts(session: nox.Session) -> None:
    """Run the suite in four processes at once; print the output of the others when all have ended.

    Coverage takes a third of the time, so only the tests of each package and the docs run under it,
    and it is paused in tests that try many examples: see tests/conftest.py.
    pytest-xdist would change from run to run which files share a process, and so what they find
    imported and configured.
    """
    measured = ("coverage", "run", "--parallel-mode", "-m", "pytest")
    rest = [f"--ignore={folder}" for part in MEASURED for folder in part]
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        others = []
        for tests in MEASURED:
            output = stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            both = {"stdout": output, "stderr": subprocess.STDOUT}
            others.append((pool.submit(session.run, *measured, *tests, **both), output))
        try:
            session.run("pytest", *rest)
        finally:
            for part, output in others:
                wait([part])
                output.seek(0)
                shutil.copyfileobj(output, sys.stdout)
                sys.stdout.flush()
        for part, _ in others:
            part.result()


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, spelling, and which module imports which."""
    session.install(*group("lint"), "--constraint", "constraints.txt")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell", *SPELLED)
    session.run("python", "-m", "tests.repository.import_contracts")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types of the packages with mypy (strict) and basedpyright."""
    install_tree(session, *group("typing"))
    # All types are known to a user's type checker; Django's stubs leave 10 % of ours unknown.
    complete = ("", "_celery", "_dbos", "_fastapi", "_flask", "_inspect", "_queues", "_trace")
    verify = ("basedpyright", "--ignoreexternal", "--verifytypes")
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(session.run, "basedpyright", "--pythonpath", f"{session.bin}/python"),
            pool.submit(session.run, "mypy"),
            *(
                pool.submit(session.run, *verify, f"headrace{name}", silent=True)
                for name in complete
            ),
        ]
    for run in runs:
        run.result()


@nox.session
def check(session: nox.Session) -> None:
    """Compare the flow that the demo declares with the demo's code."""
    install_tree(session, packages=["core", "inspect"])
    session.run("headrace", "check", "--require-shown", "examples/shop", *session.posargs)


# --- On request -----------------------------------------------------------------------------------


@nox.session
def demo(session: nox.Session) -> None:
    """Send orders through four frameworks: `-- my.jsonl` takes your own, `-- --durable` a chain."""
    install_tree(session, *group("demo"))
    session.run("python", "examples/shop/demo.py", *session.posargs)


@nox.session
def demo_soak(session: nox.Session) -> None:
    """Run the demo under load, 100 times on files and 10 times on Redis; `-- 20 2` for fewer."""
    install_tree(session, *group("demo"))
    session.run("python", "-m", "tests.demo.soak", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure headrace and its peers against bare Python, side by side."""
    install_tree(session, *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def bench_trace(session: nox.Session) -> None:
    """Measure `headrace trace` on logs of 5 million lines, and of twice as many; `-- N` for N."""
    install_tree(session, *group("pictures"), packages=["core", "trace"])
    lines = session.posargs[0] if session.posargs else "5000000"
    session.run("python", "-m", "benchmarks.bench_trace", lines)


@nox.session
def compare(session: nox.Session) -> None:
    """Ask headrace and its peers the hard questions; `-- --store` keeps the answers."""
    install_tree(session, *group("compare"), pins=None)
    session.run("python", "-m", "benchmarks.comparison", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build a wheel and a source distribution of every package into dist/."""
    session.install(*group("build"), "--constraint", "constraints.txt")
    build_packages(session, ROOT / "dist")


@nox.session
def release(session: nox.Session) -> None:
    """Prepare a release: `nox -s release -- X.Y.Z`; nothing is committed, tagged or uploaded."""
    session.install(*group("build"), "--constraint", "constraints.txt")
    session.run("python", "-m", "tests.repository.release", *session.posargs)
    build_packages(session, ROOT / "dist")
    check_distributions(session, ROOT / "dist")
    session.run("python", "-m", "tests.repository.release", "--next-steps")


def build_packages(session: nox.Session, outdir: Path, root: Path = ROOT) -> None:
    """Build each package of the tree `root` into `outdir`, the wheel from its own sdist.

    Files get the time of the last commit, so that the same commit gives the same bytes.
    """
    shutil.rmtree(outdir, ignore_errors=True)
    env = {"SOURCE_DATE_EPOCH": last_commit()}
    for name in PACKAGES:
        tree = str(root / "packages" / name)
        build = ("python", "-m", "build", "--no-isolation", "--outdir", str(outdir), tree)
        session.run(*build, env=env)


@functools.cache
def last_commit() -> str:
    """Return the time of the last commit in seconds, or that of 2020 where git knows none."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    return done.stdout.strip() or "1577836800"


def check_distributions(session: nox.Session, folder: Path) -> None:
    """Check what the index shows of each distribution in `folder`, and what each wheel holds."""
    session.run("twine", "check", "--strict", *map(str, sorted(folder.iterdir())))
    session.run("check-wheel-contents", *map(str, sorted(folder.glob("*.whl"))))


def check_reproducible(session: nox.Session, here: Path) -> None:
    """Build again, in another folder; fail if the bytes differ from those in ``dist``."""
    tree = here / "again"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    shutil.copy(ROOT / ".gitignore", tree)  # else the nearest one above, which is nox's own
    for name in PACKAGES:
        made = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "packages" / name, tree / "packages" / name, ignore=made)
    build_packages(session, tree / "dist", tree)
    for first in sorted((here / "dist").iterdir()):
        if first.read_bytes() != (tree / "dist" / first.name).read_bytes():
            session.error(f"{first.name} is not reproducible")
    session.log("a second build gave the same bytes")


@nox.session
def constraints(session: nox.Session) -> None:
    """Resolve constraints.txt anew, for every supported Python, without addresses."""
    resolve(
        session,
        *("--group", "pyproject.toml:dev", "--universal", "--python-version", PYTHONS[0]),
        *("--custom-compile-command", "nox -s constraints", "--output-file", "constraints.txt"),
    )


def resolve(session: nox.Session, *options: str) -> None:
    """Resolve the dependencies and extras of all packages as `options` of uv say."""
    session.install("uv")
    inputs = [f"packages/{name}/pyproject.toml" for name in PACKAGES]
    ours = [word for name in PACKAGES for word in ("--no-emit-package", distribution(name))]
    shape = ("--upgrade", "--strip-extras", "--no-annotate", "--quiet")
    session.run("uv", "pip", "compile", *inputs, "--all-extras", *ours, *shape, *options)


def distribution(package: str) -> str:
    """Return the name under which the folder `package` is published."""
    metadata = nox.project.load_toml(f"packages/{package}/pyproject.toml")
    return str(metadata["project"]["name"])


# --- `nox -t full`: sessions that need more, and install it ---------------------------------------


@nox.session(tags=["full"])
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    install_tree(session, *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session(tags=["full"])
def corpus(session: nox.Session) -> None:
    """Print how many edges of the labelled projects `headrace check` shows, and how rightly."""
    install_tree(session, packages=["core", "inspect"])
    session.run("python", "-m", "tests.inspect.corpus_kit")


@nox.session(tags=["full"])
def robustness(session: nox.Session) -> None:
    """Run `headrace check` on the standard library's tests and on installed packages.

    By default on every tenth program, the largest first, and on a third of the packages as one
    program; `-- --share 1` takes all of them.
    """
    install_tree(session, *group("test-all"))
    options = session.posargs or ["--share", "10"]
    session.run("python", "-m", "tests.inspect.robustness_kit", *options)


@nox.session(tags=["full"])
def examples(session: nox.Session) -> None:
    """Run the tests that take random examples with 200 examples, or `-- 1000`; the suite has 40."""
    install_tree(session, *group("test-all"))
    count = session.posargs[0] if session.posargs else "200"
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/test_*.py"))
    texts = {path: Path(path).read_text("utf-8") for path in files}
    # Tests that fix their number of examples would only be repeated here.
    random = [
        path
        for path, text in texts.items()
        if "hypothesis" in text and not re.search(r"max_examples=\d", text)
    ]
    session.run("pytest", *random, "-m", "hypothesis", env={"HEADRACE_EXAMPLES": count})


@nox.session(tags=["full"])
def hook(session: nox.Session) -> None:
    """Run the pre-commit hook on the demo, as pre-commit installs it from a clone."""
    session.install("pre-commit>=4")
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        session.skip("this is no clone, or git is missing")
    home = Path(session.create_tmp()).resolve()
    shutil.rmtree(home / "shop", ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "shop", home / "shop")
    session.chdir(home / "shop")
    for words in (("init", "-q"), ("add", ".")):
        session.run("git", *words, external=True)
    command = ("pre-commit", "try-repo", str(ROOT), "headrace-check", "--all-files")
    session.run(*command, env={"PRE_COMMIT_HOME": str(home / "home")})


@nox.session(tags=["full"])
def wheels(session: nox.Session) -> None:
    """Check the built distributions, and test the wheels without the source tree.

    The code is the same as in the tree, so only what depends on installation is tested: imports,
    entry points, files beside the code, versions, the READMEs, and the main use of each package.
    """
    session.install(*group("build"), "--constraint", "constraints.txt")
    here = Path(session.create_tmp()).resolve()
    build_packages(session, here / "dist")
    check_distributions(session, here / "dist")
    check_reproducible(session, here)
    built = [str(wheel) for wheel in sorted(here.glob("dist/*.whl"))]
    pins = ("--constraint", "constraints.txt")
    session.install("--force-reinstall", "--no-deps", *built)
    session.install(*built, *group("test-all"), *pins)
    session.chdir(copy_tests(here / "tree"))
    session.run("pytest", *INSTALLED, *session.posargs)


def copy_tests(target: Path) -> Path:
    """Copy the tests and what they read, but no package, into `target` and return it."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in TESTED:
        source = ROOT / name
        if source.is_dir():
            made = shutil.ignore_patterns("_build", "__pycache__")
            shutil.copytree(source, target / name, ignore=made)
        elif source.exists():
            shutil.copy(source, target / name)
    return target


@nox.session(tags=["full"])
def brokers(session: nox.Session) -> None:
    """Run the tests that talk to Redis and RabbitMQ; none of them may be skipped."""
    if not answers(REDIS_PORT):  # the tests start their own, once there is a binary
        system_package(session, "redis-server", "redis-server")
    install_tree(session, *group("test-all"))
    with rabbitmq(session):
        session.run(
            "pytest", "-m", "broker", *session.posargs, env={"HEADRACE_REQUIRE_BROKERS": "1"}
        )


@nox.session(tags=["full"])
def servers(session: nox.Session) -> None:
    """Run the contract on real servers: uvicorn, gunicorn, hypercorn, uWSGI, daphne, Django's own.

    The audit has a session of its own.
    """
    install_tree(session, *group("test-all", "test-servers"))
    session.install(*group("test-servers-apart"))  # uWSGI is built, in isolation
    tests = ("tests/serving", "--ignore=tests/serving/test_audit.py")
    session.run("pytest", *tests, *session.posargs, env={"HEADRACE_REQUIRE_SERVERS": "1"})


@nox.session(tags=["full"])
def crash_soak(session: nox.Session) -> None:
    """Kill processes in the middle of durable runs: 30 histories per database, or `-- COUNT SEED`.

    On SQLite and on the PostgreSQL of HEADRACE_POSTGRES_URL.
    """
    install_tree(session, *group("test"), packages=["core", "dbos"])
    session.run("python", "-m", "tests.dbos.crash.soak", *(session.posargs or ["30"]))


@nox.session(tags=["full"])
def audit(session: nox.Session) -> None:
    """Compare every line of servers and workers with markers: 10,000 units, or `-- 100000`.

    Also hold 100,000 units open at once in one process.
    """
    if not answers(REDIS_PORT):
        system_package(session, "redis-server", "redis-server")
    install_tree(session, *group("test-all", "test-servers"))
    units = session.posargs[0] if session.posargs else "10000"
    required = {"HEADRACE_REQUIRE_SERVERS": "1", "HEADRACE_REQUIRE_BROKERS": "1"}
    many = {"HEADRACE_AUDIT": units, "HEADRACE_LOAD": "100000"}
    tests = ("tests/serving/test_audit.py", "tests/core/test_load.py")
    session.run("pytest", *tests, env=required | many)


@nox.session(tags=["full"])
def audit_soak(session: nox.Session) -> None:
    """Inject faults into the demo on Redis and audit its logs: 30, or `-- COUNT SEED`."""
    if not answers(REDIS_PORT):
        system_package(session, "redis-server", "redis-server")
    install_tree(session, *group("test", "demo"))
    session.run("python", "-m", "tests.trace.injection.soak", *session.posargs)


@nox.session(tags=["full"])
def celery_full(session: nox.Session) -> None:
    """Try each way to publish and run a task on every pool, 12,500 at once, and kill chains."""
    if not answers(REDIS_PORT):
        system_package(session, "redis-server", "redis-server")
    install_tree(session, *group("test-all", "test-servers"))  # gevent comes with the servers
    env = {"HEADRACE_CELERY_FULL": "1", "HEADRACE_REQUIRE_BROKERS": "1"}
    with rabbitmq(session):
        tests = ["tests/celery/test_matrix.py", "tests/celery/test_chain_workers.py"]
        session.run("pytest", *tests, *session.posargs, env=env)


@nox.session
def soak(session: nox.Session) -> None:
    """Send 50,000 requests to uvicorn and to gunicorn: no growth, no doubled ID, no noise."""
    install_tree(session, *group("test-all", "test-servers"))
    env = {"HEADRACE_SOAK": "50000", "HEADRACE_REQUIRE_SERVERS": "1"}
    session.run("pytest", "tests/serving/test_soak.py", *session.posargs, env=env)


@nox.session(tags=["full"])
def pictures(session: nox.Session) -> None:
    """Show the pictures to their real consumers: Graphviz, Mermaid, Chromium and axe-core.

    Screenshots are kept in build/pictures.
    """
    for command, package in (("dot", "graphviz"), ("chromium", "chromium"), ("npm", "npm")):
        system_package(session, command, package)
    install_tree(session, *group("test", "test-core", "pictures"), packages=["core", "trace"])
    folder = session.create_tmp()
    npm = ("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error")
    session.run(*npm, "mermaid@11", "axe-core@4", external=True)
    env = {
        "HEADRACE_NODE_MODULES": str(Path(folder, "node_modules").resolve()),
        "HEADRACE_REQUIRE_CONSUMERS": "1",
        "HEADRACE_SCREENSHOTS": str(ROOT / "build" / "pictures"),
    }
    session.run("pytest", "tests/pictures", *session.posargs, env=env)


def system_package(session: nox.Session, command: str, package: str) -> str:
    """Return the path of `command`, from the Debian package `package` where it is missing.

    Skips the session, with the reason, where that is not possible.
    """
    if found := shutil.which(command):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        session.skip(f"{command} is missing; install {package}, or run as root on Debian")
    session.run("apt-get", "update", "-qq", external=True, silent=True)
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
    session.run(*install, external=True, silent=True, env={"DEBIAN_FRONTEND": "noninteractive"})
    found = shutil.which(command)
    if found is None:
        session.error(f"{package} was installed, and {command} is still missing")
    return found


@contextlib.contextmanager
def rabbitmq(session: nox.Session) -> Iterator[None]:
    """Have a RabbitMQ on its standard port inside the block: the one that answers, or our own."""
    if answers(RABBITMQ_PORT):
        yield
        return
    binary = system_package(session, "rabbitmq-server", "rabbitmq-server")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)  # the server runs as a user of its own
        env = os.environ | {
            "ERL_EPMD_PORT": "4370",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_MNESIA_BASE": folder,
            "RABBITMQ_NODENAME": "headrace@localhost",
        }
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen([binary], env=env, **quiet)
        try:
            wait_for_port(session, RABBITMQ_PORT, server)
            yield
        finally:
            # Signals do not reach it, since it runs under another user in a session of its own.
            subprocess.run(["rabbitmqctl", "stop"], env=env, check=False, **quiet)
            server.wait(timeout=30)
            subprocess.run(["epmd", "-kill"], env=env, check=False, **quiet)  # it outlives its node


def wait_for_port(session: nox.Session, port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until `server` listens on `port`; skip the session if it does not within a minute."""
    for _ in range(120):
        if answers(port):
            return
        if server.poll() is not None:
            break
        time.sleep(0.5)
    session.skip(f"{server.args} did not start on port {port}")


def answers(port: int) -> bool:
    """Tell whether something listens on `port` of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


# --- `nox -t matrix` ------------------------------------------------------------------------------


@nox.session(tags=["matrix"])
@nox.parametrize(["python", "row"], MATRIX, ids=[f"{python}-{row.name}" for python, row in MATRIX])
def matrix(session: nox.Session, row: Row) -> None:
    """Run the tests of a row's frameworks and versions; constraints.txt does not apply here."""
    requirements = group("test", *(f"test-{name}" for name in row.packages))
    packages = sorted({"core", *row.packages})
    install_tree(session, *requirements, *row.frameworks, packages=packages, pins=None)
    session.run("python", "-c", VERSIONS, *row.frameworks)
    tests = [MATRIX_TESTS.get(name, f"tests/{name}") for name in row.packages]
    session.run("pytest", *tests, *([] if row is LATEST else OLD), *session.posargs)


@nox.session(python=PYTHONS[0], tags=["matrix"])
def oldest(session: nox.Session) -> None:
    """Run the tests of all packages with the lowest versions that these allow, as a proof."""
    # Not `session.create_tmp()`, which moves the tests' own temporary files into this repository.
    floors = Path(session.virtualenv.location, "oldest.txt").resolve()
    # Without what these depend on in turn, which the tests' tools have a say in.
    lowest = ("--resolution", "lowest-direct", "--no-deps")
    resolve(session, *lowest, "--output-file", str(floors))
    # The oldest instrumentors of OpenTelemetry import pkg_resources, of setuptools.
    # import-linter, for tests that this session does not run, asks for a newer rich. The queues ask
    # for a newer redis than the oldest Celery takes: the matrix has their oldest versions.
    left_out = ("import-linter", *group("test-queues"), *group("test-migrating"))
    tools = [each for each in group("test-all") if not each.startswith(left_out)]
    packages = [name for name in PACKAGES if name != "queues"]
    install_tree(session, *tools, "setuptools<81", packages=packages, pins=floors)
    # Leaves out tests that try many examples, and tests of code without dependencies: chains, the
    # check, and most of the core.
    folders = [f"tests/{name}" for name in packages if name not in {"core", "inspect"}]
    few_examples = ("-m", "not hypothesis and not unmeasured")
    session.run("pytest", *CORE_WITH_OTHERS, *folders, *OLD, *few_examples, *session.posargs)
