"""What an answer about code is bounded by, and its places in UTF-16 code units. The driver of Bash uses it too."""

# Matches that are told, and the characters of each.
MOST = 200
CHARS = 256
# What is looked at before the cursor: no name that is told is as long, and the patterns take its square.
TAIL = 1024


def characters(code, cursor):
    """From UTF-16 code units; one in the middle of a character is before it."""
    if code.isascii():
        return min(cursor, len(code))
    units = 0
    for at, character in enumerate(code):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > cursor:
            return at
    return len(code)


def units_of(text):
    return len(text) + sum(ord(character) > 0xFFFF for character in text)
