#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The manuals of libgrasp, grasp*(3), say what its headers say: names, prototypes, members, codes. TAP.
cd "${top_builddir:-.}" || exit 99
top=$(cd "${top_srcdir:-..}" && pwd)
read -ra cc <<< "$(sed -n 's/^CC = //p' Makefile)"
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0 failed=0
check() { # what command…
	local what=$1
	shift
	n=$((n + 1))
	if "$@" > "$dir/out" 2>&1; then
		echo "ok $n - $what"
	else
		failed=1
		echo "not ok $n - $what"
		sed 's/^/# /' "$dir/out"
	fi
}
headers='#include "grasp/api.h"
#include "grasp/io_ev.h"
#include "grasp/scope.h"'
compile() { # further-text…
	printf '%s\n' "$headers" "$@" | "${cc[@]}" -std=gnu11 -Wall -Werror -Wno-unused -Wno-unused-result \
		-I"$top" -fsyntax-only -x c -
}

# A synopsis as C: ".Ft int", then ".Fn f "int a"" or ".Fo f" with ".Fa" lines.
prototypes() { # page
	awk '/^\.Sh/ { on = /SYNOPSIS/ }
		function bare(text) { gsub(/"/, "", text); return text }
		!on { next }
		/^\.Ft / { type = bare(substr($0, 5)) }
		/^\.Fo / { name = $2; arguments = "" }
		/^\.Fa / { arguments = arguments (arguments ? ", " : "") bare(substr($0, 5)) }
		/^\.Fn / { name = $2; arguments = substr($0, 6 + length($2)); gsub(/" "/, ", ", arguments)
			arguments = bare(arguments) }
		/^\.F[cn]/ { print type " " name "(" arguments ");" }' "$1"
}
names() { # page
	prototypes "$1" | sed -E 's/.*[ *](grasp_[a-z0-9_]+)\(.*/\1/'
}
same_names() {
	for page in man/grasp*.3; do names $page; done | grep -vE '_f$|_freep$|^grasp_io_now$' | sort > "$dir/described"
	sed -n 's/^	\([a-z0-9_]*\);.*/\1/p' "$top/grasp/libgrasp.map" | sort | diff "$dir/described" - &&
		[ -s "$dir/described" ]
}
check "each function of libgrasp.map has a place in one manual, and no other function has" same_names

for page in man/grasp_*.3; do
	page_name=$(basename $page .3)
	check "the prototypes in $page_name(3) are those of the headers" \
		eval 'prototypes $page | grep . && compile "$(prototypes $page)"'
	explained() {
		local f
		for f in $(names $page | grep -v '_f$'); do
			grep -qxE "\.Nm $f( ,)?" $page || { echo "$f is not in NAME"; return 1; }
			sed '1,/^\.Sh DESCRIPTION/d' $page | grep -qE "^\.(Fn|It Fn) $f\b" ||
				{ echo "$f is not explained"; return 1; }
		done
	}
	check "$page_name(3) explains each of its functions" explained
done

# The members of a struct: names in front of ; , [ or in (*name).
members() { # struct
	printf '%s\n' "$headers" | "${cc[@]}" -E -P -I"$top" -x c - | tr '\n\t' '  ' |
		grep -oE "struct $1 \{[^}]*\}" | head -n 1 | sed -E 's/^[^{]*\{//; s/\}$//; s/;/\n/g' |
		while read -r line; do
			if [[ $line =~ \(\*([a-z_]+)\)\( ]]; then
				echo "${BASH_REMATCH[1]}"
			else
				sed -E 's/\[[^]]*\]//g; s/:.*//' <<< "$line" |
					grep -oE '[a-z0-9_]+ *(,|$)' | tr -d ' ,'
			fi
		done
}
has_members() { # page struct
	local member all
	all=$(members "$2")
	[ -n "$all" ] || return 1
	for member in $all; do
		grep -E '^\.(It )?Va ' "man/$1.3" | tr ',' '\n' | sed -E 's/^\.(It )?Va//' | tr -d ' .;' |
			grep -qx "$member" || { echo "$member is not described"; return 1; }
	done
}
while read -r page struct; do
	check "$page(3) has the members of struct $struct" has_members "$page" "$struct"
done <<-'X'
	grasp grasp_objective
	grasp_node grasp_config
	grasp_node grasp_support
	grasp_node grasp_peer
	grasp_node grasp_counters
	grasp_discover grasp_found
	grasp_discover grasp_reach
	grasp_link grasp_link_ops
	grasp_session grasp_session_ops
	grasp_msg grasp_locator
	grasp_scope grasp_scope_rules
	grasp_io grasp_io_ops
	grasp_io grasp_io_events
	grasp_io grasp_stream_ops
	grasp_io grasp_io_ev_config
	grasp_api grasp_api_objective
	grasp_api grasp_api_locator
	grasp_api grasp_api_registration
	grasp_api grasp_api_negotiation
X

same_codes() {
	sed -n 's/^\.It Dv GRASP_API_\([A-Z_]*\) Pq \([0-9]*\) .*/\1 \2/p' man/grasp_api.3 > "$dir/codes"
	tr '\n\t' '  ' < "$top/grasp/api.h" | grep -oE 'GRASP_API_[A-Z_]+ = +[0-9]+' |
		sed -E 's/GRASP_API_([A-Z_]+) = +/\1 /' | diff "$dir/codes" - && [ "$(wc -l < "$dir/codes")" = 39 ]
}
check "A-02 grasp_api(3) has the codes of the header with their numbers" same_codes
codes_exist() {
	sed -n '/^\.Sh DESCRIPTION/,/^\.Sh RETURN VALUES/p' man/grasp_api.3 | grep -v '^\.' |
		grep -oE '\b[A-Z]+_[A-Z_]+\b' | grep -vE '^(M|O|GRASP|RFC)_' | sort -u > "$dir/used"
	[ -s "$dir/used" ] && ! cut -d' ' -f1 "$dir/codes" | sort | comm -23 "$dir/used" - | grep .
}
check "grasp_api(3) uses no code that it does not have" codes_exist
names_of_codes() {
	sed -n 's/^\.It Dv \(GRASP_API_[A-Z_]*\) Pq [0-9]* , \(.*\)/\1 \2/p' man/grasp_api.3 |
		while read -r code name; do
			echo "if (strcmp(grasp_code_name($code), \"$name\")) { puts(\"$name\"); failed = 1; }"
		done > "$dir/names"
	printf '%s\n' '#include <stdio.h>' '#include <string.h>' "$headers" 'int main(void) { int failed = 0;' \
		"$(cat "$dir/names")" 'return failed; }' > "$dir/names.c"
	"${cc[@]}" $(sed -n 's/^FW_CFLAGS = //p' Makefile) -I"$top" -o "$dir/names-of-codes" "$dir/names.c" \
		grasp/libgrasp.a base/libbase.a $(sed -n 's/^CBOR_LIBS = //p; s/^CRYPTO_LIBS = //p; s/^EV_LIBS = //p' Makefile) \
		-lm && "$dir/names-of-codes"
}
check "A-02 the codes have the names of the RFC, as grasp_api(3) says" names_of_codes

# The n-th literal display of a page, as a reader sees it.
example() { # page n
	awk -v n="$2" '/^\.Bd -literal/ { at++; next } /^\.Ed/ { done = at == n } at == n && !done' "man/$1.3" |
		sed 's/\\e/\\/g; s/^\\&//'
}
check "grasp(3) shows the whole of grasp-example.c" \
	eval 'example grasp 2 | diff - "$top/examples/grasp/grasp-example.c"'
check "the example of grasp_scope(3) compiles" compile "void f(void) { $(example grasp_scope 1) }"
check "the example of grasp_api(3) compiles" compile '#include <stdio.h>' "$(example grasp_api 2)"
check "the example of grasp_msg(3) compiles" compile "void f(void) { $(example grasp_msg 1) }"
check "the structs shown in grasp(3) and grasp_api(3) are whole" \
	eval 'diff <(example grasp 1 | grep -oE "[a-z0-9_]+;" | tr -d ";") <(members grasp_objective) &&
	diff <(example grasp_api 1 | tr -d "*" | sed "s/,/;/g" | grep -oE "[a-z0-9_]+;" | tr -d ";") \
		<(members grasp_api_objective)'

refers() {
	local page other
	for page in man/grasp*.3; do
		for other in $(sed -n 's/^\.Xr \(grasp[^ ]*\) 3.*/\1/p' $page); do
			[ -f "man/$other.3" ] || { echo "$page: $other"; return 1; }
		done
	done
}
check "they refer to manuals that are there" refers
echo "1..$n"
exit $failed
