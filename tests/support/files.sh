# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scripts that have fogctl make files and look at them with openssl(1): a directory, $dir, that goes
# with the script, and cases in TAP. To be sourced; the plan is said at the end.
# shellcheck disable=SC2034
fogctl=$top_builddir/fogctl
if ! command -v openssl > /dev/null; then
	echo "1..0 # SKIP no openssl(1)"
	exit 0
fi
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

n=0 failed=0
ok() { # what command…
	local what=$1
	shift
	n=$((n + 1))
	if "$@" > "$dir/out" 2>&1; then
		echo "ok $n - $what"
	else
		failed=1
		echo "not ok $n - $what"
		cat "$dir/out" "$dir/log" 2> /dev/null | sed 's/^/# /'
	fi
}
skip() { # what why
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
not() { ! "$@"; }
say_plan() {
	echo "1..$n"
	exit $failed
}
