# The verbs of this repository. `make demo` and `make test` do all set-up by themselves on Debian with a Swift toolchain.

# Names an import of a target that Package.swift does not list as a dependency an error.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
# A binary that goes anywhere: the Swift runtime is in it, and no symbols. That nothing is read while it is written is proven
# by the compiler or, where it can't be, checked in every test; in use these checks would take a twelfth of a call.
RELEASE_FLAGS := $(SWIFT_FLAGS) --configuration release --static-swift-stdlib -Xlinker -s \
	-Xswiftc -enforce-exclusivity=unchecked
VENV := .venv
PYTHON := $(VENV)/bin/python
SOURCES := Package.swift Sources Tests Benchmarks

BUILD_PACKAGES := libsqlite3-dev libargon2-dev zlib1g-dev pkg-config
# Of Java and Node any will do.
TEST_PACKAGES := python3-venv curl git iproute2 libfiu0 fiu-utils mount nginx-light chromium haproxy apache2-utils zbar-tools \
	$(shell command -v java >/dev/null || echo openjdk-17-jdk-headless) $(shell command -v node >/dev/null || echo nodejs)
BENCH_PACKAGES := nginx-light wrk
# What the pictures are set in.
IMAGE_PACKAGES := fonts-inter fonts-jetbrains-mono fonts-noto-cjk

# A thousand unit tests that all begin at once wait for each other's hashes longer than anything here may wait. So as many
# run at a time as keep two cores busy. (Read by Swift Testing.)
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH := 6

# Of `make chaos`; SEED=… makes the choices of an earlier run again.
ROUNDS := 20

# Installs those of the Debian packages given that are missing.
define install
@missing="$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done)"; \
if [ -n "$$missing" ]; then \
  root=""; [ "$$(id -u)" = 0 ] || root=sudo; \
  echo "Installing" $$missing; \
  $$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing; \
fi
endef

.PHONY: build release test test-long test-release demo serve format lint bench bench-quick images chaos clean install-build install-test install-bench venv

## build: compile everything, for development
build: install-build
	swift build $(SWIFT_FLAGS) --build-tests

## release: compile the binary for use, to .build/release/latchkey; it needs no Swift where it runs
release: install-build
	swift build $(RELEASE_FLAGS) --product latchkey

## test: check the style, then run every test: unit tests, then end to end, in two shards. LATCHKEY_BIN names the server
## that is tested end to end; by default, the one just compiled for development
test: install-build install-test lint
	swift build $(SWIFT_FLAGS) --build-tests
	swift test --skip-build
	$(MAKE) venv
	$(PYTHON) Tests/EndToEnd/shards.py

## test-long: run at full length what is statistical or a race, of which `make test` runs a short version.
## (A test of full length takes longer than a test that hangs is given.)
test-long: install-build install-test venv
	swift build $(SWIFT_FLAGS) --build-tests
	LATCHKEY_TEST_LENGTH=long swift test --skip-build
	LATCHKEY_TEST_LENGTH=long $(PYTHON) -m pytest Tests/EndToEnd -m "long or race" -o faulthandler_timeout=0

## test-release: run the binary for use in a root file system that has only the libraries that it needs
test-release: release install-test venv
	LATCHKEY_BIN=.build/release/latchkey $(PYTHON) -m pytest Tests/Release

## demo: show what it does, on a server that is gone afterwards
demo: release
	.build/release/latchkey demo

## serve: start a server on latchkey-data/ and port 8080
serve: release
	.build/release/latchkey serve

## format: bring the sources into shape
format:
	swift format --in-place --recursive $(SOURCES)

## lint: check the shape of the sources
lint:
	swift format lint --strict --recursive $(SOURCES)

## bench: measure on a release build; prints a table and writes .build/bench.json
bench: install-build install-test install-bench venv
	swift build $(RELEASE_FLAGS)
	$(PYTHON) Benchmarks/run.py

## bench-quick: the same in about three minutes, to see that all of it works; its figures mean little
bench-quick: export BENCH_ROUNDS ?= 1
bench-quick: export BENCH_SECONDS ?= 1
bench-quick: export BENCH_CHARGES ?= 100000
bench-quick: export BENCH_KEYS ?= 50000
bench-quick: export BENCH_ACTIVE_KEYS ?= 300
bench-quick: bench

## images: take the pictures of docs/images anew
images: release install-test venv
	$(call install,$(IMAGE_PACKAGES))
	LATCHKEY_IMAGES=keep LATCHKEY_BIN=.build/release/latchkey FONTCONFIG_FILE="$(CURDIR)/docs/images/fonts.conf" \
		$(PYTHON) -m pytest Tests/EndToEnd/test_images.py

## chaos: kill a loaded release build ROUNDS times; hold its ledger against what its callers were answered
chaos: release install-test venv
	$(PYTHON) Tests/Chaos/chaos.py --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

clean:
	rm -rf .build $(VENV)

install-build:
	$(call install,$(BUILD_PACKAGES))

install-test:
	$(call install,$(TEST_PACKAGES))

install-bench:
	$(call install,$(BENCH_PACKAGES))

# The Python tools of the tests, in an environment of their own.
venv: $(VENV)/ready

$(VENV)/ready: Tests/EndToEnd/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@
