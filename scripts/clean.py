"""Remove everything that the commands made and can make again."""

from pathlib import Path

from distill.errors import run
from distill.files import empty_folders
from wasabi import msg


def main(folders: list[Path]) -> None:
    """Empty FOLDERS (their `.gitkeep` stays) and forget weasel's lock. What people own, in assets/ and configs/,
    stays."""
    removed = empty_folders(folders)
    Path("project.lock").unlink(missing_ok=True)
    msg.good(f"{', '.join(map(str, folders))}: {removed} files and folders removed; `weasel run all` makes them again")


if __name__ == "__main__":
    run(main)
