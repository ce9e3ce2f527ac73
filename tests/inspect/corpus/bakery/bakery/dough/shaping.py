from __future__ import annotations

from typing import TYPE_CHECKING

from headrace import step

if TYPE_CHECKING:
    from ..oven import Oven

    def _typed(oven: Oven):
        score_loaf(oven)


class Shaper:
    oven: Oven | None = None

    @step("dough", after="rest")
    def shape(self, amount):
        from bakery import bake

        bake(self.oven, amount)


@step("dough", after="shape")
def score_loaf(oven):
    return oven
