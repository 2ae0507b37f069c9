# make demo | test | check | bench | soak | mutants; each brings its own set-up.
PY := .venv/bin/python
.PHONY: setup setup-tests demo test check lock bench soak mutants clean

setup:            ## the locked environment and the system packages that the bridge needs
	@scripts/setup.sh run

setup-tests:
	@scripts/setup.sh tests

demo: setup       ## the main job on embedded defaults, left in demo/ to look at
	@.venv/bin/dnevnik sandbox demo demo

test: setup-tests ## the tests, with the coverage gate of the pure parts
	@scripts/test.sh

check: setup-tests ## lint, format, types, the import contract
	@scripts/check.sh

lock: setup       ## renew requirements/lock.txt from pyproject.toml
	UV_PYTHON_DOWNLOADS=never $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --group dev --upgrade pyproject.toml -o requirements/lock.txt

bench: setup      ## the figures of docs/performance.md
	@$(PY) bench/run.py

soak: setup-tests ## the long forms of the tests
	@DNEVNIK_SOAK=1 scripts/test.sh

mutants: setup-tests ## how many small changes of the decision its tests notice, about ten minutes
	@scripts/mutants.sh

clean:
	rm -rf .venv demo
