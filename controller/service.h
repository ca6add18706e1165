/* SPDX-License-Identifier: Apache-2.0
 *
 * Service descriptions (fogwatch-service(5)): functions in order, where they run, what each
 * needs, and what moves them. Parsed from YAML; everything that is wrong is told at once. */
#pragma once
#include "base/conf.h"
#include "protocol/names.h"

#define SERVICE_FUNCTIONS_MAX	 32
#define SERVICE_REQUIREMENTS_MAX 16
#define SERVICE_CANDIDATES_MAX	 256

enum requirement_side { REQUIRE_ABOVE = 1, REQUIRE_BELOW };
enum requirement_missing { MISSING_UNKNOWN, MISSING_OK, MISSING_FAILS };

struct requirement {
	char *text;	      /* "avg_over_time(node_x[5s]) > 3.2", for people */
	char *expr;	      /* as written */
	struct slice program; /* compiled, owned */
	enum requirement_side side;
	double threshold;
	int when_missing;	     /* enum requirement_missing */
	int64_t period_ms;	     /* sampling at the host */
	int64_t candidate_period_ms; /* at candidates */
	int64_t hold_ms;	     /* a violation counts when it lasted so long */
	int report;		     /* enum reporting_choice */
	int64_t
	    longest_period_ms; /* up to which sampling may slow down; 0: it does not */
};

struct function {
	char *name;
	char *
	    host; /* node it runs on when first seen; placements move on from it. NULL: none */
	bool any_candidate;
	struct conf_list candidate; /* names of nodes that may take it, unless any may */
	struct conf_list avoid;	    /* never these */
	/* demands on capabilities; 0 or empty: none */
	int64_t cpus, memory_bytes;
	struct conf_list virtualization, energy, type, radio; /* one of each */
	struct conf_map tag;				      /* all of them */
	struct requirement requirement[SERVICE_REQUIREMENTS_MAX];
	size_t requirements;
	int64_t lead_ms;     /* how long a migration may take, margin included */
	int64_t deadline_ms; /* of a hook call */
	int64_t drain_ms;
	int64_t cooldown_ms; /* not again so soon */
	bool pinned;	     /* never moved automatically */
	double raise, clear; /* probabilities: hysteresis of the prediction */
	int64_t sustain_ms;  /* minimum duration above raise */
	const struct yaml_node *candidates_at, *requirements_at; /* the parser's */
};

struct service {
	char *name, *description;
	char *
	    hook; /* instance name from the controller's configuration; NULL: events only */
	unsigned hook_line, hook_column;
	char *yaml; /* the text it came from */
	struct function function[SERVICE_FUNCTIONS_MAX];
	size_t functions;
	const struct yaml_node *functions_at; /* the parser's */
	struct service *next;
};

/* One document, one service. -EINVAL with complaints. */
int service_parse(struct slice yaml, const char *file, struct complaints *c,
    struct service **ret) MUST_CHECK;
void service_free(struct service *s);
DEFINE_FREEP(struct service, service_free)

/* The options of each level, for parsing, manuals and their tests; name NULL ends them. */
extern const struct conf_option service_options[], service_function_options[],
    service_requirement_options[];
