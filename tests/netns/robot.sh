#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The scenario of ./quickstart, with the figures it has to reach (MIG-05).
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
begin fr 4 jq

export FOG_LAB_PREFIX=${prefix}lab FOG_LAB_RUN=$tmp/run
check "the scenario ends well" \
	"$top/examples/robot/scenario" "$build" --report "$tmp/report.json"
[ -s "$tmp/report.json" ] && sed 's/^/# /' "$tmp/report.json"
check "MIG-05 F1 was moved off A before A died" jq -e '.moved_in_time and
	any(.moved[]; .function == "F1" and .from == "A")' "$tmp/report.json"
check "MIG-05 no UDP call was lost" jq -e '.udp.sent > 1000 and .udp.lost == 0' "$tmp/report.json"
check "PRD-02 it was predicted with time to spare" jq -e \
	'.predicted_lead_s > 0 and .lead_s > .migration_ms / 1000' "$tmp/report.json"
