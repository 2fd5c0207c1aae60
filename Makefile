# Tickline: a Bitcoin price pipeline in C. `make help` lists what there is.
#
# Variables:
#   BUILD=dir        where everything goes (build)
#   SANITIZE=list    address,undefined or thread; give it a BUILD of its own
#   WERROR=0         warnings are no errors
#   OPTIMIZE=flags   -O2 -g

BUILD    ?= build
SANITIZE ?=
WERROR   ?= 1
OPTIMIZE ?= -O2 -g
# Debian's, which has python3-yaml, even where another python3 comes first in PATH.
PYTHON   ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV     ?= build/venv
PROMTOOL ?= $(firstword $(wildcard build/tools/promtool) promtool)

SERVICES := gateway ingest model
LIBRARIES := common $(SERVICES)

VERSION := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)

PACKAGES := rdkafka libcjson libcurl gsl zlib openssl
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs rdkafka libcjson libcurl zlib openssl 2>/dev/null) -lcivetweb
# A fast BLAS would be 40 MB and start threads for one decomposition of a small triangle; and OpenBLAS
# brings libquadmath, beside which each printf of the process takes glibc's slow path.
GSL_LIBS   := -lgsl -lgslcblas

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wwrite-strings -Wvla -Wformat=2
ifneq ($(WERROR),0)
WARNINGS += -Werror
endif

# The same input gives the same bytes wherever it is built; here, so that --version does not name the folder.
CPPFLAGS += -ffile-prefix-map=$(CURDIR)=.
CPPFLAGS += -D_GNU_SOURCE -MMD -MP -iquote shared -iquote $(BUILD)/gen
CFLAGS   += -std=c11 $(OPTIMIZE) $(WARNINGS) -pthread -fno-omit-frame-pointer $(PKG_CFLAGS)
# The symbol: see shared/http_civetweb.c.
LDFLAGS  += -pthread -Wl,--as-needed -Wl,--export-dynamic-symbol=SSL_get_peer_certificate
LDLIBS   += $(PKG_LIBS) $(GSL_LIBS) -lm
ifneq ($(SANITIZE),)
CFLAGS  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS += -fsanitize=$(SANITIZE)
else
# The HTTP server's workers have 1 MiB of stack (shared/http_civetweb.c).
STACK_LIMIT := -Wframe-larger-than=32768
$(BUILD)/obj/tests/%: STACK_LIMIT := # tests run on a thread of their own, with more
CFLAGS  += -D_FORTIFY_SOURCE=2 -fstack-protector-strong $(STACK_LIMIT)
LDFLAGS += -Wl,-z,relro,-z,now
endif

comma := ,

DIR_common := shared
DIR_gateway := services/gateway
DIR_ingest := services/ingest
DIR_model := services/model

sources = $(filter-out %/main.c,$(shell find $(DIR_$(1)) -name '*.c' | LC_ALL=C sort))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

GENERATED_gateway := $(BUILD)/gen/openapi_gateway.c
GENERATED_ingest := $(BUILD)/gen/openapi_ingest.c
GENERATED_model := $(BUILD)/gen/openapi_model.c $(BUILD)/gen/dashboard_assets.c
BINARIES := $(SERVICES:%=$(BUILD)/bin/%)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help deps build run stop clean-data clean test unit unit-asan unit-tsan unit-run integration soak fuzz fuzz-run bench bench-http bench-gateway bench-ingest bench-model soak-dashboard bench-recovery bench-rates evaluate check-prometheus check-reproducible images test-containers test-debian13 test-acl test-ha test-yarn test-spark test-readers test-pauses lint format FORCE

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

deps: ## install what building, running and testing need (Debian 12 or 13, root or sudo)
	@deploy/local/deps.sh

build: $(BINARIES) $(BUILD)/bin/step/train-step ## compile the three services into $(BUILD)/bin

# --- objects, libraries, programs ------------------------------------------------------------

# A change of flags rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' > $@

# A change of version rebuilds only what prints it.
$(BUILD)/gen/version.h: FORCE
	@mkdir -p $(@D)
	@{ echo '#define TICKLINE_VERSION "$(VERSION)"'; echo '#define TICKLINE_FLAGS "$(CC) $(CFLAGS)"'; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(BUILD)/gen/version.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/obj/gen/dashboard_assets.o: CPPFLAGS += -iquote services/model/dashboard
$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(foreach l,$(LIBRARIES),$(eval $(BUILD)/obj/$(DIR_$(l))/%.o: CPPFLAGS += -iquote $(DIR_$(l))))

define library
$(BUILD)/lib$(1).a: $(call objects,$(call sources,$(1))) $(GENERATED_$(1):$(BUILD)/gen/%.c=$(BUILD)/obj/gen/%.o)
	@rm -f $$@
	$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(LIBRARIES),$(eval $(call library,$(l))))

