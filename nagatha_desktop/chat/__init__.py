"""The chat: its window, the conversation in it, the box to write in, the list of chats."""
