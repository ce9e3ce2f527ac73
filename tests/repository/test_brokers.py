"""How tests come by a broker."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests import brokers

if TYPE_CHECKING:
    from pathlib import Path


def test_redis_url_answers_as_redis(redis_url: str) -> None:
    """The fixture gives the URL of a Redis that answers PING."""
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    assert brokers.is_redis(port)


def test_rabbitmq_url_answers_as_amqp(rabbitmq_url: str) -> None:
    """The fixture gives the URL of a server that speaks AMQP 0-9-1."""
    assert rabbitmq_url == "amqp://guest:guest@127.0.0.1:5672//"
    assert brokers.is_rabbitmq(5672)


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_private_redis_is_started_and_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no Redis answers, a private one runs for the tests and is gone afterwards."""
    monkeypatch.setattr(brokers, "REDIS_PORT", brokers.free_port())
    with brokers.find_redis(tmp_path) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        assert brokers.is_redis(port)
    assert not brokers.is_redis(port)


def test_another_server_is_not_taken_for_a_broker() -> None:
    """A silent or closed port is neither a Redis nor a RabbitMQ."""
    port = brokers.free_port()
    assert not brokers.is_redis(port)
    assert not brokers.is_rabbitmq(port)


@pytest.mark.parametrize(
    ("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_missing_broker_skips_unless_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    """A missing broker skips with its reason; with HEADRACE_REQUIRE_BROKERS=1 it fails."""
    monkeypatch.setenv("HEADRACE_REQUIRE_BROKERS", required)
    monkeypatch.setattr(brokers, "RABBITMQ_PORT", brokers.free_port())
    with pytest.raises(outcome, match="no RabbitMQ answers on port"):
        brokers.find_rabbitmq()
