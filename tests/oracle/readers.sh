#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Our sources beside node_exporter, free and df (MET-01).

cli=${top_builddir:-.}/tests/oracle/readers_cli
if ! command -v python3 >/dev/null; then
	echo "1..0 # SKIP python3 is not installed"
	exit 0
fi
exec python3 -B "${top_srcdir:-.}/tests/oracle/readers.py" "$cli" "${top_srcdir:-.}"
