"""The application's palette and its one style sheet, made from a theme.

Owns the roles that widgets may carry as the property `role` (and `tone` for what a colour
says); what a role looks like is written here only. Knows no window.
"""

from pathlib import Path
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QWidget

from nagatha_desktop.widgets.tokens import MEASURES, Theme, Tone

_TONES: tuple[Tone, ...] = ("accent", "ok", "warn", "bad", "muted")
_FALLBACK_POINTS = 10.0
_ICONS = (Path(__file__).resolve().parents[2] / "resources" / "icons").as_posix()

# No rule starts with a bare `*` or `QWidget`: each would be matched against every widget of a
# long chat.
_SHEET = Template(
    """
QMainWindow, QDialog, QWidget[role="window"] { background: $background; }
QWidget[role="panel"] { background: $panel; }
QFrame[role="bar"] { background: $panel; border: 0; border-bottom: ${border}px solid $line; }
QFrame[role="foot"] { background: $panel; border: 0; border-top: ${border}px solid $line; }
QFrame[role="side"] { background: $side; border: 0; border-right: ${border}px solid $line; }
QFrame[role="card"], QFrame[role="tool"] {
    background: $panel; border: ${border}px solid $line; border-radius: ${card}px; }
QFrame[role="card"][focused="true"] { border-color: $accent; }
QFrame[role="bubble"] { background: $accent_soft; border: 0; border-radius: ${bubble}px; }
QFrame[role="error"] { background: $bad_soft; border: 0; border-radius: ${card}px; }
QFrame[role="error"][tone="warn"] { background: $warn_soft; }
QFrame[role="error"][tone="accent"] { background: $accent_soft; }
QFrame[role="code"] {
    background: $code; border: ${border}px solid $line; border-radius: ${control}px; }
QFrame[role="chip"] {
    background: $panel; border: ${border}px solid $line; border-radius: ${control}px; }
QFrame[role="toast"], QFrame[role="popover"] {
    background: $panel; border: ${border}px solid $line; border-radius: ${card}px; }
QFrame[role="rule"] { background: $line; border: 0; }
QFrame[role="quick"] {
    background: $panel; border: ${border}px solid $line; border-radius: ${card}px; }

QLabel { background: transparent; }
QLabel[role="title"] { font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="heading"] { font-size: ${large}pt; font-weight: 600; }
QLabel[role="figure"] { font-size: ${figure}pt; font-weight: 700; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="small"] { color: $muted; font-size: ${small}pt; }
QLabel[role="section"] { color: $muted; font-size: ${small}pt; font-weight: 600; }
QLabel[role="error-title"] { font-weight: 600; }
QLabel[role="mono"] { color: $ink; }
QLabel[role="badge"] {
    border-radius: ${badge}px; padding: 0 ${grid}px; min-height: ${badge_height}px;
    font-size: ${small}pt; font-weight: 600; color: $muted; background: $hover; }
$badges
$words

QPushButton {
    background: $panel; color: $ink; border: ${border}px solid $line;
    border-radius: ${control}px; padding: 0 ${pad}px; min-height: ${button_inner}px; }
QPushButton, QToolButton, QCheckBox, QRadioButton { outline: 0; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $line; }
QPushButton:disabled { color: $muted; background: $background; }
QPushButton:focus { border: ${focus}px solid $accent; padding: 0 ${pad_focus}px;
    min-height: ${button_focus}px; }
QPushButton:checked { background: $accent_soft; color: $accent; font-weight: 600; }
QPushButton::menu-indicator { image: none; width: 0; }
QPushButton[role="primary"] {
    background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: $accent_strong; border-color: $accent_strong; }
QPushButton[role="primary"]:pressed { background: $accent; }
QPushButton[role="primary"]:disabled {
    background: $line; border-color: $line; color: $muted; }
QPushButton[role="primary"]:focus { border-color: $ink; }
QPushButton[role="danger"] { color: $bad; }
QPushButton[role="danger"]:hover { background: $bad_soft; }
QPushButton[role="flat"], QToolButton {
    background: transparent; border: ${border}px solid transparent; color: $ink;
    border-radius: ${control}px; padding: 0 ${grid}px; min-height: ${target_inner}px; }
QToolButton { padding: 0; min-width: ${target_inner}px; }
QPushButton[role="flat"]:hover, QToolButton:hover { background: $hover; }
QPushButton[role="flat"]:pressed, QToolButton:pressed { background: $line; }
QPushButton[role="flat"]:checked, QToolButton:checked {
    background: $accent_soft; color: $accent; }
QPushButton[role="flat"]:focus, QToolButton:focus { border: ${border}px solid $accent; }
QToolButton::menu-indicator { image: none; width: 0; }
QPushButton[role="quiet"] {
    background: transparent; border: ${border}px solid transparent; color: $muted;
    border-radius: ${control}px; padding: 0 ${half3}px; min-height: ${target_inner}px;
    font-size: ${small}pt; }
QPushButton[role="quiet"]:hover { background: $hover; color: $ink; }
QPushButton[role="quiet"]:focus { border: ${border}px solid $accent; color: $ink; }
QPushButton[role="quiet"]:disabled { color: $muted; background: transparent; }
QPushButton[role="badge"] {
    border: ${border}px solid transparent; border-radius: ${badge_round}px;
    padding: 0 ${badge_pad}px; min-height: ${badge_height}px; font-size: ${small}pt;
    font-weight: 600; color: $muted; background: $hover; }
$badge_buttons
QPushButton[role="badge"]:hover { border-color: $line; }
QPushButton[role="badge"]:focus { border: ${border}px solid $accent; padding: 0 ${badge_pad}px;
    min-height: ${badge_height}px; }
QPushButton[role="row"] {
    background: transparent; border: ${border}px solid transparent; color: $ink;
    border-radius: ${control}px; padding: 0 ${grid}px; min-height: ${target_inner}px;
    text-align: left; }
QPushButton[role="row"]:hover { background: $hover; }
QPushButton[role="row"]:checked {
    background: $accent_soft; color: $accent; font-weight: 600; }
QPushButton[role="row"]:focus { border: ${border}px solid $accent; }

QLineEdit, QPlainTextEdit, QTextEdit[role="input"] {
    background: $panel; color: $ink; border: ${border}px solid $line;
    border-radius: ${control}px; padding: 0 ${grid}px;
    selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit { min-height: ${button_inner}px; }
QLineEdit, QPlainTextEdit, QTextEdit { placeholder-text-color: $muted; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit[role="input"]:focus {
    border-color: $accent; }
QLineEdit[invalid="true"], QPlainTextEdit[invalid="true"] { border-color: $bad; }
QLineEdit:disabled, QLineEdit[readOnly="true"] { background: $background; color: $muted; }
QPlainTextEdit[role="bare"], QPlainTextEdit[role="bare"]:focus,
QLineEdit[role="bare"], QLineEdit[role="bare"]:focus {
    background: transparent; border: 0; padding: 0; }
QPlainTextEdit[role="code-input"] { background: $code; padding: ${half}px; }
QLineEdit QToolButton { min-width: 0; min-height: 0; border: 0; padding: 0; }
QLineEdit[role="ask"], QLineEdit[role="ask"]:focus {
    background: transparent; border: 0; padding: 0; font-size: ${large}pt; }
QComboBox, QAbstractSpinBox {
    background: $panel; color: $ink; border: ${border}px solid $line;
    border-radius: ${control}px; padding: 0 ${grid}px; min-height: ${button_inner}px;
    selection-background-color: $accent; selection-color: $on_accent; }
QComboBox:hover { background: $hover; }
QComboBox:focus, QComboBox:on, QAbstractSpinBox:focus { border-color: $accent; }
QComboBox:disabled, QAbstractSpinBox:disabled { color: $muted; background: $background; }
QComboBox::drop-down, QDateEdit::drop-down {
    border: 0; background: transparent; width: ${pad2}px; }
QComboBox::down-arrow, QAbstractSpinBox::down-arrow, QAbstractSpinBox::up-arrow {
    image: url("$icons/control-down-$name.svg"); width: ${pad}px; height: ${pad}px; }
QAbstractSpinBox::up-arrow { image: url("$icons/control-up-$name.svg"); }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {
    border: 0; background: transparent; width: ${pad2}px; subcontrol-origin: border; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QCalendarWidget QAbstractItemView { border: 0; border-radius: 0; outline: 0; }
QCalendarWidget QTableView::item { padding: 0; }
QCalendarWidget QWidget#qt_calendar_navigationbar { background: $panel; }
QCalendarWidget QToolButton { padding: 0 ${half}px; font-weight: 600; }
QComboBox QAbstractItemView { border-radius: 0; padding: ${half}px; }
QCheckBox, QRadioButton { spacing: ${grid}px; min-height: ${target}px; }
QCheckBox::indicator, QRadioButton::indicator {
    width: ${icon}px; height: ${icon}px; border: ${border}px solid $muted;
    background: $panel; border-radius: ${half}px; }
QRadioButton::indicator { border-radius: ${round}px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover,
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $accent; }
QRadioButton[role="strong"] { font-weight: 600; }
QCheckBox:focus, QRadioButton:focus { color: $accent; }
QCheckBox::indicator:checked {
    background: $accent; border-color: $accent; image: url("$icons/control-check-$name.svg"); }
QRadioButton::indicator:checked {
    border-color: $accent;
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
        stop: 0 $on_accent, stop: 0.42 $on_accent, stop: 0.5 $accent, stop: 1 $accent); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $line; }
QSlider::groove:horizontal { background: $line; height: ${half}px; border-radius: ${half2}px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: ${half2}px; }
QSlider::handle:horizontal {
    background: $panel; border: ${focus}px solid $accent; width: ${pad}px;
    margin: -${half3}px 0; border-radius: ${grid}px; }
QTextBrowser[role="answer"] { background: transparent; border: 0; }

QListView, QTreeView, QTableView {
    background: $panel; color: $ink; border: ${border}px solid $line;
    border-radius: ${card}px; outline: 0; gridline-color: $line;
    selection-background-color: $accent_soft; selection-color: $accent; }
QListView:focus, QTreeView:focus, QTableView:focus { border-color: $accent; }
QTableView[role="bare"], QTableView[role="bare"]:focus {
    background: $background; border: 0; border-radius: 0; }
QListView[role="side"], QTreeView[role="side"], QListView[role="bare"] {
    background: transparent; border: 0; }
QListView[role="pages"] { background: transparent; border: ${border}px solid transparent; }
QListView[role="pages"]:focus { border-color: $accent; border-radius: ${control}px; }
QListView::item { border-radius: ${half}px; }
QListView[role="pages"]::item { padding: 0 ${grid}px; border-radius: ${control}px; }
QListView::item:hover { background: $hover; }
QListView::item:selected { background: $accent_soft; color: $accent; }
QHeaderView, QTableCornerButton::section { background: $panel; border: 0; }
QTableView::item { padding: ${half}px ${grid}px; }
QHeaderView::section {
    background: $panel; color: $muted; border: 0; border-bottom: ${border}px solid $line;
    padding: ${half}px ${grid}px; font-size: ${small}pt; font-weight: 600; }
QTableView[role="bare"] QHeaderView::section:first { padding-left: ${pad_table}px; }

QMenu { background: $panel; color: $ink; border: ${border}px solid $line; padding: ${half}px; }
QMenu::item {
    padding: ${half3}px ${pad2}px ${half3}px ${pad}px; border-radius: ${half3}px; }
QMenu::item:default { font-weight: 600; }
QMenu::item:selected { background: $accent_soft; color: $accent; }
QMenu::item:disabled { color: $muted; background: transparent; }
QMenu::separator { height: ${border}px; background: $line; margin: ${half}px ${grid}px; }
QMenu::icon { padding-left: ${grid}px; }
QToolTip {
    background: $panel; color: $ink; border: ${border}px solid $line; padding: ${half}px; }

QTabBar { outline: 0; }
QTabBar::tab {
    background: transparent; color: $ink; border: ${border}px solid transparent;
    border-radius: ${control}px; padding: ${half_inner}px ${pad_inner}px; margin-right: ${half}px; }
QTabBar::tab:hover { background: $hover; }
QTabBar::tab:selected { background: $accent_soft; color: $accent; font-weight: 600; }
QTabBar::tab:selected:focus { border-color: $accent; }
QTabWidget::pane { border: 0; }

QScrollArea { background: transparent; border: 0; }
QWidget[role="canvas"] { background: transparent; }
QScrollBar:vertical { background: transparent; width: ${scroll_width}px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: ${scroll_width}px; margin: 0; }
QScrollBar::handle {
    background: $scroll; border-radius: ${scroll_radius}px; margin: ${scroll_gap}px; }
QScrollBar::handle:vertical { min-height: ${target}px; }
QScrollBar::handle:horizontal { min-width: ${target}px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: $line; }
QProgressBar {
    background: $line; border: 0; border-radius: ${half}px; max-height: ${grid}px;
    color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: ${half}px; }
QStatusBar { background: $panel; color: $muted; }
"""
)


