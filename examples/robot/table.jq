def row($name; $value): "  \($name + (" " * (34 - ($name | length))))\($value)";
row("predicted time to failure"; if .predicted_lead_s then "\(.predicted_lead_s | round) s" else "-" end),
row("moved"; .moved | map("\(.function) from \(.from) to \(.to)") | join(", ") | if . == "" then "nothing" else . end),
row("migration took"; if .migration_ms then "\(.migration_ms) ms" else "-" end),
row("done before the node died"; if .lead_s then "\(.lead_s) s" else "-" end),
row("UDP calls sent / lost"; "\(.udp.sent) / \(.udp.lost)"),
row("TCP calls sent / lost / repeated"; "\(.tcp.sent) / \(.tcp.lost) / \(.tcp.repeated)"),
row("longest gap between answers"; "\(.udp.longest_gap_ms) ms UDP (calls every 20 ms), \(.tcp.longest_gap_ms) ms TCP (every 100 ms)")
