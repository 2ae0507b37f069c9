#!/usr/bin/env bash
# How many small changes of the decision its tests notice; fails below 95 of 100. `scripts/mutants.sh MODULE` tries one.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python scripts/mutants.py "$@"