# See the file: without it no program that uses librdkafka can run under ThreadSanitizer.
SANITIZER_OBJECTS := $(if $(findstring thread,$(SANITIZE)),$(BUILD)/obj/tests/unit/tsan/c11_threads.o)

$(BINARIES): $(BUILD)/bin/%: $(BUILD)/obj/services/%/main.o $(BUILD)/lib%.a $(BUILD)/libcommon.a $(SANITIZER_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What Hadoop runs on its nodes, with the libraries and the loader that it was linked with, so that a node
# needs none of them.
STEP := $(BUILD)/bin/step/train-step
$(STEP): $(BUILD)/obj/services/model/step/main.o $(BUILD)/libmodel.a $(BUILD)/libcommon.a $(SANITIZER_OBJECTS)
	@rm -rf $(@D) && mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcjson -lcrypto -lm
	@ldd $@ | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | xargs -I{} cp -L {} $(@D)/
	@cp -L "$$(ldd $@ | sed -n 's/^[[:space:]]*\(\/[^ ]*\/ld-[^ ]*\) .*/\1/p')" $(@D)/loader

# --- generated sources -----------------------------------------------------------------------

$(BUILD)/gen/openapi_%.c: openapi/%.yaml shared/tools/embed.py
	@mkdir -p $(@D)
	$(PYTHON) shared/tools/embed.py openapi $< openapi_$* $@

DASHBOARD := services/model/dashboard
$(BUILD)/gen/dashboard_assets.c: $(shell find $(DASHBOARD) -type f -not -name '*.c' -not -name '*.h' 2>/dev/null) deploy/local/uplot.sh shared/tools/embed.py
	@mkdir -p $(@D)
	deploy/local/uplot.sh $(BUILD)/gen/uplot
	$(PYTHON) shared/tools/embed.py assets $@ $(DASHBOARD) $(BUILD)/gen/uplot

# --- tests -----------------------------------------------------------------------------------
# tests/unit/<library>/test_x.c tests one source file of that library, one program each.

test_programs = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/$(1)/test_*.c))
UNIT_PROGRAMS := $(foreach l,$(LIBRARIES),$(call test_programs,$(l)))

define unit_program
$(BUILD)/tests/$(1)/%: $(BUILD)/obj/tests/unit/$(1)/%.o $(if $(filter-out common,$(1)),$(BUILD)/lib$(1).a) $(BUILD)/libcommon.a $(SANITIZER_OBJECTS)
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka
$(BUILD)/obj/tests/unit/$(1)/%.o: CPPFLAGS += -iquote $(DIR_$(1))
endef
$(foreach l,$(LIBRARIES),$(eval $(call unit_program,$(l))))

# Tests that include failing_memory.h.
FAILING_MEMORY := $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc strdup strndup)
$(patsubst %,$(BUILD)/tests/common/test_%,text metrics config health): LDFLAGS += $(FAILING_MEMORY)

unit-run: $(UNIT_PROGRAMS)
	@tests/run_unit.py --label '$(or $(SANITIZE),plain)' --results build/results $^

unit-asan:
	@$(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined OPTIMIZE='-O1 -g' unit-run

unit-tsan:
	@$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread OPTIMIZE='-O1 -g' unit-run

unit: ## unit tests under ASan+UBSan, then under TSan
	@$(MAKE) --no-print-directory --keep-going --jobs=1 unit-asan unit-tsan

# Several workers at once, on one Kafka and one HDFS: the tests wait for servers more than they
# compute. Servers that live for minutes gain nothing from Java's optimizing compiler, which takes a
# good part of their CPU.
PYTEST_WORKERS ?= 4
integration: build ## the real services on real Kafka and HDFS
	@JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 $(VENV)/bin/python -m pytest -q \
		-n $(PYTEST_WORKERS) --dist loadgroup tests/integration --results build/results \
		$(PYTEST_FLAGS)

test-pauses: build ## unit and integration tests while the machine pauses for a second now and then
	@tests/pauses.py $(MAKE) --no-print-directory unit-run integration

soak: build ## loads that last for minutes or hours, with servers killed under them
	@$(VENV)/bin/python -m pytest -q -s -m soak tests/integration $(PYTEST_FLAGS)

soak-dashboard: build ## a day of polls of a page that is left open, speeded up
	@DASHBOARD_POLLS=28800 $(VENV)/bin/python -m pytest -q -s tests/integration/dashboard -k left_open

# tests/fuzz/<library>/fuzz_x.c, corpus in tests/fuzz/corpus/x/.
FUZZ_SECONDS ?= 3
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*/fuzz_*.c))
define fuzz_program
$(BUILD)/fuzz/$(1)/%: $(BUILD)/obj/tests/fuzz/$(1)/%.o $(if $(filter-out common,$(1)),$(BUILD)/lib$(1).a) $(BUILD)/libcommon.a
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(LDLIBS)
$(BUILD)/obj/tests/fuzz/$(1)/%.o: CPPFLAGS += -iquote $(DIR_$(1))
endef
$(foreach l,$(LIBRARIES),$(eval $(call fuzz_program,$(l))))

