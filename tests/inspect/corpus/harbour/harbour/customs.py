from headrace import step

from .container import container


class Customs:
    @step("arrival", after="moor")
    def notify_customs(self, ship):
        print("customs", ship)


container.register("customs", Customs)
