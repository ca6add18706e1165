# The figures of one run. Input: $robot (its books), $moved (fogctl migrations), $died (unix seconds).
def seconds: sub("\\.[0-9]+Z$"; "Z") as $s | ($s | fromdateiso8601)
	+ (capture("\\.(?<f>[0-9]+)Z$").f // "0" | "0." + . | tonumber);
($moved[0] | map(select(.state == "done"))) as $done
| ($done | map(select(.function == "F1")) | first) as $first
| {
	scenario: "battery",
	requests_sent: ($robot[0].udp.sent + $robot[0].tcp.sent),
	requests_lost: ($robot[0].udp.lost + $robot[0].tcp.lost),
	longest_gap_ms: ([$robot[0].udp.longest_gap_ms, $robot[0].tcp.longest_gap_ms] | max),
	predicted_lead_s: ($first.lead_s // null),
	migration_ms: (if $first then $first.duration_s * 1000 | round else null end),
	moved: ($done | map({function, from, to})),
	lead_s: (if $first then ($died | tonumber) - ($first.ended | seconds) | . * 10 | round / 10
		else null end),
	moved_in_time: ($first != null and ($first.ended | seconds) < ($died | tonumber)),
	udp: $robot[0].udp,
	tcp: $robot[0].tcp
}
