from attic.boxes import shake_box, sort_things


def test_shake():
    assert sort_things("ba") == ["a", "b"]
    shake_box("box")
