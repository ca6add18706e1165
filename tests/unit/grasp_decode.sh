#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What fogctl grasp decode makes of messages, with cbor2 as the oracle.
python=${PYTHON3:-/usr/bin/python3}
if ! "$python" -c 'import cbor2' 2>/dev/null; then
	echo "1..0 # SKIP $python has no module cbor2 (Debian: python3-cbor2)"
	exit 0
fi
exec "$python" "$top_srcdir/tests/unit/grasp_decode.py" "$top_builddir/fogctl" \
	"$top_srcdir/tests/data/grasp"
