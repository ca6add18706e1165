/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/command.h"
#include "base/nearest.h"
#include "ctl/ca.h"
#include "ctl/grasp.h"
#include "ctl/metrics.h"

#include <stdio.h>
#include <string.h>

const struct option_row global_options[] = {
	{ "--socket", NULL, "PATH", OPTION_TEXT,
	    "control socket of the daemon (or FOGWATCH_SOCKET)" },
	{ "--controller", NULL, "[HOST]:PORT", OPTION_TEXT,
	    "a controller somewhere else, by TLS" },
	{ "--identity", NULL, "DIR", OPTION_TEXT,
	    "who we are there: what fogctl ca issue made" },
	{ "--json", NULL, NULL, OPTION_FLAG, "print JSON" },
	{ "--cbor", NULL, NULL, OPTION_FLAG, "print a CBOR sequence" },
	{ "--csv", NULL, NULL, OPTION_FLAG, "print comma-separated values" },
	{ "--no-header", NULL, NULL, OPTION_FLAG, "leave the headings of tables out" },
	{ "--help", NULL, NULL, OPTION_FLAG, "print help, of a command if one is named" },
	{ "--version", NULL, NULL, OPTION_FLAG, "print the version" },
	{ 0 },
};

/* Options that several commands of GRASP have. */
#define OPTION_PEER                                       \
	{                                                 \
		"--peer", "peer", "ADDRESS", OPTION_TEXT, \
		    "ask this one, without discovery"     \
	}
#define OPTION_TIMEOUT                                          \
	{                                                       \
		"--timeout", "timeout", "SECONDS", OPTION_TEXT, \
		    "how long to wait for answers"              \
	}
#define OPTION_LOOP                                                         \
	{                                                                   \
		"--loop", "loop", "N", OPTION_INT, "loop count (default 6)" \
	}
#define OPTION_FLAGS                                                       \
	{                                                                  \
		"--flags", "flags", "FLAGS", OPTION_TEXT,                  \
		    "disc, neg, synch, dry, joined by commas, or a number" \
	}
#define OPTION_INTERFACE                                                              \
	{                                                                             \
		"--interface", "interface", "IF", OPTION_TEXT, "this interface alone" \
	}
#define OPTION_SCOPE                                                  \
	{                                                             \
		"--scope", "scope", "EXPR", OPTION_TEXT,              \
		    "the groups of a scope instead of the neighbours" \
	}

#define OPTION_NODE                                                                     \
	{                                                                               \
		"--node", "node", "NODE", OPTION_NODES,                                 \
		    "the node that computes it; may be repeated; \"all\" for each one " \
		    "alive"                                                             \
	}
#define OPTION_ALL                                                    \
	{                                                             \
		"--all", "all", NULL, OPTION_FLAG, "every node alive" \
	}
#define OPTION_DOMAIN                                         \
	{                                                     \
		"--domain", "domain", "NAME", OPTION_TEXT,    \
		    "an agent's membership in this one alone" \
	}

/* Other columns of "predictions". */
static const struct command past_predictions = {
	.name = "predictions",
	.empty = "nothing was predicted, and nothing failed",
	.column = {
	    { "time", "TIME", COLUMN_TIME, 0 },
	    { "service", "SERVICE", COLUMN_TEXT, 0 },
	    { "function", "FUNCTION", COLUMN_TEXT, 0 },
	    { "node", "NODE", COLUMN_TEXT, 0 },
	    { "state", "OUTCOME", COLUMN_TEXT, 0 },
	    { "ended", "ENDED", COLUMN_TIME, 0 },
	    { "probability", "P", COLUMN_RATIO, 0 },
	    { "lead_s", "LEAD", COLUMN_SECONDS, 0 },
	    { "time_to_s", "TIME LEFT", COLUMN_SECONDS, 0 },
	    { "low_s", "10 %", COLUMN_SECONDS, 0 },
	    { "high_s", "90 %", COLUMN_SECONDS, 0 },
	    { "requirement", "REQUIREMENT", COLUMN_TEXT, 0 },
	},
};
static const struct command score_of_predictions = {
	.name = "predictions",
	.empty = "nothing to score yet",
	.column = {
	    { "of", "OF", COLUMN_TEXT, 0 },
	    { "name", "NAME", COLUMN_TEXT, 0 },
	    { "predictions", "RAISED", COLUMN_NUMBER, 0 },
	    { "hit", "HIT", COLUMN_NUMBER, 0 },
	    { "early", "EARLY", COLUMN_NUMBER, 0 },
	    { "late", "LATE", COLUMN_NUMBER, 0 },
	    { "missed", "MISSED", COLUMN_NUMBER, 0 },
	    { "lost", "LOST", COLUMN_NUMBER, 0 },
	    { "false", "FALSE", COLUMN_NUMBER, 0 },
	    { "averted", "AVERTED", COLUMN_NUMBER, 0 },
	    { "precision", "PRECISION", COLUMN_RATIO, 0 },
	    { "recall", "RECALL", COLUMN_RATIO, 0 },
	    { "lead10_s", "LEAD 10 %", COLUMN_SECONDS, 0 },
	    { "lead50_s", "50 %", COLUMN_SECONDS, 0 },
	    { "lead90_s", "90 %", COLUMN_SECONDS, 0 },
	    { "samples", "ANSWERS", COLUMN_NUMBER, 0 },
	    { "brier", "BRIER", COLUMN_NUMBER, 0 },
	    { "skill", "SKILL", COLUMN_NUMBER, 0 },
	},
};
static const struct command calibration_of_predictions = {
	.name = "predictions",
	.empty = "no answer is a lead old yet",
	.column = {
	    { "predictor", "PREDICTOR", COLUMN_TEXT, 0 },
	    { "class", "CLASS", COLUMN_TEXT, 0 },
	    { "from", "FROM", COLUMN_RATIO, 0 },
	    { "said", "SAID", COLUMN_RATIO, 0 },
	    { "came", "CAME", COLUMN_RATIO, 0 },
	    { "samples", "ANSWERS", COLUMN_NUMBER, 0 },
	    { "brier", "BRIER", COLUMN_NUMBER, 0 },
	},
};

