#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Static analysis of everything that is tracked: formatting, clang-tidy, cppcheck, the syntax of
# scripts, and the rules of CONTRIBUTING.md that a program can check. Each file and tool is one test;
# output only on failure. Writes build/results/lint.json. A C file that clang-tidy found good is not
# looked at again until it, a header or the checks change.
set -u
cd "$(dirname "$0")/.." || exit 2

jobs=$(nproc)
max_lines=600
passed=0 failed=0
mkdir -p build/lint build/cppcheck build/results

mapfile -t c_files < <(git ls-files '*.c')
mapfile -t headers < <(git ls-files '*.h')
mapfile -t tidy_files < <(git ls-files 'shared/*.c' 'services/*.c')
mapfile -t python_files < <(git ls-files '*.py')
mapfile -t shell_files < <(git ls-files '*.sh')

# The version that wrote the tree, where the tests' environment is installed.
clang_format=build/venv/bin/clang-format
[ -x $clang_format ] || clang_format=clang-format

count() { # status, what was checked, its output's file
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "--- $2"
		cat "$3"
	fi
}

# Runs a command per file, several at once; each leaves its status and output under build/lint.
per_file() { # name, command (gets the file as $1), files...
	local name=$1 command=$2 file
	shift 2
	[ $# -gt 0 ] || return 0
	printf '%s\0' "$@" | command="$command" name="$name" xargs -0 -n1 -P"$jobs" bash -c '
		out=build/lint/$name/$1
		mkdir -p "$(dirname "$out")"
		bash -c "$command" _ "$1" >"$out.log" 2>&1
		echo $? >"$out.status"' _
	for file in "$@"; do
		count "$(cat "build/lint/$name/$file.status")" "$name: $file" "build/lint/$name/$file.log"
	done
}

whole() { # name, command...
	local name=$1
	shift
	"$@" >"build/lint/$name.log" 2>&1
	count $? "$name" "build/lint/$name.log"
}

# A mark is as good as a run while nothing that clang-tidy reads is newer.
newest=$(ls -t "${headers[@]}" .clang-tidy tests/lint.sh | head -n1)
flags="-std=c11 -D_GNU_SOURCE -iquote shared -iquote build/gen -iquote services/model/dashboard"
flags+=" $(pkg-config --cflags rdkafka libcjson libcurl gsl zlib openssl 2>/dev/null)"
# A bound on the analyzer's patience: what it finds, it finds early.
flags+=" -Xclang -analyzer-config -Xclang max-nodes=25000"
export newest flags clang_format max_lines
tidy='mark=build/lint/$1.good
	[ "$mark" -nt "$1" ] && [ "$mark" -nt "$newest" ] && exit 0
	service=$(expr "$1" : "\(services/[a-z]*\)/")
	clang-tidy --quiet "$1" -- $flags -iquote "${service:-shared}" || exit 1
	mkdir -p "$(dirname "$mark")" && touch "$mark"'
rules='head -n3 "$1" | grep -q "SPDX-License-Identifier: GPL-3.0-or-later" || {
		echo "the licence line is missing"; exit 1; }
	lines=$(wc -l <"$1")
	[ "$lines" -le "$max_lines" ] || { echo "$lines lines: at most $max_lines"; exit 1; }'

make -s build/gen/version.h
per_file rules "$rules" "${c_files[@]}" "${headers[@]}" "${python_files[@]}" "${shell_files[@]}"
per_file clang-format '"$clang_format" --dry-run -Werror "$1"' "${c_files[@]}" "${headers[@]}"
per_file python 'python3 -c "import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])" "$1"' \
	"${python_files[@]}"
per_file shell 'bash -n "$1"' "${shell_files[@]}"
whole cppcheck cppcheck -q -j "$jobs" --std=c11 --enable=warning,performance,portability \
	--inline-suppr --suppressions-list=tests/cppcheck.txt --cppcheck-build-dir=build/cppcheck \
	--error-exitcode=1 --library=tests/cppcheck.cfg -D_GNU_SOURCE \
	-I shared "${c_files[@]}"
whole prometheus make -s check-prometheus
# What they were built from decides their bytes, not where: `make check-reproducible` builds twice.
whole "programs name no folder" bash -c '! grep -lF "$PWD/" build/bin/gateway build/bin/ingest build/bin/model'
per_file clang-tidy "$tidy" "${tidy_files[@]}"

printf '{"passed": %d, "failed": %d}\n' $passed $failed >build/results/lint.json
echo "lint: $passed passed, $failed failed"
[ $failed = 0 ]
