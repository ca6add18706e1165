#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the code emits is what protocol/fog.cddl says.
python=${PYTHON3:-/usr/bin/python3}
if ! "$python" -c 'import cbor2' 2>/dev/null; then
	echo "1..0 # SKIP $python has no module cbor2 (Debian: python3-cbor2)"
	exit 0
fi
{ "$top_builddir/tests/unit/emit_values" && "$top_builddir/tests/unit/emit_programs"; } |
	"$python" "$top_srcdir/tests/unit/cddl.py" "$top_srcdir/protocol/fog.cddl"