const struct command commands[] = {
	{
	    .name = "nodes",
	    .asked = ASK_CONTROLLER,
	    .help = "the nodes of the domain",
	    .empty = "no node has registered yet",
	    .column = {
		{ "name", "NAME", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "type", "TYPE", COLUMN_TEXT, 0 },
		{ "energy", "ENERGY", COLUMN_TEXT, 0 },
		{ "battery", "BATTERY", COLUMN_RATIO, 0 },
		{ "cpus", "CPUS", COLUMN_NUMBER, 0 },
		{ "memory_bytes", "MEMORY", COLUMN_BYTES, 0 },
		{ "functions", "FUNCTIONS", COLUMN_LIST, 0 },
		{ "heard", "LAST HEARD", COLUMN_TIME, 0 },
		{ "address", "ADDRESS", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "node show",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_ONE,
	    .word = { { "node", "NODE", WORD_TEXT } },
	    .help = "what a node is and has; NODE is its name, its id, or the beginning of the id",
	    .column = {
		{ "battery", NULL, COLUMN_RATIO, 0 },
		{ "memory_bytes", NULL, COLUMN_BYTES, 0 },
		{ "storage_bytes", NULL, COLUMN_BYTES, 0 },
		{ "bytes_received", NULL, COLUMN_BYTES, 0 },
		{ "lease_s", NULL, COLUMN_SECONDS, 0 },
		{ "heard", NULL, COLUMN_TIME, 0 },
		{ "joined", NULL, COLUMN_TIME, 0 },
	    },
	},
	{
	    .name = "node release",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_ONE,
	    .word = { { "node", "NODE", WORD_TEXT } },
	    .help = "take a node out of quarantine",
	},
	{
	    .name = "node revoke",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_ONE,
	    .word = { { "node", "NODE", WORD_TEXT } },
	    .option = {
		{ "--reason", "reason", "TEXT", OPTION_TEXT, "why, for the audit" },
	    },
	    .help = "trust a node no more; NODE is its name or id",
	},
	{
	    .name = "node revoked",
	    .asked = ASK_CONTROLLER,
	    .help = "who is trusted no more, and why",
	    .empty = "nobody is revoked",
	    .column = {
		{ "number", "NUMBER", COLUMN_NUMBER, 0 },
		{ "time", "TIME", COLUMN_TIME, 0 },
		{ "id", "ID", COLUMN_TEXT, 0 },
		{ "who", "WHO", COLUMN_TEXT, 0 },
		{ "reason", "REASON", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "ca show",
	    .asked = ASK_CONTROLLER,
	    .help = "the CAs of the domain, and which nodes know them",
	    .column = {
		{ "ca", "CA", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "from", "FROM", COLUMN_TIME, 0 },
		{ "until", "UNTIL", COLUMN_TIME, 0 },
		{ "retires", "RETIRES", COLUMN_TIME, 0 },
		{ "version", "VERSION", COLUMN_NUMBER, 0 },
		{ "nodes", "NODES", COLUMN_NUMBER, 0 },
		{ "told", "TOLD", COLUMN_NUMBER, 0 },
		{ "renewed", "RENEWED", COLUMN_NUMBER, 0 },
	    },
	},
	{
	    .name = "ca reload",
	    .asked = ASK_CONTROLLER,
	    .help = "let the controller read the files of the domain again",
	    .column = {
		{ "ca", "CA", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "version", "VERSION", COLUMN_NUMBER, 0 },
	    },
	},
	{
	    .name = "node pending",
	    .asked = ASK_CONTROLLER,
	    .help = "nodes without a token that wait for approval",
	    .empty = "no node waits",
	    .column = {
		{ "id", "ID", COLUMN_TEXT, 0 },
		{ "name", "NAME", COLUMN_TEXT, 0 },
		{ "address", "ADDRESS", COLUMN_TEXT, 0 },
		{ "version", "VERSION", COLUMN_TEXT, 0 },
		{ "hardware", "HARDWARE", COLUMN_TEXT, 0 },
		{ "since", "SINCE", COLUMN_TIME, 0 },
		{ "heard", "LAST HEARD", COLUMN_TIME, 0 },
	    },
	},
	{
	    .name = "node approve",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_ONE,
	    .word = { { "node", "PENDING", WORD_TEXT } },
	    .help = "let a node in that waits; PENDING is its id, or 8 digits of it at least",
	},
	{
	    .name = "token create",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_ONE,
	    .option = {
		{ "--uses", "uses", "N", OPTION_INT, "how many nodes may join with it (default 1)" },
		{ "--ttl", "ttl", "TIME", OPTION_TEXT, "how long it is good for (default 24h)" },
		{ "--tag", "tag", "NAME=VALUE", OPTION_TEXT,
		    "what the nodes that join with it are to have; may be repeated" },
		{ "--address", "address", "HOST:PORT", OPTION_TEXT,
		    "where this controller is, for nodes that cannot find it" },
	    },
	    .help = "make a token with which a node joins; it is shown once",
	    .column = {
		{ "expires", NULL, COLUMN_TIME, 0 },
	    },
	},
	{
	    .name = "token list",
	    .asked = ASK_CONTROLLER,
	    .help = "the tokens, without their secrets",
	    .empty = "no token yet: fogctl token create",
	    .column = {
		{ "id", "ID", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "uses", "USES LEFT", COLUMN_NUMBER, 0 },
		{ "expires", "EXPIRES", COLUMN_TIME, 0 },
		{ "created", "CREATED", COLUMN_TIME, 0 },
		{ "creator", "BY", COLUMN_TEXT, 0 },
		{ "tags", "TAGS", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "token revoke",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_ONE,
	    .word = { { "token", "ID", WORD_TEXT } },
	    .help = "let nobody in with this token any more; who is in stays",
	},
	{
	    .name = "services",
	    .asked = ASK_CONTROLLER,
	    .help = "the services, where their functions are, and in what state",
	    .empty = "no service yet: fogctl apply FILE",
	    .column = {
		{ "service", "SERVICE", COLUMN_TEXT, 0 },
		{ "function", "FUNCTION", COLUMN_TEXT, 0 },
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "generation", "GENERATION", COLUMN_NUMBER, 0 },
		{ "hook", "HOOK", COLUMN_TEXT, 0 },
		{ "lead_s", "LEAD", COLUMN_SECONDS, 0 },
		{ "requirements", "REQUIREMENTS", COLUMN_LIST, 0 },
	    },
	},
	{
	    .name = "apply",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_LIST,
	    .word = { { "file", "FILE", WORD_FILE } },
	    .option = {
		{ "--dry-run", "dry_run", NULL, OPTION_FLAG,
		    "only say what each node would measure, and what that costs" },
	    },
	    .help = "add the service that FILE describes, or replace the one of its name",
	    .column = {
		{ "service", "SERVICE", COLUMN_TEXT, COLUMN_SPARSE },
		{ "result", "RESULT", COLUMN_TEXT, COLUMN_SPARSE },
		{ "node", "NODE", COLUMN_TEXT, COLUMN_SPARSE },
		{ "change", "CHANGE", COLUMN_TEXT, COLUMN_SPARSE },
		{ "period_s", "PERIOD", COLUMN_SECONDS, COLUMN_SPARSE },
		{ "mode", "MODE", COLUMN_TEXT, COLUMN_SPARSE },
		{ "reports_s", "REPORTS/S", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "bytes_s", "BYTES/S", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "bytes_before_s", "BEFORE", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "session_bytes_s", "SESSION", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "probe_bytes_s", "PROBES", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "total_bytes_s", "ALL", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "raw_bytes_s", "RAW", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "factor", "FACTOR", COLUMN_NUMBER, COLUMN_SPARSE },
		{ "expression", "EXPRESSION", COLUMN_TEXT, COLUMN_SPARSE },
		{ "reasons", "FOR", COLUMN_LIST, COLUMN_SPARSE },
	    },
	},
	{
	    .name = "remove",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_LIST,
	    .word = { { "service", "SERVICE", WORD_TEXT } },
	    .help = "forget a service; its functions are left as they are",
	    .column = {
		{ "service", "SERVICE", COLUMN_TEXT, 0 },
		{ "result", "RESULT", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "place",
	    .asked = ASK_CONTROLLER,
	    .word = {
		{ "service", "SERVICE/FUNCTION", WORD_FUNCTION },
		{ "node", "NODE", WORD_TEXT },
	    },
	    .help = "say where a function is, when nobody knows; moves nothing",
	    .column = {
		{ "service", "SERVICE", COLUMN_TEXT, 0 },
		{ "function", "FUNCTION", COLUMN_TEXT, 0 },
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "result", "RESULT", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "migrate",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_LIST,
	    .word = { { "service", "SERVICE/FUNCTION", WORD_FUNCTION } },
	    .option = {
		{ "--to", "to", "NODE", OPTION_TEXT, "there, and not to the best candidate" },
		{ "--dry-run", "dry_run", NULL, OPTION_FLAG,
		    "only have the hook say what it would do" },
	    },
	    .help = "move a function now, and wait for the end of it",
	    .column = {
		{ "service", "SERVICE", COLUMN_TEXT, 0 },
		{ "function", "FUNCTION", COLUMN_TEXT, 0 },
		{ "from", "FROM", COLUMN_TEXT, 0 },
		{ "to", "TO", COLUMN_TEXT, 0 },
		{ "result", "RESULT", COLUMN_TEXT, 0 },
		{ "detail", "DETAIL", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "hooks",
	    .asked = ASK_CONTROLLER,
	    .help = "the hooks, how they are and what they said last",
	    .column = {
		{ "hook", "HOOK", COLUMN_TEXT, 0 },
		{ "type", "TYPE", COLUMN_TEXT, 0 },
		{ "health", "HEALTH", COLUMN_TEXT, 0 },
		{ "circuit", "CIRCUIT", COLUMN_TEXT, 0 },
		{ "running", "RUNNING", COLUMN_NUMBER, 0 },
		{ "waiting", "WAITING", COLUMN_NUMBER, 0 },
		{ "last_time", "LAST", COLUMN_TIME, 0 },
		{ "last_event", "EVENT", COLUMN_TEXT, 0 },
		{ "last_verdict", "VERDICT", COLUMN_TEXT, 0 },
		{ "last_detail", "DETAIL", COLUMN_TEXT, 0 },
		{ "can", "CAN", COLUMN_LIST, 0 },
		{ "message", "MESSAGE", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "plan show",
	    .word = { { "node", "NODE", WORD_OPTIONAL } },
	    .option = { OPTION_DOMAIN },
	    .help = "what each node has to measure, and why",
	    .empty = "no plan: nothing is measured",
	    .column = {
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "item", "ITEM", COLUMN_NUMBER, 0 },
		{ "period_s", "PERIOD", COLUMN_SECONDS, 0 },
		{ "asked_s", "ASKED", COLUMN_SECONDS, COLUMN_SPARSE },
		{ "mode", "MODE", COLUMN_TEXT, 0 },
		{ "expression", "EXPRESSION", COLUMN_TEXT, 0 },
		{ "reasons", "FOR", COLUMN_LIST, 0 },
		{ "unserved", "", COLUMN_ALARM, 0 },
	    },
	},
	{
	    .name = "query",
	    .run = query_run,
	    .shape = SHAPE_ONE,
	    .word = { { "expression", "EXPR", WORD_TEXT } },
	    .option = {
		OPTION_NODE,
		OPTION_ALL,
		{ "--range", "range", "SPAN", OPTION_TEXT, "over the last 5m, 1h or so" },
		{ "--start", "start", "TIME", OPTION_TEXT,
		    "from 2026-11-21T10:00Z, a Unix time, or 2h ago: -2h" },
		{ "--end", "end", "TIME", OPTION_TEXT, "until then (default: now)" },
		{ "--step", "step", "SPAN", OPTION_TEXT,
		    "a value for each (default: about 240 of them)" },
		{ "--from", "from", "WHERE", OPTION_TEXT,
		    "node, which measures it, or history, what the controller has kept" },
	    },
	    .expand = "series",
	    .help = "compute an expression on a node, now or over a range",
	    .column = {
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "value", "VALUE", COLUMN_NUMBER, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
		{ "samples", "SAMPLES", COLUMN_NUMBER, 0 },
		{ "time", "TIME", COLUMN_TIME, 0 },
		{ "age_s", "AGE", COLUMN_SECONDS, 0 },
		{ "labels", "LABELS", COLUMN_LIST, 0 },
		{ "unknown", "", COLUMN_WHY, 0 },
	    },
	},
	{
	    .name = "watch",
	    .run = watch_run,
	    .shape = SHAPE_STREAM,
	    .word = { { "expression", "EXPR", WORD_MANY } },
	    .option = {
		OPTION_NODE,
		OPTION_ALL,
		{ "--interval", "interval", "SPAN", OPTION_TEXT,
		    "how often (default 1s)" },
		{ "--count", "count", "N", OPTION_INT, "end after N times" },
		{ "--once", "once", NULL, OPTION_FLAG, "the same as --count 1" },
		{ "--from", "from", "WHERE", OPTION_TEXT, "node or history" },
	    },
	    .expand = "series",
	    .help = "show expressions live: their course, least, mean and greatest value",
	    .column = {
		{ "time", NULL, COLUMN_TIME, 12 },
		{ "node", NULL, COLUMN_TEXT, 10 },
		{ "expression", NULL, COLUMN_TEXT, 24 },
		{ "labels", NULL, COLUMN_LIST, 16 },
		{ "value", NULL, COLUMN_NUMBER, 12 },
		{ "unit", NULL, COLUMN_TEXT, 0 },
		{ "unknown", NULL, COLUMN_WHY, 0 },
	    },
	},
	{
	    .name = "find",
	    .asked = ASK_CONTROLLER,
	    .word = {
		{ "property", "PROPERTY[=WORDS]", WORD_TEXT },
		{ "property2", "PROPERTY", WORD_OPTIONAL },
		{ "property3", "PROPERTY", WORD_OPTIONAL },
		{ "property4", "PROPERTY", WORD_OPTIONAL },
	    },
	    .option = {
		{ "--scope", "scope", "EXPR", OPTION_TEXT, "ask only nodes in this scope: geo=ezjm;type=robot" },
		{ "--hops", "hops", "N", OPTION_INT, "ask no farther than N hops" },
		{ "--wait", "wait_s", "SECONDS", OPTION_INT, "how long to wait for answers" },
	    },
	    .help = "ask all nodes around who has these properties: radio, connectivity, virtualization, domain, type, vendor, energy, arch, tag",
	    .empty = "no node has answered",
	    .column = {
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "address", "ADDRESS", COLUMN_TEXT, 0 },
		{ "values", "HAS", COLUMN_LIST, 0 },
		{ "id", "ID", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "history",
	    .asked = ASK_CONTROLLER,
	    .word = { { "expression", "EXPR", WORD_OPTIONAL } },
	    .option = {
		{ "--node", "node", "NODE", OPTION_NODES, "whose results; may be repeated" },
		{ "--since", "since_s", "SECONDS", OPTION_INT, "how far back (default 3600)" },
		{ "--last", "last", "N", OPTION_INT, "at most N of each node (default 10000)" },
	    },
	    .help = "what nodes have reported by their plans; EXPR as plan show has it",
	    .empty = "nothing was reported in that time",
	    .column = {
		{ "time", "TIME", COLUMN_TIME, 0 },
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "value", "VALUE", COLUMN_NUMBER, 0 },
		{ "labels", "LABELS", COLUMN_LIST, 0 },
		{ "expression", "EXPRESSION", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "predictions",
	    .asked = ASK_CONTROLLER,
	    .word = { { "service", "SERVICE", WORD_OPTIONAL } },
	    .option = {
		{ "--past", "past", NULL, OPTION_FLAG, "those that were raised, and their outcome" },
		{ "--score", "score", NULL, OPTION_FLAG, "what they were worth, by service, by class, in all" },
		{ "--calibration", "calibration", NULL, OPTION_FLAG, "how often came what was said, by class" },
	    },
	    .table = {
		{ "past", &past_predictions },
		{ "score", &score_of_predictions },
		{ "calibration", &calibration_of_predictions },
	    },
	    .help = "what is watched, how it stands, and when it will not do any more",
	    .empty = "nothing to predict",
	    .column = {
		{ "service", "SERVICE", COLUMN_TEXT, 0 },
		{ "function", "FUNCTION", COLUMN_TEXT, 0 },
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "role", "ROLE", COLUMN_TEXT, 0 },
		{ "value", "VALUE", COLUMN_NUMBER, 0 },
		{ "probability", "P", COLUMN_RATIO, 0 },
		{ "time_to_s", "TIME LEFT", COLUMN_SECONDS, 0 },
		{ "low_s", "10 %", COLUMN_SECONDS, 0 },
		{ "high_s", "90 %", COLUMN_SECONDS, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "requirement", "REQUIREMENT", COLUMN_TEXT, 0 },
		{ "reason", "", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "predictors",
	    .asked = ASK_CONTROLLER,
	    .help = "who can foresee that a requirement is violated, the default first",
	    .column = {
		{ "predictor", "PREDICTOR", COLUMN_TEXT, 0 },
		{ "state_bytes", "STATE", COLUMN_BYTES, 0 },
		{ "help", "WHAT IT DOES", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "candidates",
	    .asked = ASK_CONTROLLER,
	    .word = { { "service", "SERVICE/FUNCTION", WORD_FUNCTION } },
	    .option = {
		{ "--explain", "explain", NULL, OPTION_FLAG, "also who is rejected, and why" },
	    },
	    .help = "who could take a function over, best first",
	    .empty = "no candidate: --explain says why",
	    .column = {
		{ "rank", "RANK", COLUMN_NUMBER, 0 },
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "accepted", "ACCEPTED", COLUMN_YES, 0 },
		{ "score", "SCORE", COLUMN_NUMBER, 0 },
		{ "availability", "AVAILABILITY", COLUMN_RATIO, 0 },
		{ "reasons", "REASONS", COLUMN_LIST, 0 },
	    },
	},
	{
	    .name = "events",
	    .asked = ASK_CONTROLLER,
	    .shape = SHAPE_LIST,
	    .option = {
		{ "--follow", "follow", NULL, OPTION_FLAG, "go on with each that comes" },
		{ "--last", "last", "N", OPTION_INT, "begin with the newest N (default 50)" },
	    },
	    .help = "what happened",
	    .empty = "no events yet",
	    .column = {
		{ "time", "TIME", COLUMN_TIME, 12 },
		{ "kind", "KIND", COLUMN_TEXT, 20 },
		{ "node", "NODE", COLUMN_TEXT, 12 },
		{ "text", "", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "audit",
	    .asked = ASK_CONTROLLER,
	    .option = {
		{ "--last", "last", "N", OPTION_INT, "the newest N (default 50)" },
		{ "--verify", "verify", NULL, OPTION_FLAG, "is every row as it was written?" },
	    },
	    .help = "who changed what, or was refused",
	    .empty = "nothing was asked yet that changes anything",
	    .column = {
		{ "seq", "SEQ", COLUMN_NUMBER, 0 },
		{ "time", "TIME", COLUMN_TIME, 0 },
		{ "role", "ROLE", COLUMN_TEXT, 0 },
		{ "who", "WHO", COLUMN_TEXT, 0 },
		{ "command", "COMMAND", COLUMN_TEXT, 0 },
		{ "object", "OBJECT", COLUMN_TEXT, 0 },
		{ "result", "RESULT", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "migrations",
	    .asked = ASK_CONTROLLER,
	    .help = "functions that were moved, or are being moved",
	    .empty = "nothing was moved yet",
	    .column = {
		{ "opened", "OPENED", COLUMN_TIME, 0 },
		{ "service", "SERVICE", COLUMN_TEXT, 0 },
		{ "function", "FUNCTION", COLUMN_TEXT, 0 },
		{ "from", "FROM", COLUMN_TEXT, 0 },
		{ "to", "TO", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "phase", "PHASE", COLUMN_TEXT, 0 },
		{ "lead_s", "LEAD", COLUMN_SECONDS, 0 },
		{ "duration_s", "TOOK", COLUMN_SECONDS, 0 },
		{ "generation", "GENERATION", COLUMN_NUMBER, 0 },
		{ "reason", "REASON", COLUMN_TEXT, 0 },
		{ "detail", "DETAIL", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "status",
	    .shape = SHAPE_ONE,
	    .help = "how the daemon itself is",
	    .option = { OPTION_DOMAIN },
	    .column = {
		{ "uptime_s", NULL, COLUMN_SECONDS, 0 },
		{ "heartbeat_s", NULL, COLUMN_SECONDS, 0 },
		{ "slowest_commit_s", NULL, COLUMN_SECONDS, 0 },
		{ "lease_s", NULL, COLUMN_SECONDS, 0 },
		{ "registered_s", NULL, COLUMN_SECONDS, 0 },
		{ "certificate_until", NULL, COLUMN_TIME, 0 },
		{ "certificate_left_s", NULL, COLUMN_SECONDS, 0 },
		{ "renewal_s", NULL, COLUMN_SECONDS, 0 },
		{ "insecure", NULL, COLUMN_ALARM, 0 },
	    },
	},
	{
	    .name = "whoami",
	    .shape = SHAPE_ONE,
	    .help = "who we are for the daemon, and in which role",
	},
	{
	    .name = "diag",
	    .help = "what works and what does not, step by step, and what to do",
	    .column = {
		{ "domain", "", COLUMN_TEXT, 0 },
		{ "step", "STEP", COLUMN_TEXT, 0 },
		{ "result", "RESULT", COLUMN_TEXT, 0 },
		{ "why", "WHY", COLUMN_TEXT, 0 },
		{ "advice", "ADVICE", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "diag sandbox",
	    .help = "try in the daemon itself what its sandbox has to deny",
	    .column = {
		{ "step", "STEP", COLUMN_TEXT, 0 },
		{ "result", "RESULT", COLUMN_TEXT, 0 },
		{ "why", "WHY", COLUMN_TEXT, 0 },
		{ "advice", "ADVICE", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "counters",
	    .shape = SHAPE_ONE,
	    .option = { OPTION_DOMAIN },
	    .help = "what was received, sent and refused",
	},
	{
	    .name = "limits",
	    .asked = ASK_CONTROLLER,
	    .help = "what is bounded, and how much of it is used",
	    .column = {
		{ "limit", "LIMIT", COLUMN_TEXT, 0 },
		{ "used", "USED", COLUMN_NUMBER, 0 },
		{ "max", "MAX", COLUMN_NUMBER, 0 },
	    },
	},
	{
	    .name = "capabilities",
	    .asked = ASK_AGENT,
	    .shape = SHAPE_ONE,
	    .help = "what this node told of itself",
	    .column = {
		{ "battery", NULL, COLUMN_RATIO, 0 },
		{ "memory_bytes", NULL, COLUMN_BYTES, 0 },
		{ "storage_bytes", NULL, COLUMN_BYTES, 0 },
	    },
	},
	{
	    .name = "controllers",
	    .asked = ASK_AGENT,
	    .option = { OPTION_DOMAIN },
	    .help = "the controllers that this node has heard of",
	    .empty = "no controller was heard of yet",
	    .column = {
		{ "domain", "DOMAIN", COLUMN_TEXT, 0 },
		{ "address", "ADDRESS", COLUMN_TEXT, 0 },
		{ "controller", "CONTROLLER", COLUMN_TEXT, 0 },
		{ "epoch", "EPOCH", COLUMN_NUMBER, 0 },
		{ "heard_s", "HEARD", COLUMN_SECONDS, 0 },
		{ "configured", "CONFIGURED", COLUMN_YES, 0 },
		{ "proven", "PROVEN", COLUMN_YES, 0 },
		{ "failures", "FAILURES", COLUMN_NUMBER, 0 },
		{ "retry_s", "RETRY IN", COLUMN_SECONDS, 0 },
	    },
	},
	{
	    .name = "metrics",
	    .run = metrics_run,
	    .word = { { "pattern", "PATTERN", WORD_OPTIONAL } },
	    .option = {
		{ "--look", "look", NULL, OPTION_FLAG,
		    "read each, to see how many series there are here" },
		{ "--offline", "offline", NULL, OPTION_FLAG,
		    "ask nobody: those that are built in" },
	    },
	    .empty = "no metric has such a name",
	    .help = "what can be measured: name, type, unit, and what it is",
	    .column = {
		{ "metric", "METRIC", COLUMN_TEXT, 0 },
		{ "type", "TYPE", COLUMN_TEXT, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
		{ "labels", "LABELS", COLUMN_TEXT, 0 },
		{ "source", "SOURCE", COLUMN_TEXT, 0 },
		{ "series", "", COLUMN_NUMBER, 0 },
		{ "help", "HELP", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "composites",
	    .help = "expressions over all nodes that the controller computes, and their values",
	    .empty = "no composite yet: composites in controller.yaml, see fogwatch.yaml(5)",
	    .column = {
		{ "name", "NAME", COLUMN_TEXT, 0 },
		{ "series", "SERIES", COLUMN_NUMBER, 0 },
		{ "value", "VALUE", COLUMN_NUMBER, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
		{ "age_s", "AGE", COLUMN_SECONDS, 0 },
		{ "interval_s", "INTERVAL", COLUMN_SECONDS, 0 },
		{ "expression", "EXPRESSION", COLUMN_TEXT, 0 },
		{ "unknown", "UNKNOWN", COLUMN_ALARM, 0 },
	    },
	},
	{
	    .name = "rule list",
	    .asked = ASK_AGENT,
	    .help = "the expressions that have a name, and how they are",
	    .empty = "no rule yet: fogctl rule add NAME EXPRESSION",
	    .column = {
		{ "name", "NAME", COLUMN_TEXT, 0 },
		{ "owner", "OWNER", COLUMN_TEXT, 0 },
		{ "period_s", "PERIOD", COLUMN_SECONDS, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
		{ "expression", "EXPRESSION", COLUMN_TEXT, 0 },
		{ "unknown", "UNKNOWN", COLUMN_ALARM, 0 },
	    },
	},
	{
	    .name = "rule add",
	    .asked = ASK_AGENT,
	    .shape = SHAPE_ONE,
	    .word = { { "name", "NAME", WORD_TEXT }, { "expression", "EXPRESSION", WORD_TEXT } },
	    .option = {
		{ "--unit", "unit", "UNIT", OPTION_TEXT, "of its values" },
	    },
	    .help = "give an expression a name, which is then used like a metric's, until the "
		    "agent ends",
	    .column = {
		{ "period_s", NULL, COLUMN_SECONDS, 0 },
	    },
	},
	{
	    .name = "rule remove",
	    .asked = ASK_AGENT,
	    .shape = SHAPE_ONE,
	    .word = { { "name", "NAME", WORD_TEXT } },
	    .help = "take a rule of one's own away",
	},
	{
	    .name = "plugins",
	    .asked = ASK_AGENT,
	    .help = "the programs that give metrics, and how they are",
	    .empty = "no plug-in is configured",
	    .column = {
		{ "name", "NAME", COLUMN_TEXT, 0 },
		{ "state", "STATE", COLUMN_TEXT, 0 },
		{ "running_s", "RUNNING", COLUMN_SECONDS, 0 },
		{ "retry_s", "RETRY IN", COLUMN_SECONDS, 0 },
		{ "restarts", "RESTARTS", COLUMN_NUMBER, 0 },
		{ "lines", "LINES", COLUMN_NUMBER, 0 },
		{ "lines_refused", "REFUSED", COLUMN_NUMBER, 0 },
		{ "metrics", "METRICS", COLUMN_NUMBER, 0 },
		{ "error", "LAST ERROR", COLUMN_ALARM, 0 },
		{ "stderr", "STDERR", COLUMN_LIST, 0 },
	    },
	},
	{
	    .name = "show drops",
	    .help = "what was dropped or refused, by layer and reason",
	    .column = {
		{ "layer", "LAYER", COLUMN_TEXT, 0 },
		{ "reason", "REASON", COLUMN_TEXT, 0 },
		{ "count", "COUNT", COLUMN_NUMBER, 0 },
	    },
	},
	{
	    .name = "show limits",
	    .help = "the limits that are built in",
	    .column = {
		{ "limit", "LIMIT", COLUMN_TEXT, 0 },
		{ "value", "VALUE", COLUMN_NUMBER, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "show permits",
	    .help = "which role may begin what over GRASP",
	    .column = {
		{ "objective", "OBJECTIVE", COLUMN_TEXT, 0 },
		{ "messages", "MESSAGES", COLUMN_LIST, 0 },
		{ "roles", "ROLES", COLUMN_LIST, 0 },
	    },
	},
	{
	    .name = "show config",
	    .shape = SHAPE_LINES,
	    .help = "the configuration in force, defaults included",
	},
	{
	    .name = "domain init",
	    .run = domain_init_run,
	    .shape = SHAPE_ONE,
	    .word = { { "domain", "NAME", WORD_TEXT } },
	    .option = {
		{ "--state-dir", "state-dir", "DIR", OPTION_TEXT,
		    "state directory of the controller" },
		{ "--ca-dir", "ca-dir", "DIR", OPTION_TEXT, "where the key of the CA goes" },
		{ "--user", "user", "USER", OPTION_TEXT, "whose the files are to be" },
	    },
	    .help = "begin a domain: make its CA and the certificate of its controller",
	},
	{
	    .name = "domain renew",
	    .run = domain_renew_run,
	    .shape = SHAPE_ONE,
	    .option = {
		{ "--days", "days", "N", OPTION_INT, "life of the certificate (default 90)" },
		{ "--state-dir", "state-dir", "DIR", OPTION_TEXT,
		    "state directory of the controller" },
		{ "--ca-dir", "ca-dir", "DIR", OPTION_TEXT, "where the key of the CA is" },
	    },
	    .help = "make a new certificate for the controller, before the one that it has ends",
	},
	{
	    .name = "ca issue",
	    .run = ca_issue_run,
	    .shape = SHAPE_ONE,
	    .option = {
		{ "--role", "role", "ROLE", OPTION_TEXT,
		    "controller, orchestrator, viewer, deployer or admin" },
		{ "--name", "name", "NAME", OPTION_TEXT, "for whom, for people" },
		{ "--out", "out", "DIR", OPTION_TEXT, "where key and certificates go" },
		{ "--days", "days", "N", OPTION_INT,
		    "life of the certificate (default 365, of a controller 90)" },
		{ "--ca-dir", "ca-dir", "DIR", OPTION_TEXT, "where the key of the CA is" },
	    },
	    .help = "make a key and a certificate for an operator, an orchestrator or a further controller",
	},
	{
	    .name = "ca rotate",
	    .run = ca_rotate_run,
	    .shape = SHAPE_ONE,
	    .option = {
		{ "--now", "now", NULL, OPTION_FLAG,
		    "trust the old CA no more: its key may be known" },
		{ "--wait", "wait", "SECONDS", OPTION_INT,
		    "with --now: for nodes to renew (default 60)" },
		{ "--state-dir", "state-dir", "DIR", OPTION_TEXT,
		    "state directory of the controller" },
		{ "--ca-dir", "ca-dir", "DIR", OPTION_TEXT, "where the key of the CA is" },
	    },
	    .help = "let a new CA take the place of the one that signs",
	},
	{
	    .name = "grasp decode",
	    .run = grasp_decode_run,
	    .shape = SHAPE_STREAM,
	    .word = { { "file", "FILE", WORD_OPTIONAL } },
	    .option = {
		{ "--port", "port", "PORT", OPTION_INT,
		    "of a capture: GRASP also runs here; may be repeated" },
		{ "--all", "all", NULL, OPTION_FLAG, "of a capture: look at every port" },
		{ "--addresses", "addresses", NULL, OPTION_FLAG,
		    "JSON of a capture: also time and addresses" },
	    },
	    .help = "show GRASP messages from hexadecimal lines, pcap or pcapng",
	},
	{
	    .name = "grasp discover",
	    .run = grasp_discover_run,
	    .word = {
		{ "name", "NAME", WORD_TEXT },
		{ "value", "VALUE", WORD_OPTIONAL },
	    },
	    .option = {
		OPTION_TIMEOUT,
		OPTION_LOOP,
		OPTION_FLAGS,
		OPTION_INTERFACE,
		OPTION_SCOPE,
	    },
	    .help = "ask who supports an objective, and where",
	    .column = {
		{ "locator", "LOCATOR", COLUMN_TEXT, 0 },
		{ "protocol", "PROTOCOL", COLUMN_TEXT, 0 },
		{ "port", "PORT", COLUMN_NUMBER, 0 },
		{ "from", "FROM", COLUMN_TEXT, 0 },
		{ "diverted", "DIVERTED", COLUMN_YES, 0 },
		{ "ttl_s", "TTL", COLUMN_SECONDS, 0 },
		{ "value", "VALUE", COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "grasp flood",
	    .run = grasp_flood_run,
	    .shape = SHAPE_STREAM,
	    .word = {
		{ "name", "NAME", WORD_TEXT },
		{ "value", "VALUE", WORD_TEXT },
	    },
	    .option = {
		{ "--locator", "locator", "LOCATOR", OPTION_TEXT,
		    "[ADDRESS]:PORT, NAME:PORT or a URI; [::]:PORT is our own address" },
		{ "--ttl", "ttl", "SECONDS", OPTION_TEXT, "how long it holds (default 3 periods)" },
		{ "--count", "count", "N", OPTION_INT, "how many times; 0: until interrupted" },
		{ "--period", "period", "SECONDS", OPTION_TEXT, "how often (default 10)" },
		OPTION_LOOP,
		OPTION_FLAGS,
		OPTION_INTERFACE,
		OPTION_SCOPE,
	    },
	    .help = "tell all neighbours the value of an objective",
	    .column = {
		{ "time", NULL, COLUMN_TIME, 12 },
		{ "objective", NULL, COLUMN_TEXT, 16 },
		{ "interfaces", NULL, COLUMN_NUMBER, 0 },
	    },
	},
	{
	    .name = "grasp listen",
	    .run = grasp_listen_run,
	    .shape = SHAPE_STREAM,
	    .option = {
		{ "--count", "count", "N", OPTION_INT, "end after N messages" },
		OPTION_INTERFACE,
		OPTION_SCOPE,
	    },
	    .help = "show what is said by multicast, until interrupted",
	},
	{
	    .name = "grasp negotiate",
	    .run = grasp_negotiate_run,
	    .shape = SHAPE_STREAM,
	    .word = {
		{ "name", "NAME", WORD_TEXT },
		{ "value", "VALUE", WORD_TEXT },
	    },
	    .option = {
		OPTION_PEER,
		{ "--step", "step", "VALUE", OPTION_TEXT,
		    "answer with this instead of accepting; may be repeated" },
		{ "--decline", "decline", "REASON", OPTION_TEXT, "decline in the end" },
		{ "--dry-run", "dry-run", NULL, OPTION_FLAG, "set F_NEG_DRY" },
		OPTION_TIMEOUT,
		OPTION_LOOP,
		OPTION_INTERFACE,
		OPTION_SCOPE,
	    },
	    .help = "negotiate the value of an objective, step by step",
	    .column = {
		{ "from", NULL, COLUMN_TEXT, 6 },
		{ "message", NULL, COLUMN_TEXT, 11 },
		{ "loop", NULL, COLUMN_NUMBER, 3 },
		{ "value", NULL, COLUMN_TEXT, 0 },
		{ "text", NULL, COLUMN_TEXT, 0 },
	    },
	},
	{
	    .name = "grasp sync",
	    .run = grasp_sync_run,
	    .shape = SHAPE_ONE,
	    .word = { { "name", "NAME", WORD_TEXT } },
	    .option = {
		OPTION_PEER,
		OPTION_TIMEOUT,
		OPTION_LOOP,
		OPTION_FLAGS,
		OPTION_INTERFACE,
		OPTION_SCOPE,
	    },
	    .help = "fetch the value of an objective, from floods or from who has it",
	},
	{ 0 },
};

bool
option_is(const struct option_row *o, const char *typed)
{
	return strcmp(o->name, typed) == 0 ||
	    (o->kind == OPTION_NODES && strcmp(typed, "-n") == 0);
}

static int
words_in(const char *name)
{
	int n = 1;

	for (const char *p = name; *p; p++)
		n += *p == ' ';
	return n;
}

static bool
begins_with(const char *name, char *const *argv, int words)
{
	for (int i = 0; i < words; i++) {
		size_t len = strcspn(name, " ");

		if (strlen(argv[i]) != len || strncmp(name, argv[i], len) != 0)
			return false;
		name += len + (name[len] == ' ');
	}
	return true;
}

const struct command *
command_find(char *const *argv, int argc, int *ret_words)
{
	const struct command *best = NULL;

	for (const struct command *c = commands; c->name; c++) {
		int words = words_in(c->name);

		if (words <= argc && begins_with(c->name, argv, words) &&
		    (!best || words > *ret_words)) {
			best = c;
			*ret_words = words;
		}
	}
	return best;
}

bool
command_is_group(const char *word)
{
	size_t len = strlen(word);

	for (const struct command *c = commands; c->name; c++)
		if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ')
			return true;
	return false;
}

const char *
command_nearest(const char *typed)
{
	const char *best = NULL;
	unsigned least = (unsigned)strlen(typed) / 2 + 1;

	for (const struct command *c = commands; c->name; c++) {
		unsigned d = nearest_distance(typed, c->name);

		if (d < least) {
			least = d;
			best = c->name;
		}
	}
	return best;
}
