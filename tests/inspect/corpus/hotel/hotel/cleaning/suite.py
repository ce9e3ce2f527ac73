from headrace import flow, step

from .base import Cleaning


@flow("suite_cleaning")
class SuiteCleaning(Cleaning):
    def prepare(self):
        self.champagne()
        super().prepare()

    def finish(self):
        self.flowers()
        return super().finish()

    @step(after="make_bed")
    def flowers(self):
        print("flowers", self.room)

    @step(after="inspect")
    def champagne(self):
        print("champagne", self.room)

    @step(after=["make_bed", "flowers"])
    def inspect(self):
        super().inspect()
        print("twice")