fuzz-run: $(FUZZ_PROGRAMS)
	@tests/run_fuzz.py --seconds $(FUZZ_SECONDS) --corpus tests/fuzz/corpus --results build/results $^

fuzz: ## each libFuzzer target for FUZZ_SECONDS over its stored corpus
	@$(MAKE) --no-print-directory CC=clang BUILD=build/fuzz SANITIZE=address,undefined \
		OPTIMIZE='-O1 -g -fsanitize=fuzzer-no-link' fuzz-run

# tests/bench/bench_x.c measures something of libcommon next to what it is compared with, and
# bench_x.py servers, with the programs of peer_x.c and serve_x.c.
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))
BENCH_SERVERS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/peer_*.c tests/bench/serve_*.c))
$(BENCH_PROGRAMS) $(BENCH_SERVERS): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench: $(BENCH_PROGRAMS) bench-http bench-gateway bench-ingest bench-model ## measure ours beside others, as ratios in the same run
	@for program in $(BENCH_PROGRAMS); do $$program || exit 1; done

bench-http: $(BENCH_SERVERS) ## the HTTP server beside bare civetweb
	@$(PYTHON) tests/bench/bench_http.py --build $(BUILD)/bench

BENCH_VENV := build/bench/venv
$(BENCH_VENV)/.made: tests/bench/requirements.txt
	@mkdir -p $(@D)
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

bench-gateway: $(BENCH_SERVERS) $(BENCH_VENV)/.made build ## the gateway beside bare civetweb with librdkafka and FastAPI, on a Kafka of its own
	@$(PYTHON) tests/bench/bench_gateway.py --build $(BUILD)/bench --bin $(BUILD)/bin

# BENCH_FLAGS="--only spark --rounds 5": one section of a benchmark, or more rounds. A peer that could not
# be fetched is named where its figures would stand.
bench-ingest: $(BENCH_SERVERS) build ## ingest beside librdkafka alone and Spark Structured Streaming, on a Kafka and HDFS of its own
	@deploy/local/jars.sh spark || true
	@$(PYTHON) tests/bench/bench_ingest.py --build $(BUILD)/bench --bin $(BUILD)/bin $(BENCH_FLAGS)

