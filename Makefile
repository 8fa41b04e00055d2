# make demo    describe a photograph with the shipped model
# make quick   checks for every edit: format, lint, types, unit tests without training, browser or data
# make test    every check, as CI runs them
# make lowest  test what strangers can send, on the lowest versions of packages that are allowed
# make matrix  test the package on Python 3.11 to 3.14, with the lowest and the newest versions of packages
# make release build the wheel, try it in a bare environment, and write a bill of materials, into dist/
# make site    build the page without a server into site/ (docs/site.md)
# make docs    generate docs/cli.md, docs/api.md and the tables of docs/architecture.md
# make clean   remove the environments, the site and what the demo wrote

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UNIT = not training and not browser and not data and not java and not slow
HOSTILE = tests/decode tests/test_photo.py tests/test_bundle.py tests/index/test_integrity.py tests/web/test_limits.py \
	tests/web/test_server.py tests/web/test_app.py tests/web/test_protection.py
SENTENCE = a man in a black coat looks through a camera in a grassy field

.PHONY: demo quick lint types test lowest matrix release site docs clean

demo: .venv/installed
	.venv/bin/dvsa describe examples/photographer.jpg --sentence "$(SENTENCE)" --out demo

quick: lint types
	OMP_NUM_THREADS=1 .venv-dev/bin/python -m pytest -m "$(UNIT)" -n 2 --dist loadfile

test: lint types
	.venv-dev/bin/python -m pytest

lint: .venv-dev/installed node_modules/installed
	.venv-dev/bin/ruff format --check
	.venv-dev/bin/ruff check
	node_modules/.bin/eslint --max-warnings 0 .

types: .venv-dev/installed node_modules/installed
	.venv-dev/bin/mypy
	node_modules/.bin/tsc -p tsconfig.json
	node_modules/.bin/tsc -p tsconfig.page.json

lowest: .venv-lowest/installed
	.venv-lowest/bin/dvsa --help
	.venv-lowest/bin/python -m pytest -W ignore::DeprecationWarning $(HOSTILE)

matrix:
	.ci/matrix

release:
	PYTHON=$(PYTHON) .ci/release

site: node_modules/installed
	$(PYTHON) runs/build_site.py

docs: .venv-dev/installed
	.venv-dev/bin/python -m typer dvsa.cli utils docs --name dvsa --output docs/cli.md
	.venv-dev/bin/python docs/generate.py

clean:
	rm -rf .venv .venv-dev .venv-lowest node_modules site demo

.venv/installed: package = .
.venv-dev/installed: package = .[train,transformers,ray,qdrant,serve,test]
.venv/installed .venv-dev/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(package)'
	touch $@

node_modules/installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the page's scripts need Node.js 20 or later with npm, \
	from nodejs.org or a package manager; without it, run only the tests: .venv-dev/bin/python -m pytest" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund
	touch $@

.venv-lowest/installed: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e '.[serve]' \
		pytest hypothesis httpx httpx2 onnx
	touch $@
