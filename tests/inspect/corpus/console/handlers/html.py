from headrace import step


@step("exports", after="write_header", name="write_html")
def write(rows):
    print("<table>")
