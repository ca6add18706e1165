/* SPDX-License-Identifier: Apache-2.0
 *
 * A history on a real store, in virtual time, for its unit tests. */
#pragma once
#include "controller/history.h"

#include "tests/support/io_fake.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <ev.h>
#include <stdio.h>

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct box {
	struct fake_net *net;
	struct fake_host *host;
	struct grasp_io *io;
	struct ev_loop *loop;
	char *dir;
	struct store *store;
	struct history *history;
	struct history_config cfg;
};

static inline void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static inline void
open_box(struct box *b)
{
	assert_int_equal(store_open(b->loop, b->dir, on_failed, NULL, &b->store), 0);
	assert_int_equal(history_new(b->io, b->store, &b->cfg, &b->history), 0);
}

static inline void
close_box(struct box *b)
{
	history_free(TAKE(b->history));
	store_close(TAKE(b->store));
}

static inline void
reopen(struct box *b)
{
	close_box(b);
	open_box(b);
}

static inline int
setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);

	b->net = fake_net_new(1);
	b->host = fake_host_new(b->net);
	b->io = fake_host_io(b->host);
	b->loop = ev_loop_new(0);
	b->dir = tempdir_new();
	b->cfg = (struct history_config){ .window_ms = 5 * MINUTE,
		.flush_ms = 10000,
		.raw_ms = 7 * DAY,
		.minute_ms = 30 * DAY,
		.hour_ms = 365 * DAY };
	open_box(b);
	*state = b;
	return 0;
}

static inline int
teardown(void **state)
{
	struct box *b = *state;

	close_box(b);
	fake_host_free(b->host);
	fake_net_free(b->net);
	ev_loop_destroy(b->loop);
	tempdir_remove(b->dir);
	free(b);
	return 0;
}

static inline int64_t
wall(const struct box *b)
{
	return b->io->ops->wall(b->io);
}

/* Time passes, and the disk keeps up. */
static inline void
run(struct box *b, int64_t ms)
{
	for (; ms > 0; ms -= 1000) {
		fake_run(b->net, ms < 1000 ? ms : 1000);
		store_flush(b->store);
	}
}

static inline struct history_series *
ensure(struct box *b, const struct fog_id *node, const char *metric, const char *device)
{
	struct metric_labels labels = { 0 };
	char name[16];

	if (device)
		assert_int_equal(metric_labels_add(&labels, "device", device), 0);
	snprintf(name, sizeof name, "node%u", node->bytes[0]);
	return history_ensure(b->history, node, name, metric, &labels);
}

static inline void
put(struct box *b, const struct fog_id *node, const char *metric, int64_t time_ms,
    double value)
{
	struct history_series *s = ensure(b, node, metric, NULL);

	assert_non_null(s);
	history_put(b->history, s, time_ms, value);
}
