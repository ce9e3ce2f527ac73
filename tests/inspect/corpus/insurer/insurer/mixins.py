from __future__ import annotations

import logging

from headrace import step

from .model import Claim

log = logging.getLogger(__name__)


class Auditing:
    """Leaves a line for the auditors."""

    @step(after="settle")
    def audit(self, text: str, claim: Claim) -> None:
        log.info("%s: %s %s", type(self).__name__, text, claim.policy.number)


class Notifying:
    """Tells the holder."""

    sender = "claims@insurer.example"

    @step(after="close")
    def notify(self, claim: Claim) -> None:
        text = f"Dear {claim.policy.holder}, {self.greeting(claim)}"
        self.write_mail(claim, text)

    def greeting(self, claim: Claim) -> str:
        return "your claim is closed."

    @step(after="notify")
    def write_mail(self, claim: Claim, text: str) -> None:
        log.info("%s -> %s: %s", self.sender, claim.policy.holder, text)

    @step(after="write_mail")
    def archive_mail(self, claim: Claim, text: str) -> None:
        log.info("archived %s bytes", len(text))
