from headrace import step


@step("leaving", after="cast_off")
def wave(ship):
    print("bye")
