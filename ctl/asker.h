/* SPDX-License-Identifier: Apache-2.0
 *
 * A GRASP node inside fogctl, for one command: it asks and listens, has no port of its own, and
 * runs beside a daemon. Opened from the command's arguments, run until asker_end() or a signal,
 * closed; asker_close() copes with one that did not open. */
#pragma once
#include "ctl/local.h"
#include "ctl/output.h"
#include "grasp/grasp.h"
#include "grasp/scope.h"

struct asker_clock; /* its loop */

struct asker {
	struct asker_clock *clock;
	struct grasp_io *io;
	struct grasp_node *node; /* NULL: none was wanted */
	struct printer *printer;
	struct slice args;
	char interface[16]; /* --interface */
	const char *allow[2];
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX]; /* of --scope */
	unsigned groups;
	int status; /* what asker_run() returns */
	bool interrupted;
};

/* With --interface and --scope of the arguments. 0, or the exit code of what was told. */
int asker_open(struct asker *a, struct slice args, struct printer *p);
int asker_open_io(struct asker *a, struct slice args, struct printer *p); /* without a node */
int asker_run(struct asker *a);
void asker_end(struct asker *a, int status);
void asker_close(struct asker *a);

/* Calls fire after a while, again after each time asker_timer_set() is called. To be freed before
 * asker_close(): asker_timer_free(). */
int asker_timer_new(
    struct asker *a, void (*fire)(void *arg), void *arg, struct grasp_timer **ret) MUST_CHECK;
void asker_timer_set(struct asker *a, struct grasp_timer *t, int64_t ms);
void asker_timer_free(struct asker *a, struct grasp_timer **t);

/* One row of the result: a map with text keys. */
void asker_print(struct asker *a, struct buf *item);
void asker_key_diag(struct buf *item, const char *key, struct slice value); /* empty: null */
void asker_key_addr(struct buf *item, const char *key, const struct addr *at);

/* --- arguments: each tells what is wrong with it and returns LOCAL_USAGE, or 0 ------------------ */

/* NAME, --flags and --loop; VALUE in diagnostic notation if there is one, into value. */
int asker_objective(struct slice args, unsigned flags, char name[GRASP_NAME_MAX + 1],
    struct buf *value, struct grasp_objective *ret);
/* A span such as "5", "0.5" or "500ms"; 0: the option was not given. */
int asker_span(struct slice args, const char *option, int64_t *ret_ms);
/* Text in diagnostic notation. */
int asker_value(const char *option, struct slice text, struct buf *ret);
