#!/bin/sh
# Makes a virtual environment in the folder where it is called, and in its `bin` a copy of pipeline.py that runs there
# from any directory: a run has a directory of its own.
set -eu
python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
{ echo "#!$PWD/.venv/bin/python"; tail -n +2 pipeline.py; } >.venv/bin/pipeline
chmod +x .venv/bin/pipeline
