from flask import after_this_request, jsonify, request

from headrace import entrypoint, step

from . import bp


@bp.route("/stays", methods=["POST"])
@entrypoint("stay")
def check_in():
    guest = request.get_json()
    room = find_room(guest["beds"])
    if guest.get("gold"):
        room = upgrade(room)
    else:
        make_key(room)

        @after_this_request
        def add_greeting(response):
            response.headers["X-Greeting"] = greet(guest)
            return response

    return jsonify(room=room)


@step("stay", after="check_in")
def find_room(beds):
    return beds * 100


@step("stay", after="find_room")
def make_key(room):
    return f"key {room}"


@step("stay", after="make_key")
def greet(guest):
    return "Welcome"


@step("stay", after="make_key")
def upgrade(room):
    return room + 1
