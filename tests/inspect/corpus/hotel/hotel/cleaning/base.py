from headrace import entrypoint, flow, step


@flow("cleaning")
class Cleaning:
    def __init__(self, room):
        self.room = room

    @entrypoint
    def start(self):
        self.strip_bed()
        self.prepare()
        self.finish()

    @step(after="start")
    def strip_bed(self):
        print("strip", self.room)

    def prepare(self):
        self.make_bed()

    @step(after="strip_bed")
    def make_bed(self):
        print("make", self.room)

    def finish(self):
        self.inspect()

    @step(after="make_bed")
    def inspect(self):
        print("inspect", self.room)
