#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Many nodes power on together in virtual time: all of them find a controller soon, and with few
# messages. "sim.sh full" runs ten thousand, as "make sim" does.
set -u
sim=$top_builddir/tests/sim/sim
count=0 failed=0

holds() # WHAT OPTION...
{
	local what=$1 out
	shift
	count=$((count + 1))
	if out=$("$sim" "$@" 2>&1); then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		failed=1
	fi
	echo "# sim $*"
	sed 's/^[^#]/# &/' <<<"$out"
}

small()
{
	holds "300 nodes on one link" --nodes 300 --links 1 --within 5000 --mean-max 12
	holds "300 nodes on one link that loses a fifth of all packets" \
	    --nodes 300 --links 1 --loss 20 --within 30000 --mean-max 20
}

full()
{
	small
}

"${1:-small}"
echo "1..$count"
exit $failed