def points(factor: float) -> float:
    """`factor` times the size of the system's font, in points."""
    font = QGuiApplication.font() if QGuiApplication.instance() is not None else QFont()
    size = font.pointSizeF()
    if size <= 0 and QGuiApplication.instance() is not None:
        screen = QGuiApplication.primaryScreen()
        dots = screen.logicalDotsPerInch() if screen is not None else 96.0
        size = font.pixelSize() * 72.0 / dots
    return round((size if size > 0 else _FALLBACK_POINTS) * factor, 2)


def style_sheet(theme: Theme) -> str:
    """The program's one style sheet, in the colours of `theme` and the system's type size."""
    tones = {tone: theme.tone(tone) for tone in _TONES}
    measures = MEASURES
    return _SHEET.substitute(
        {name: getattr(theme, name) for name in theme.__slots__},
        badges="\n".join(
            f'QLabel[role="badge"][tone="{tone}"] {{ color: {text}; background: {ground}; }}'
            for tone, (text, ground) in tones.items()
        ),
        badge_buttons="\n".join(
            f'QPushButton[role="badge"][tone="{tone}"] {{ color: {text}; background: {ground}; }}'
            for tone, (text, ground) in tones.items()
        ),
        words="\n".join(
            f'QLabel[role="word"][tone="{tone}"] {{ color: {text}; font-size: '
            f"{points(measures.small)}pt; font-weight: 600; }}"
            for tone, (text, _) in tones.items()
        ),
        icons=_ICONS,
        icon=measures.icon,
        round=measures.icon // 2 + measures.border,
        grid=measures.grid,
        half2=measures.half // 2,
        half=measures.half,
        half3=measures.half * 3 // 2,
        half_inner=measures.half * 3 // 2 - measures.border,
        pad_inner=measures.grid * 3 // 2 - measures.border,
        pad=measures.grid * 3 // 2,
        pad_focus=measures.grid * 3 // 2 - (measures.focus - measures.border),
        pad2=measures.grid * 3,
        pad_table=measures.grid * 2,
        control=measures.control_radius,
        card=measures.card_radius,
        bubble=measures.bubble_radius,
        border=measures.border,
        focus=measures.focus,
        target=measures.target,
        target_inner=measures.target - 2 * measures.border,
        button_inner=measures.button - 2 * measures.border,
        button_focus=measures.button - 2 * measures.focus,
        badge=measures.badge_height // 2,
        badge_height=measures.badge_height,
        badge_round=measures.badge_height // 2 + measures.border,
        badge_pad=measures.grid - measures.border,
        scroll_width=measures.scroll_width,
        scroll_radius=(measures.scroll_width - 2 * measures.scroll_gap) // 2,
        scroll_gap=measures.scroll_gap,
        small=points(measures.small),
        large=points(measures.large),
        figure=points(measures.figure),
    )


