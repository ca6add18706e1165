/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink that remembers, for tests of sources. */
#pragma once
#include "metrics/source.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CAPTURE_MAX 2048
#define ROBOT	    SRCDIR "/tests/data/roots/robot"

struct capture {
	struct sink sink;
	size_t len;
	struct {
		const struct metric *metric;
		char labels[256];
		double value;
	} put[CAPTURE_MAX];
};

static inline void
capture_put(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double value)
{
	struct capture *c = container_of(sink, struct capture, sink);
	struct buf text;

	assert_true(c->len < CAPTURE_MAX);
	buf_init_fixed(&text, c->put[c->len].labels, sizeof c->put[0].labels - 1);
	metric_labels_print(labels, &text);
	assert_int_equal(text.err, 0);
	c->put[c->len].labels[text.pos] = '\0';
	c->put[c->len].metric = m;
	c->put[c->len++].value = value;
}

/* The value; NaN: there is none. */
static inline double
capture_get(const struct capture *c, const char *metric, const char *labels)
{
	for (size_t i = 0; i < c->len; i++)
		if (strcmp(c->put[i].metric->name, metric) == 0 &&
		    strcmp(c->put[i].labels, labels) == 0)
			return c->put[i].value;
	return NAN;
}

static inline size_t
capture_count(const struct capture *c, const char *metric)
{
	size_t n = 0;

	for (size_t i = 0; i < c->len; i++)
		n += strcmp(c->put[i].metric->name, metric) == 0;
	return n;
}

/* One more sample into an emptied capture; the source's result. */
static inline int
capture_sample(struct capture *c, const struct source *source, void *inst, int64_t now_ms)
{
	c->sink.put = capture_put;
	c->sink.wants = NULL;
	c->len = 0;
	return source->sample(inst, now_ms, &c->sink);
}

/* Open, one sample, close. */
static inline int
capture_once(struct capture *c, const struct source *source, const struct source_env *env)
{
	void *inst = NULL;
	int err;

	assert_int_equal(source->open(env, &inst), 0);
	err = capture_sample(c, source, inst, 1000);
	source->close(inst);
	return err;
}

static inline void
write_text(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline void
assert_value(const struct capture *c, const char *metric, const char *labels, double expected)
{
	double v = capture_get(c, metric, labels);

	if (!(fabs(v - expected) <= fabs(expected) * 1e-12 + 1e-12))
		fail_msg("%s%s is %.17g, not %.17g", metric, labels, v, expected);
}

static inline void
assert_no_value(const struct capture *c, const char *metric, const char *labels)
{
	double v = capture_get(c, metric, labels);

	if (!isnan(v))
		fail_msg("%s%s is %.17g, but there should be none", metric, labels, v);
}
