"""The words of car insurance that the tokenizer is taught: `bot/lexicon/*.txt`, one a line, ``#`` begins a comment."""

from __future__ import annotations

from pathlib import Path

from chebao.insurance.files import DamagedFile

FOLDER = Path(__file__).resolve().parent.parent / "lexicon"
FILES = ("accidents.txt", "business.txt", "cars.txt", "covers.txt")


def lexicon_words() -> list[str]:
    """All words, each once.

    Raises:
        DamagedFile: a file is missing, no text or empty; the message names it.
    """
    return list(dict.fromkeys(word for name in FILES for word in _words(FOLDER / name)))


def _words(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DamagedFile(f"{path}: not found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedFile(f"{path}: cannot be read ({type(error).__name__})") from error
    words = [word for line in lines if (word := line.split("#", 1)[0].strip())]
    if not words:
        raise DamagedFile(f"{path}: holds no word")
    return words
