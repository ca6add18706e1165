/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-exporter(8): what a daemon measures, as Prometheus scrapes it. A scrape asks the daemon's
 * control socket on a connection of its own and within a deadline; several may run at once, each on a
 * thread of the HTTP server's. */
#pragma once
#include "base/buf.h"
#include <sys/socket.h>

#define EXPORTER_MATCHES_MAX 64

/* What is asked for: a metric, a list of them, or an expression that was given a name. */
struct exporter_match {
	char *name; /* NULL: the metric's own */
	char *expression;
};
struct exporter_matches {
	struct exporter_match match[EXPORTER_MATCHES_MAX];
	size_t len;
};
/* "node_network_*", "node_load1{…}", "fog:load=avg_over_time(node_load1[5m])". -EINVAL: err says why;
 * -ENOSPC, -ENOMEM likewise. */
int exporter_match_add(
    struct exporter_matches *m, const char *text, char *err, size_t err_size) MUST_CHECK;
void exporter_matches_done(struct exporter_matches *m);

struct exporter {
	const char *socket; /* of the daemon */
	const char *node;   /* at a controller: of these nodes; "all" */
	const char *from;   /* "node", "history"; NULL: history at a controller */
	int64_t deadline_ms;
	struct exporter_matches matches;
	bool chosen_by_none; /* matches is the default */
	struct exporter_counts *counts;
};
struct exporter_counts *exporter_counts_new(void);
/* The page, from what is asked for; a daemon that does not answer is told in it (fogwatch_up 0). */
void exporter_scrape(
    struct exporter *e, const struct exporter_matches *matches, struct buf *out);

/* --- HTTP: exporter_http.c, on libmicrohttpd --------------------------------------------------------- */
struct exporter_http;
int exporter_http_start(struct exporter *e, const struct sockaddr *at,
    struct exporter_http **ret) MUST_CHECK; /* -errno */
void exporter_http_stop(struct exporter_http *h);

/* --- text -------------------------------------------------------------------------------------------- */
struct exporter_sample {
	char *name, *labels; /* labels: as they stand in braces; "" */
	double value;
	int64_t time_ms; /* 0: now */
	size_t order;
};
struct exporter_page {
	struct exporter_sample *sample;
	size_t len, room;
};
/* Copies. -ENOMEM. */
int
exporter_page_add(struct exporter_page *p, const struct exporter_sample *s) MUST_CHECK;
void exporter_page_done(struct exporter_page *p);
void exporter_put_label(struct buf *out, const char *name, struct slice value);
/* Of a family: help, unit and type, found by its name; false: nothing is known of it. */
typedef bool
exporter_about_f(void *arg, const char *name, struct buf *help, const char **ret_type);
void exporter_page_print(
    struct exporter_page *p, exporter_about_f *about, void *arg, struct buf *out);
