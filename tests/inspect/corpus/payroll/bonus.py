from __future__ import annotations

from headrace import entrypoint, flow, step

bonus = flow("bonus")


@bonus
class Bonus:
    @classmethod
    @entrypoint
    def for_everyone(cls, names: list[str]) -> int:
        maker = cls()
        return sum(maker.decide(name) for name in names)

    @step(after="for_everyone")
    def decide(self, name: str) -> int:
        amount = self.lookup(name)
        Bonus.announce(name, amount)
        return amount

    @step(after="decide")
    def lookup(self, name: str) -> int:
        return len(name)

    @staticmethod
    @step(after="lookup")
    def announce(name: str, amount: int) -> None:
        print(name, amount)

    @property
    @step(after="announce", name="budget")
    def left_over(self) -> int:
        return 0

    @step(after=announce)
    def thank(self, name: str) -> None:
        print("thank you", name)


def close_year(names: list[str]) -> int:
    spent = Bonus.for_everyone(names)
    final = Bonus()
    final.thank("all")
    return spent + final.left_over
