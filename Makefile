# make demo    describe a photograph with the shipped model
# make quick   checks for every edit: format, lint, types, unit tests without training, browser or data
# make test    every check, as CI runs them
# make lowest  test what strangers can send, on the lowest versions of packages that are allowed
# make matrix  test the package on Python 3.11 to 3.14, with the lowest and the newest versions of packages
# make release build the wheel, try it in a bare environment, and write a bill of materials, into dist/
# make docs    generate docs/cli.md, docs/api.md and the tables of docs/architecture.md
# make clean   remove both environments and what the demo wrote

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UNIT = not training and not browser and not data and not java and not slow
HOSTILE = tests/decode tests/test_photo.py tests/test_bundle.py tests/index/test_integrity.py tests/web/test_limits.py \
	tests/web/test_server.py tests/web/test_app.py tests/web/test_protection.py
SENTENCE = a man in a black coat looks through a camera in a grassy field

.PHONY: demo quick lint types test lowest matrix release docs clean

demo: .venv/installed
	.venv/bin/dvsa describe examples/photographer.jpg --sentence "$(SENTENCE)" --out demo

quick: lint types
	OMP_NUM_THREADS=1 .venv-dev/bin/python -m pytest -m "$(UNIT)" -n 2 --dist loadfile

test: lint types
	.venv-dev/bin/python -m pytest

lint: .venv-dev/installed
	.venv-dev/bin/ruff format --check
	.venv-dev/bin/ruff check

types: .venv-dev/installed
	.venv-dev/bin/mypy

lowest: .venv-lowest/installed
	.venv-lowest/bin/dvsa --help
	.venv-lowest/bin/python -m pytest -W ignore::DeprecationWarning $(HOSTILE)

matrix:
	.ci/matrix

release:
	PYTHON=$(PYTHON) .ci/release

docs: .venv-dev/installed
	.venv-dev/bin/python -m typer dvsa.cli utils docs --name dvsa --output docs/cli.md
	.venv-dev/bin/python docs/generate.py

clean:
	rm -rf .venv .venv-dev .venv-lowest demo

.venv/installed: package = .
.venv-dev/installed: package = .[train,transformers,ray,qdrant,serve,test]
.venv/installed .venv-dev/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(package)'
	touch $@

.venv-lowest/installed: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e '.[serve]' \
		pytest hypothesis httpx httpx2 onnx
	touch $@
