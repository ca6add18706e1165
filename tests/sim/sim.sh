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

# The bounds are about twice what was measured. "mean" and "most" count what a node sends in 30 s but for
# heartbeats: ten of it are its registration and four renewals; relays send the most.
small()
{
	holds "300 nodes on one link find a controller" \
	    --nodes 300 --links 1 --within 3000 --mean-max 25 --most-max 35
	holds "2000 nodes on 20 links with a relay each find a controller" \
	    --nodes 2000 --links 20 --within 5000 --mean-max 20 --most-max 400
	holds "500 nodes find a controller though a fifth of all packets is lost" \
	    --nodes 500 --links 5 --loss 20 --within 30000 --mean-max 25 --most-max 500
	holds "a ring with two relays on each link has no storm (G-085, G-120)" \
	    --nodes 200 --links 10 --topology ring --relays 2 --within 10000 --mean-max 40 \
	    --most-max 400
	holds "a chain of 20 links, longer than the loop count, is crossed" \
	    --nodes 200 --links 20 --topology chain --within 15000 --mean-max 60 --most-max 400
	holds "a tree of links is crossed" \
	    --nodes 400 --links 13 --topology tree --within 10000 --mean-max 30 --most-max 400
	holds "nodes that leave and return have a controller again" \
	    --nodes 300 --links 3 --churn 100 --seconds 60 --within 5000 --again-max 3000
	holds "a controller that is late is found by all" \
	    --nodes 500 --links 5 --controller-at 60000 --seconds 120 --within 75000
}

full()
{
	small
	holds "10000 nodes on 100 links with a relay each find a controller" \
	    --nodes 10000 --links 100 --within 30000 --mean-max 20 --most-max 500
	holds "10000 nodes on a tree of 111 links find a controller" \
	    --nodes 10000 --links 111 --topology tree --fan 10 --within 30000 --mean-max 25 \
	    --most-max 500
	for seed in 1 2 3; do
		holds "1000 nodes find a controller though a fifth of all packets is lost, seed $seed" \
		    --nodes 1000 --links 10 --loss 20 --seed $seed --within 30000 --mean-max 25 \
		    --most-max 600
	done
	holds "1000 nodes on a ring of 20 links with two relays each find a controller" \
	    --nodes 1000 --links 20 --topology ring --relays 2 --within 15000 --mean-max 40 \
	    --most-max 500
	holds "2000 nodes on a chain of 100 links find a controller" \
	    --nodes 2000 --links 100 --topology chain --seconds 90 --within 60000 --mean-max 80 \
	    --most-max 800
	holds "1000 nodes of which each leaves and returns every other minute" \
	    --nodes 1000 --links 10 --churn 50 --seconds 180 --within 5000 --again-max 3000
	holds "a late controller is found by 1000 nodes" \
	    --nodes 1000 --links 10 --controller-at 60000 --seconds 120 --within 75000
}

"${1:-small}"
echo "1..$count"
exit $failed
