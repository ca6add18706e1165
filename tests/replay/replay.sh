#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Plays all scenarios, each a line of TAP; one alone is played by tests/replay/replay.
set -u
scenarios=("$top_srcdir"/tests/replay/*.rpl)
count=0 failed=0

echo "1..${#scenarios[@]}"
for scenario in "${scenarios[@]}"; do
	count=$((count + 1))
	name=${scenario##*/}
	if out=$("$top_builddir/tests/replay/replay" "$scenario" 2>&1); then
		echo "ok $count - ${name%.rpl}: $(sed -n '1s/^# //p' "$scenario")"
	else
		echo "not ok $count - ${name%.rpl}: $(sed -n '1s/^# //p' "$scenario")"
		sed '/^1\.\./d; /^#/!s/^/# /' <<<"$out"
		failed=1
	fi
done
exit $failed
