#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Our expressions against those of a Prometheus server (CMP-07).

cli=${top_builddir:-.}/tests/oracle/expr_eval_cli
if ! command -v python3 >/dev/null; then
	echo "1..0 # SKIP python3 is not installed"
	exit 0
fi
exec python3 -B "${top_srcdir:-.}/tests/oracle/prometheus.py" "$cli" "${top_srcdir:-.}"
