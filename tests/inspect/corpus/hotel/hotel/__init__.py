from flask import Flask

from headrace_flask import Headrace


def create_app():
    app = Flask(__name__)
    Headrace(app)
    from .cleaning import routes
    from .desk import bp, cli

    app.register_blueprint(bp)
    app.register_blueprint(routes.bp, url_prefix="/cleaning")
    app.cli.add_command(cli.night_audit)
    return app
