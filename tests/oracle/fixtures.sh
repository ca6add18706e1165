#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The same trees of laptops, phones, boards and servers, read by Prometheus' node_exporter and by our
# sources, say the same (MET-02, MET-05).
exec python3 "$(dirname "$0")/fixtures.py" "${top_builddir:-.}/tests/oracle/sources_cli" \
	"$(dirname "$0")/../fixtures"
