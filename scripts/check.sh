#!/usr/bin/env bash
# All gates but the tests, in one command: lint, format, types, the import contract.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/lint-imports
