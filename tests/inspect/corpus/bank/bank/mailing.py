from headrace import step


@step("statements", after="archive", name="send")
def post(text):
    """The second step of this name in the flow."""