def palette(theme: Theme) -> QPalette:
    """The palette for all that Qt draws by itself."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.background,
        role.WindowText: theme.ink,
        role.Base: theme.panel,
        role.AlternateBase: theme.background,
        role.Text: theme.ink,
        role.Button: theme.panel,
        role.ButtonText: theme.ink,
        role.BrightText: theme.on_accent,
        role.PlaceholderText: theme.muted,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.ink,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.panel,
        role.Midlight: theme.hover,
        role.Mid: theme.line,
        role.Dark: theme.scroll,
        role.Shadow: theme.shadow,
    }
    made = QPalette()
    for key, colour in colours.items():
        made.setColor(key, QColor(colour))
    off = QPalette.ColorGroup.Disabled
    for key in (role.Text, role.WindowText, role.ButtonText):
        made.setColor(off, key, QColor(theme.muted))
    made.setColor(off, role.Highlight, QColor(theme.line))
    return made


def set_role(widget: QWidget, role: str, tone: str = "") -> None:
    """Give `widget` its look by name; may be changed while it is shown."""
    if widget.property("role") == role and (widget.property("tone") or "") == tone:
        return
    widget.setProperty("role", role)
    widget.setProperty("tone", tone)
    restyle(widget)


def give_room(field: QAbstractSpinBox) -> None:
    """Let the text of a field with arrows begin where that of any other field does.

    Qt's style sheets know no padding there.
    """
    line = field.findChild(QLineEdit)
    if line is not None:
        line.setTextMargins(MEASURES.grid, 0, 0, 0)


def restyle(widget: QWidget) -> None:
    """Have the style sheet looked at again after a property changed on a shown widget."""
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()
