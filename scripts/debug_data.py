"""spaCy's own check of the training data."""

import subprocess
import sys
import tempfile
from pathlib import Path

from distill.corpus.docbin import read_docs
from distill.errors import run
from distill.files import write_bytes
from spacy.cli.init_config import fill_config
from wasabi import msg


def main(config: Path, train: Path, dev: Path, output: Path) -> None:
    """Run `spacy debug data` on TRAIN and DEV with CONFIG, show what it says and keep it in OUTPUT."""
    for path in (train, dev):
        if not read_docs(path):
            write_bytes(output, f"{path} holds no texts: nothing to check\n".encode())
            msg.info(f"{path} holds no texts yet: nothing to check. Review some of corpus/queue.jsonl first.")
            return
    with tempfile.TemporaryDirectory() as folder:
        # Unlike `spacy train`, `debug data` wants every default written out
        filled = Path(folder) / "student.cfg"
        fill_config(filled, config, silent=True)
        command = [sys.executable, "-m", "spacy", "debug", "data", str(filled), "--no-format"]
        command += ["--paths.train", str(train), "--paths.dev", str(dev)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    write_bytes(output, done.stdout.encode())
    if done.returncode:
        msg.warn(f"{output}: spaCy found errors in the data, or could not read them; see above")
    else:
        msg.good(f"{output}: spaCy found no errors in the data")


if __name__ == "__main__":
    run(main)
