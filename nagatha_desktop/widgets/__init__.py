"""What windows share: the theme, its style sheet, icons, cards, Markdown, window manners."""
