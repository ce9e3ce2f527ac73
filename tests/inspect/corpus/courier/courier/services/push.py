from headrace import step


class PushHub:
    async def connect(self) -> None:
        print("connected")

    async def close(self) -> None:
        print("closed")

    @step("tracking", after="merge")
    async def push(self, answer) -> None:
        print(answer)