# The built-in forecasts, walking forward through series of at least six days of bars.
SERIES ?= $(wildcard tests/data/*_1m.csv)
EVALUATE := $(BUILD)/bench/evaluate_forecast
$(BUILD)/obj/tests/bench/evaluate_forecast.o: CPPFLAGS += -iquote $(DIR_model)
$(EVALUATE): $(BUILD)/obj/tests/bench/evaluate_forecast.o $(BUILD)/libmodel.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

evaluate: $(EVALUATE) ## how the forecasts would have done on SERIES=files.csv, trained day by day
	@$(EVALUATE) $(SERIES)

bench-recovery: $(BENCH_SERVERS) build ## how long ingest takes a partition with 100,000 files over, in one folder and in 365
	@for days in 0 365; do \
		$(PYTHON) tests/bench/bench_recovery.py --build $(BUILD)/bench --bin $(BUILD)/bin --days $$days || exit 1; done

bench-rates: build ## what each part takes at 10, 1,000 and 100,000 ticks a second, on a Kafka and HDFS of its own
	@$(VENV)/bin/python tests/bench/bench_rates.py --bin $(BUILD)/bin

MERGE_FACTORS := $(BUILD)/bench/merge_factors
$(BUILD)/obj/tests/bench/merge_factors.o: CPPFLAGS += -iquote $(DIR_model)
$(MERGE_FACTORS): $(BUILD)/obj/tests/bench/merge_factors.o $(BUILD)/libmodel.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Of its own: it wants other versions than FastAPI's.
MLSERVER_VENV := build/bench/mlserver
$(MLSERVER_VENV)/.made: tests/bench/requirements_mlserver.txt
	@mkdir -p $(@D)
	@$(PYTHON) -m venv $(MLSERVER_VENV) && \
		$(MLSERVER_VENV)/bin/pip install -q --disable-pip-version-check -r $< && touch $@ || \
		{ echo "pip could not install $<" >&2; rm -rf $(MLSERVER_VENV); }

bench-model: $(BENCH_SERVERS) $(MERGE_FACTORS) $(MLSERVER_VENV)/.made build ## training and predictions beside pandas, Spark ML, MLServer, the bytes and bare civetweb, on an HDFS of its own
	@$(VENV)/bin/python tests/bench/bench_model.py --build $(BUILD)/bench --bin $(BUILD)/bin $(BENCH_FLAGS)

check-reproducible: ## builds the programs twice, in different folders, and compares their bytes
	@tests/reproducible.sh

check-prometheus: ## the alert rules' own tests, by promtool (make deps puts it into build/tools)
	@command -v $(PROMTOOL) >/dev/null || { echo "no $(PROMTOOL): make deps, or Debian's package prometheus" >&2; exit 1; }
	@$(PROMTOOL) check config deploy/prometheus/prometheus.yml
	@$(PROMTOOL) check config deploy/prometheus/compose.yml
	@$(PROMTOOL) test rules deploy/prometheus/rules_test.yml

PODMAN ?= podman
IMAGE_VERSION ?= $(VERSION)
images: ## the three services as images, localhost/tickline/… (podman, or PODMAN=docker)
	@deploy/local/jars.sh uplot
	@for service in $(SERVICES); do \
		$(PODMAN) build $(PODMAN_BUILD_FLAGS) -f deploy/Containerfile --target $$service \
			--build-arg VERSION='$(IMAGE_VERSION)' -t localhost/tickline/$$service . || exit 1; done

test-containers: build ## builds the images and runs the pipeline in them (root, podman, runc, debootstrap)
	@$(VENV)/bin/python -m pytest -q -x tests/integration/containers $(PYTEST_FLAGS)

test-debian13: ## what is committed, built and tested inside Debian 13 (root, podman, runc, debootstrap)
	@tests/debian13.sh

test-acl: build ## the services on a Kafka with an authorizer, with the rights that README.md names
	@$(VENV)/bin/python -m pytest -q tests/integration/acl $(PYTEST_FLAGS)

test-ha: build ## ingest on an HDFS with two NameNodes, which take over from each other
	@$(VENV)/bin/python -m pytest -q -x tests/integration/ha $(PYTEST_FLAGS)

test-yarn: build ## trainings on a real YARN (its jars come from Maven)
	@deploy/local/jars.sh yarn
	@$(VENV)/bin/python -m pytest -q -x tests/integration/yarn $(PYTEST_FLAGS)

test-spark: build ## the prototype's Spark scripts beside the services, on the ports of deploy/compose.yaml
	@deploy/local/jars.sh spark
	@$(VENV)/bin/python -m pytest -q -x tests/integration/spark $(PYTEST_FLAGS)

READERS_VENV := build/readers
$(READERS_VENV)/.made: tests/integration/readers/requirements.txt
	@$(PYTHON) -m venv $(READERS_VENV)
	@$(READERS_VENV)/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

test-readers: build $(READERS_VENV)/.made ## our folders, also split by date, read by pyarrow and pandas over WebHDFS
	@$(VENV)/bin/python -m pytest -q -x tests/integration/readers $(PYTEST_FLAGS)

lint: ## static analysis and formatting check
	@tests/lint.sh

format: ## clang-format all sources in place
	@git ls-files '*.c' '*.h' | xargs $(firstword $(wildcard $(VENV)/bin/clang-format) clang-format) -i

test: ## everything: build, lint, unit, fuzz, integration; the last line counts the tests
	@tests/run_all.sh

# --- running ---------------------------------------------------------------------------------

run: ## install, build, start Kafka, HDFS and the services; Ctrl-C stops everything
	@deploy/local/run.sh

stop: ## stop what `make run` started, from another terminal
	@deploy/local/stack.py stop

clean-data: ## remove all data of the local stack (asks first; FORCE=1 does not ask)
	@deploy/local/stack.py clean

clean: ## remove what was built, keep the data
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
