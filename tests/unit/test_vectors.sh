#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The tables that C tests include are what vectors.py makes of the JSON files.

dir=${top_srcdir:-.}/tests
command -v python3 >/dev/null || {
	echo '1..0 # SKIP python3 not found'
	exit 0
}
echo 1..5
n=0 failed=0
for table in messages hostile scopes quads sealed; do
	n=$((n + 1))
	if "$dir/support/vectors.py" $table | cmp - "$dir/data/grasp/$table.h" >&2; then
		echo "ok $n - $table.h is up to date"
	else
		echo "not ok $n - $table.h is up to date"
		failed=1
	fi
done
exit $failed
