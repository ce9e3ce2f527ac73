"""A video is cut, encoded in three sizes at once, and published."""

from celery import chain, chord, group

from headrace import flow

from .app import app
from .tasks import (
    check_rights,
    cut,
    encode,
    fetch,
    give_up,
    make_poster,
    publish,
    refund,
    subtitle,
    tell_owner,
    watermark,
)

upload = flow("upload")


@upload.entrypoint
def accept(video_id: str) -> str:
    work = chain(
        fetch.s(video_id),
        cut.s(),
        group(encode.s(height) for height in (480, 720, 1080)),
        publish.si(video_id),
    )
    result = work.apply_async(link_error=give_up.s(video_id))
    return result.id


@upload.entrypoint
def accept_poster(video_id: str) -> None:
    (check_rights.s(video_id) | make_poster.s() | watermark.si(video_id)).delay()


@upload.entrypoint
def accept_subtitles(video_id: str, languages: list[str]) -> None:
    header = [subtitle.s(video_id, language) for language in languages]
    chord(header)(tell_owner.si(video_id))


@upload.step(after="tell_owner")
def close_ticket(video_id: str) -> None:
    print("closed", video_id)


@upload.step(after=["accept"])
def plan_refund(video_id: str) -> None:
    """Makes a signature and drops it."""
    refund.s(video_id)


def open_ticket(video_id: str) -> None:
    accept(video_id)
    plan_refund(video_id)
