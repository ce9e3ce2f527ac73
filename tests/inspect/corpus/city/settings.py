import os

PARKING = os.environ.get("PARKING_URL", "http://127.0.0.1:9001")
TOLLS = os.environ["TOLLS_URL"]
PORTAL = os.environ["PORTAL_URL"]
POLICE = "https://police.example.org"
