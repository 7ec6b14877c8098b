"""What push and pull have in common to say."""

from wasabi import msg


def joined(new: dict[str, int], gone: dict[str, int]) -> None:
    """Say which lines came from others, and which went because others forgot a text."""
    for path, count in new.items():
        msg.text(f"{path}: {count} new {'line' if count == 1 else 'lines'} from the remote")
    for path, count in gone.items():
        msg.text(f"{path}: {count} {'line' if count == 1 else 'lines'} removed, of texts that were forgotten")
