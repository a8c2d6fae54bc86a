"""List the commands of export and serving, or run one: `python -m export tflite ...`."""

from slr_keras.utils.command import run
from slr_keras.utils.command_index import CommandIndex

INDEX = CommandIndex({"export": "export and serving"})

if __name__ == "__main__":
    run(INDEX.main)
