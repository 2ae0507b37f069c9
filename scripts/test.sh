#!/usr/bin/env bash
# The tests, and full branch coverage of the pure parts.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1 DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false
.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report= "$@"
.venv/bin/python -m coverage report --fail-under=100 --show-missing
