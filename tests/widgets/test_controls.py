from __future__ import annotations

from seg_widgets.widgets.controls import Controls


def test_the_buttons_do_what_they_say() -> None:
    pressed: list[str] = []
    controls = Controls(
        0.3, on_clear=lambda: pressed.append("clear"), on_undo=lambda: pressed.append("undo")
    )
    assert controls.slider.value == 0.3
    controls.clearer.click()
    controls.undo_button.click()
    assert pressed == ["clear", "undo"]


def test_notes_are_texts_and_what_has_nothing_to_say_is_hidden() -> None:
    controls = Controls(0.5, on_clear=lambda: None, on_undo=lambda: None)
    assert controls.notes_line.layout.display == controls.undo_button.layout.display == "none"
    controls.show(["One <b>page</b> of two.", "100 instances."], True)
    assert controls.notes_line.value == (
        '<div role="status"><div>One &lt;b&gt;page&lt;/b&gt; of two.</div>'
        "<div>100 instances.</div></div>"
    )
    assert controls.notes_line.layout.display is controls.undo_button.layout.display is None
    controls.show([], False)
    assert controls.notes_line.value == ""
    assert controls.notes_line.layout.display == controls.undo_button.layout.display == "none"
