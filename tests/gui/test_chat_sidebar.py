"""The list at the left: what it marks is what is open."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu

from tests.gui.test_chat_window import Scene, scene

__all__ = ["scene"]


def marked(scene: Scene) -> str:
    index = scene.window.sidebar.view.currentIndex()
    return str(index.data()) if index.isValid() else ""


def place_of(scene: Scene, title: str) -> QPoint:
    sidebar = scene.window.sidebar
    chat = next(chat for chat in scene.window.chats.chats if chat.title == title)
    return sidebar.view.visualRect(sidebar.rows.index_of(chat.id)).center()


def test_a_menu_that_is_left_leaves_the_open_chat_marked(scene: Scene) -> None:
    scene.open("Release notes")
    view = scene.window.sidebar.view
    at = place_of(scene, "Trip to Lisbon")
    QTest.mouseClick(view.viewport(), Qt.MouseButton.RightButton, pos=at)
    view.customContextMenuRequested.emit(at)
    menu = scene.window.sidebar.findChild(QMenu)
    assert isinstance(menu, QMenu) and menu.accessibleName() == "Chat Trip to Lisbon"
    menu.close()
    assert marked(scene) == "Release notes"


def test_a_chat_that_was_looked_at_by_keyboard_only_is_not_marked_afterwards(scene: Scene) -> None:
    scene.open("Release notes")
    view = scene.window.sidebar.view
    view.setFocus()
    scene.qtbot.waitUntil(view.hasFocus)
    scene.press(Qt.Key.Key_Down, to=view)
    assert marked(scene) == "Trip to Lisbon"
    scene.press(Qt.Key.Key_Tab, to=view)
    assert marked(scene) == "Release notes"


def test_after_renaming_another_chat_the_open_one_is_marked(scene: Scene) -> None:
    scene.open("Release notes")
    sidebar = scene.window.sidebar
    other = next(chat for chat in scene.window.chats.chats if chat.title == "Trip to Lisbon")
    sidebar.rename(other.id)
    editor = sidebar.view.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("Trip to Porto")
    scene.press(Qt.Key.Key_Return, to=editor)
    scene.qtbot.waitUntil(lambda: "Trip to Porto" in scene.rows())
    scene.qtbot.waitUntil(lambda: marked(scene) == "Release notes")


def test_in_a_narrow_window_the_list_gives_way_and_nothing_is_cut(scene: Scene) -> None:
    window, sidebar, composer = scene.window, scene.window.sidebar, scene.window.composer
    scene.open("Release notes")
    window.resize(window.minimumSize())
    scene.qtbot.waitUntil(lambda: not sidebar.isVisible())
    scene.qtbot.waitUntil(lambda: composer.width() > window.width() - 100)
    for button in (composer.model_button, composer.send_button):
        assert button.width() >= button.minimumSizeHint().width(), button.accessibleName()
    assert scene.state.flag("sidebar")
    window.toggle_sidebar()
    assert sidebar.isVisible() and scene.state.flag("sidebar")
    scene.open("Trip to Lisbon")  # choosing one makes room for it
    assert not sidebar.isVisible()
    window.resize(1000, 700)
    scene.qtbot.waitUntil(sidebar.isVisible)
