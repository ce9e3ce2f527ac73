from headrace import step


class Pager:
    def notify_ward(self, bed):
        self.page_doctor(bed)

    @step("intake", after="notify_ward")
    def page_doctor(self, bed):
        print("page", bed)


class Logged:
    def notify_ward(self, bed):
        print("log", bed)
        super().notify_ward(bed)


class Ward(Logged, Pager):
    @step("intake", after="reserve")
    def notify_ward(self, bed):
        super().notify_ward(bed)
