/* SPDX-License-Identifier: Apache-2.0
 *
 * Service descriptions (fogwatch-service(5)): functions in order, where they run, what each
 * needs, and what moves them. Parsed from YAML; everything that is wrong is told at once. */
#pragma once
#include "base/conf.h"
#include "grasp/geo.h"
#include "prediction/predictor.h"
#include "protocol/names.h"

#define SERVICE_FUNCTIONS_MAX	 32
#define SERVICE_LINKS_MAX	 64
#define SERVICE_REQUIREMENTS_MAX 16
#define SERVICE_CANDIDATES_MAX	 256
#define SERVICE_CORNERS_MAX	 64 /* of an area */

enum requirement_side { REQUIRE_ABOVE = 1, REQUIRE_BELOW };
enum requirement_missing { MISSING_UNKNOWN, MISSING_OK, MISSING_FAILS };
/* What it comes from: written as one, or made of a link or a location by the planner. */
enum requirement_origin { REQUIRE_VALUE, REQUIRE_LINK, REQUIRE_LOCATION };

struct requirement {
	char *text;	      /* "avg_over_time(node_x[5s]) > 3.2", for people */
	char *expr;	      /* as written */
	struct slice program; /* compiled, owned */
	enum requirement_origin origin;
	enum requirement_side side;
	double threshold;
	int when_missing;	     /* enum requirement_missing */
	int64_t period_ms;	     /* sampling at the host */
	int64_t candidate_period_ms; /* at candidates */
	int64_t hold_ms;	     /* a violation counts when it lasted so long */
	int report;		     /* enum reporting_choice */
	int64_t
	    longest_period_ms; /* up to which sampling may slow down; 0: it does not */
	const struct predictor *predictor; /* never NULL */
	enum predictor_class class;	   /* given, or by what is measured */
	double low, high;		   /* plausible range: likewise; low < high */
};

/* Between two functions of the service, both ways. NaN: not asked for. */
struct service_link {
	char *from, *to;
	double latency_s; /* round trip, at most */
	double loss;	  /* ratio, at most */
	double bandwidth; /* bytes a second free at both ends, at least */
	int64_t period_ms, candidate_period_ms, hold_ms;
};

/* Where a function may be; all that is given must hold. */
struct location {
	struct geo_point corner[SERVICE_CORNERS_MAX]; /* of the area, in order */
	size_t corners;				      /* 0: no area; else at least 3 */
	struct geo_circle circle;		      /* radius 0: none */
	struct near { /* at most within_m from a node (a user's, for example) or another function */
		char *node, *function; /* both NULL: not asked for */
		double within_m;
	} near;
	int64_t period_ms, hold_ms;
};

/* exclusive: never two active copies, state moves with it. overlap: old and new may serve together
 * for a while. */
enum function_class { FUNCTION_OVERLAP, FUNCTION_EXCLUSIVE };

struct function {
	char *name;
	char *
	    host; /* node it runs on when first seen; placements move on from it. NULL: none */
	bool any_candidate;
	struct conf_list candidate; /* names of nodes that may take it, unless any may */
	struct conf_list avoid;	    /* never these */
	/* demands on capabilities; 0 or empty: none */
	int64_t cpus, memory_bytes, storage_bytes;
	struct conf_list virtualization, energy, type, radio; /* one of each */
	struct conf_list device;			      /* all of them */
	struct conf_map tag;				      /* all of them */
	struct location *location;			      /* NULL: anywhere */
	struct requirement requirement[SERVICE_REQUIREMENTS_MAX];
	size_t requirements;
	double availability; /* probability that all requirements hold ...; 0: not asked for */
	int64_t availability_ms; /* ... for so long, from when it is placed */
	int class;		 /* enum function_class */
	bool stateful, break_ok; /* break_ok: the source may stop before the target is ready */
	int64_t lead_ms;	 /* how long a migration may take, margin included */
	int64_t margin_ms; /* on top of what past migrations took */
	int64_t deadline_ms;	 /* of a hook call */
	int64_t drain_ms;
	int64_t cooldown_ms; /* not again so soon */
	bool pinned;	     /* never moved automatically */
	double cost;	     /* of a needless move, as a share of what a break costs */
	/* Probabilities within the lead, hysteresis of the prediction; raise 0: the predictor decides by
	 * cost. */
	double raise, clear;
	int64_t sustain_ms; /* minimum duration above raise */
	const struct yaml_node *candidates_at, *requirements_at, *location_at; /* the parser's */
};

struct service {
	char *name, *description;
	char *
	    hook; /* instance name from the controller's configuration; NULL: events only */
	unsigned hook_line, hook_column;
	char *yaml; /* the text it came from */
	struct function function[SERVICE_FUNCTIONS_MAX];
	size_t functions;
	struct service_link link[SERVICE_LINKS_MAX]; /* without links: in YAML: a chain */
	size_t links;
	struct conf_map objective; /* weights of the marks of candidates.h, by name */
	const struct yaml_node *functions_at, *links_at; /* the parser's */
	struct service *next;
};

/* One document, one service. -EINVAL with complaints. */
int service_parse(struct slice yaml, const char *file, struct complaints *c,
    struct service **ret) MUST_CHECK;
void service_free(struct service *s);
DEFINE_FREEP(struct service, service_free)

/* The options of each level, for parsing, manuals and their tests; name NULL ends them. */
extern const struct conf_option service_options[], service_function_options[],
    service_requirement_options[], service_link_options[], service_location_options[];
