# make demo    describe a photograph with the shipped model
# make test    every check, as CI runs them
# make docs    write docs/cli.md anew
# make clean   remove both environments and what the demo wrote

PYTHON ?= $(shell command -v python3.11 || command -v python3)
SENTENCE = a man in a black coat looks through a camera in a grassy field

.PHONY: demo test docs clean

demo: .venv/installed
	.venv/bin/dvsa describe examples/photographer.jpg --sentence "$(SENTENCE)" --out demo

test: .venv-dev/installed
	.venv-dev/bin/ruff format --check
	.venv-dev/bin/ruff check
	.venv-dev/bin/mypy
	.venv-dev/bin/python -m pytest

docs: .venv-dev/installed
	.venv-dev/bin/python -m typer dvsa.cli utils docs --name dvsa --output docs/cli.md

clean:
	rm -rf .venv .venv-dev demo

.venv/installed: package = .
.venv-dev/installed: package = .[train,ray,qdrant,serve,test]
.venv/installed .venv-dev/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(package)'
	touch $@
