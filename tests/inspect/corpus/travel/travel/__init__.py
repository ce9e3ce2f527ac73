from flask import Flask

from headrace_flask import Headrace


def create_app():
    app = Flask(__name__)
    Headrace(app)
    from .trips import bp

    app.register_blueprint(bp, url_prefix="/trips")
    return app
