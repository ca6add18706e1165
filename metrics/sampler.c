/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/sampler.h"
#include "metrics/expr_program.h"
#include "metrics/series.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FRESH_MS	1000  /* a query reads anew what is older */
#define QUERY_PERIOD_MS 1000  /* pace of what queries keep alive … */
#define QUERY_SAMPLES	3600  /* … and how many samples a long window gets at least */
#define QUERY_KEEP_MS	10000 /* how long at least */
#define HOUSEKEEPING_MS 60000 /* between sweeps; how long an idle source stays open */

/* What is wanted of one metric by all who want it. */
struct track {
	int64_t period_ms; /* 0: nobody wants it */
	int64_t window_ms;
	int64_t read_ms; /* INT64_MIN: never */
	bool due;	 /* in the read that is under way */
	int64_t query_window_ms, query_until_ms;
};
struct reader {
	struct sink sink;
	struct sampler *sampler;
	const struct source *source;
	void *inst; /* NULL: closed */
	struct track *track;
	int64_t period_ms; /* the shortest of its metrics; 0: idle */
	int64_t due_ms, read_ms;
};
struct need {
	struct track *track;
	int64_t window_ms;
};
struct want {
	struct sampler *sampler;
	struct want *next;
	int64_t period_ms, until_ms;
	size_t len;
	struct need need[]; /* one a metric */
};
struct sampler {
	struct source_env env; /* own copies */
	struct series_set *set;
	struct reader *reader;
	size_t readers;
	struct want *wants;
	int64_t now_ms, kept_house_ms;
	uint64_t reads, samples;
};

/* --- sources --------------------------------------------------------------------------- */

static void
take_value(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double value)
{
	struct reader *r = container_of(sink, struct reader, sink);
	const struct track *t = &r->track[m - r->source->metrics];
	struct series *s;

	if (!t->due)
		return;
	s = series_ensure(r->sampler->set, m, labels);
	if (!s)
		return; /* the bound on memory: told by sampler_stats() */
	s->window_ms = t->window_ms;
	if (series_append(r->sampler->set, s, r->sampler->now_ms, value) == 0)
		r->sampler->samples++;
}

/* Whatever the source did not tell about this time is over (MET-09). */
static void
end_missing(struct reader *r)
{
	struct series_set *set = r->sampler->set;

	for (size_t i = 0; i < r->source->metrics_len; i++) {
		struct series *s = NULL;

		if (r->track[i].due)
			s = series_first(set, r->source->metrics[i].name);
		for (; s; s = series_next(set, s))
			if (series_last(s) &&
			    series_last(s)->time_ms < r->sampler->now_ms)
				series_end(set, s, r->sampler->now_ms);
	}
}

/* A metric with a longer period than its source is kept at its own pace. */
static void
choose_due(struct reader *r, bool all)
{
	int64_t now = r->sampler->now_ms;

	for (size_t i = 0; i < r->source->metrics_len; i++) {
		struct track *t = &r->track[i];

		t->due = t->period_ms > 0 &&
		    (all || t->read_ms == INT64_MIN ||
			now - t->read_ms >= t->period_ms - r->period_ms / 2);
		if (t->due)
			t->read_ms = now;
	}
}

static void
read_source(struct reader *r, bool all)
{
	choose_due(r, all);
	r->read_ms = r->sampler->now_ms;
	if (!r->inst && r->source->open(&r->sampler->env, &r->inst) < 0)
		r->inst = NULL;
	if (r->inst)
		(void)r->source->sample(r->inst, r->sampler->now_ms, &r->sink);
	r->sampler->reads++;
	end_missing(r);
}

static void
close_source(struct reader *r)
{
	if (r->inst)
		r->source->close(r->inst);
	r->inst = NULL;
}

/* --- life ------------------------------------------------------------------------------ */

static int
copy_text(const char **dst, const char *text)
{
	*dst = text ? strdup(text) : NULL;
	return text && !*dst ? -ENOMEM : 0;
}

static int
init_readers(struct sampler *s)
{
	while (sources[s->readers])
		s->readers++;
	s->reader = calloc(s->readers, sizeof *s->reader);
	if (!s->reader)
		return -ENOMEM;
	for (size_t i = 0; i < s->readers; i++) {
		struct reader *r = &s->reader[i];

		r->sink.put = take_value;
		r->sampler = s;
		r->source = sources[i];
		r->due_ms = r->read_ms = INT64_MIN;
		r->track = calloc(r->source->metrics_len, sizeof *r->track);
		if (!r->track)
			return -ENOMEM;
		for (size_t k = 0; k < r->source->metrics_len; k++)
			r->track[k].read_ms = r->track[k].query_until_ms = INT64_MIN;
	}
	return 0;
}

int
sampler_new(const struct source_env *env, size_t history_bytes, struct sampler **ret)
{
	CLEANUP(sampler_free) struct sampler *s = calloc(1, sizeof *s);

	if (!s || copy_text(&s->env.proc, env->proc) < 0 ||
	    copy_text(&s->env.sys, env->sys) < 0 ||
	    copy_text(&s->env.power_supply, env->power_supply) < 0 ||
	    copy_text(&s->env.rootfs, env->rootfs) < 0 || init_readers(s) < 0 ||
	    series_set_new(history_bytes, &s->set) < 0)
		return -ENOMEM;
	s->now_ms = s->kept_house_ms = INT64_MIN / 2;
	*ret = TAKE(s);
	return 0;
}

void
sampler_free(struct sampler *s)
{
	if (!s)
		return;
	while (s->wants) {
		struct want *w = s->wants;

		s->wants = w->next;
		free(w);
	}
	for (size_t i = 0; s->reader && i < s->readers; i++) {
		close_source(&s->reader[i]);
		free(s->reader[i].track);
	}
	free(s->reader);
	series_set_free(s->set);
	free((char *)s->env.proc);
	free((char *)s->env.sys);
	free((char *)s->env.power_supply);
	free((char *)s->env.rootfs);
	free(s);
}

/* --- wants ----------------------------------------------------------------------------- */

bool
sampler_knows(const char *metric)
{
	return sources_metric(metric, NULL) != NULL;
}

static struct track *
find_track(struct sampler *s, const char *metric)
{
	const struct source *source;
	const struct metric *m = sources_metric(metric, &source);

	for (size_t i = 0; m && i < s->readers; i++)
		if (s->reader[i].source == source)
			return &s->reader[i].track[m - source->metrics];
	return NULL;
}

static void
want_track(struct track *t, int64_t period_ms, int64_t window_ms)
{
	if (t->period_ms == 0 || period_ms < t->period_ms)
		t->period_ms = period_ms;
	if (window_ms > t->window_ms)
		t->window_ms = window_ms;
}

static int64_t
query_period(int64_t window_ms)
{
	int64_t period_ms = window_ms / QUERY_SAMPLES;

	return period_ms > QUERY_PERIOD_MS ? period_ms : QUERY_PERIOD_MS;
}

/* A reader's due time follows its period; one that was idle is due at once. */
static void
schedule_reader(struct reader *r, int64_t now_ms)
{
	int64_t before_ms = r->period_ms;

	r->period_ms = 0;
	for (size_t i = 0; i < r->source->metrics_len; i++) {
		struct track *t = &r->track[i];

		if (t->query_until_ms > now_ms)
			want_track(
			    t, query_period(t->query_window_ms), t->query_window_ms);
		if (t->period_ms > 0 &&
		    (r->period_ms == 0 || t->period_ms < r->period_ms))
			r->period_ms = t->period_ms;
	}
	if (r->period_ms == 0 || r->read_ms == INT64_MIN)
		r->due_ms = INT64_MIN;
	else if (before_ms == 0 || r->read_ms + r->period_ms < r->due_ms)
		r->due_ms = r->read_ms + r->period_ms;
}

/* Who wants what has changed: sum it up again. */
static void
sum_wants(struct sampler *s)
{
	for (size_t i = 0; i < s->readers; i++)
		for (size_t k = 0; k < s->reader[i].source->metrics_len; k++)
			s->reader[i].track[k].period_ms =
			    s->reader[i].track[k].window_ms = 0;
	for (const struct want *w = s->wants; w; w = w->next)
		for (size_t i = 0; w->until_ms > s->now_ms && i < w->len; i++)
			want_track(w->need[i].track, w->period_ms, w->need[i].window_ms);
	for (size_t i = 0; i < s->readers; i++)
		schedule_reader(&s->reader[i], s->now_ms);
}

struct collection {
	struct sampler *sampler;
	struct need need[EXPR_STEPS_MAX];
	size_t len;
};

static void
collect_need(void *arg, const struct expr_step *select)
{
	struct collection *c = arg;
	struct track *t = find_track(c->sampler, select->metric);
	int64_t window_ms = select->window_ms;

	for (size_t i = 0; i < c->len; i++)
		if (c->need[i].track == t) {
			if (window_ms > c->need[i].window_ms)
				c->need[i].window_ms = window_ms;
			return;
		}
	if (t && c->len < EXPR_STEPS_MAX)
		c->need[c->len++] = (struct need){ t, window_ms };
}

static int
check_samples(const struct collection *c, int64_t period_ms, char *err, size_t err_size)
{
	for (size_t i = 0; i < c->len; i++)
		if (c->need[i].window_ms / period_ms > EXPR_SAMPLES_MAX) {
			snprintf(err, err_size,
			    "a window of %lld s every %lld ms holds more than %d samples",
			    (long long)c->need[i].window_ms / 1000, (long long)period_ms,
			    EXPR_SAMPLES_MAX);
			return -E2BIG;
		}
	return 0;
}

int
sampler_want(struct sampler *s, struct slice program, int64_t period_ms, int64_t until_ms,
    char *err, size_t err_size, struct want **ret)
{
	struct collection c = { .sampler = s };
	struct want *w;
	int result = expr_check(program, sampler_knows, err, err_size);

	if (result < 0)
		return result;
	if (period_ms <= 0) {
		snprintf(err, err_size, "the period must be above 0");
		return -EINVAL;
	}
	expr_needs(program, collect_need, &c);
	result = check_samples(&c, period_ms, err, err_size);
	if (result < 0)
		return result;
	w = calloc(1, sizeof *w + c.len * sizeof w->need[0]);
	if (!w) {
		snprintf(err, err_size, "no memory");
		return -ENOMEM;
	}
	w->sampler = s;
	w->period_ms = period_ms;
	w->until_ms = until_ms;
	w->len = c.len;
	memcpy(w->need, c.need, c.len * sizeof w->need[0]);
	w->next = s->wants;
	s->wants = w;
	sum_wants(s);
	*ret = w;
	return 0;
}

void
sampler_unwant(struct want *w)
{
	struct want **at;

	if (!w)
		return;
	for (at = &w->sampler->wants; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	sum_wants(w->sampler);
	free(w);
}

/* --- running --------------------------------------------------------------------------- */

static void
set_min(int64_t *min, int64_t v)
{
	if (v < *min)
		*min = v;
}

/* The next moment at which a want or a query ends. */
static int64_t
next_end(const struct sampler *s)
{
	int64_t next = INT64_MAX;

	for (const struct want *w = s->wants; w; w = w->next)
		if (w->until_ms > s->now_ms)
			set_min(&next, w->until_ms);
	for (size_t i = 0; i < s->readers; i++)
		for (size_t k = 0; k < s->reader[i].source->metrics_len; k++)
			if (s->reader[i].track[k].query_until_ms > s->now_ms)
				set_min(&next, s->reader[i].track[k].query_until_ms);
	return next;
}

static void
set_now(struct sampler *s, int64_t now_ms)
{
	int64_t end = next_end(s);

	s->now_ms = now_ms;
	if (end <= now_ms)
		sum_wants(s);
}

/* Series live as long as anything looks back to them; idle sources are closed. */
static void
keep_house(struct sampler *s)
{
	int64_t span_ms = EXPR_LOOKBACK_MS;

	if (s->now_ms - s->kept_house_ms < HOUSEKEEPING_MS)
		return;
	s->kept_house_ms = s->now_ms;
	for (size_t i = 0; i < s->readers; i++) {
		struct reader *r = &s->reader[i];

		for (size_t k = 0; k < r->source->metrics_len; k++) {
			if (r->track[k].window_ms > span_ms)
				span_ms = r->track[k].window_ms;
			if (2 * r->track[k].period_ms > span_ms)
				span_ms = 2 * r->track[k].period_ms;
		}
		if (r->inst && r->period_ms == 0 &&
		    s->now_ms - r->read_ms >= HOUSEKEEPING_MS)
			close_source(r);
	}
	series_set_sweep(s->set, s->now_ms - span_ms);
}

static bool
is_house_empty(const struct sampler *s)
{
	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].inst)
			return false;
	return series_set_len(s->set) == 0;
}

/* Due times stay on their grid, so that lateness of one read does not add up (MET-12). */
static void
run_reader(struct reader *r, int64_t now_ms)
{
	if (r->period_ms == 0 || r->due_ms > now_ms)
		return;
	read_source(r, false);
	r->due_ms =
	    r->due_ms == INT64_MIN ? now_ms + r->period_ms : r->due_ms + r->period_ms;
	if (r->due_ms <= now_ms)
		r->due_ms = now_ms + r->period_ms;
}

int64_t
sampler_run(struct sampler *s, int64_t now_ms)
{
	int64_t next;

	set_now(s, now_ms);
	keep_house(s);
	for (size_t i = 0; i < s->readers; i++)
		run_reader(&s->reader[i], now_ms);
	next = next_end(s);
	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].period_ms > 0)
			set_min(&next, s->reader[i].due_ms);
	if (!is_house_empty(s))
		set_min(&next, s->kept_house_ms + HOUSEKEEPING_MS);
	return next;
}

/* --- evaluation ------------------------------------------------------------------------ */

int
sampler_eval(
    struct sampler *s, struct slice program, int64_t now_ms, struct expr_result *ret)
{
	return expr_eval(program, s->set, now_ms, ret);
}

static void
keep_for_queries(struct sampler *s, const struct collection *c)
{
	for (size_t i = 0; i < c->len; i++) {
		struct track *t = c->need[i].track;
		int64_t window_ms = c->need[i].window_ms, keep_ms = 2 * window_ms;

		if (keep_ms < QUERY_KEEP_MS)
			keep_ms = QUERY_KEEP_MS;
		if (t->query_until_ms <= s->now_ms || window_ms > t->query_window_ms)
			t->query_window_ms = window_ms;
		if (s->now_ms + keep_ms > t->query_until_ms)
			t->query_until_ms = s->now_ms + keep_ms;
	}
	sum_wants(s);
}

static bool
is_stale(const struct reader *r, const struct collection *c)
{
	for (size_t i = 0; i < c->len; i++) {
		const struct track *t = c->need[i].track;

		if (t >= r->track && t < r->track + r->source->metrics_len &&
		    (t->read_ms == INT64_MIN ||
			r->sampler->now_ms - t->read_ms >= FRESH_MS))
			return true;
	}
	return false;
}

static void
read_now(struct reader *r)
{
	read_source(r, true);
	if (r->due_ms <= r->read_ms)
		r->due_ms = r->read_ms + r->period_ms;
}

int
sampler_query(
    struct sampler *s, struct slice program, int64_t now_ms, struct expr_result *ret)
{
	struct collection c = { .sampler = s };
	char err[sizeof ret->unknown];
	int result = expr_check(program, sampler_knows, err, sizeof err);

	if (result == -ENOENT) { /* a fact about this node, not a fault of the program */
		*ret = (struct expr_result){ .len = 0 };
		snprintf(ret->unknown, sizeof ret->unknown, "%s", err);
		return 0;
	}
	if (result < 0)
		return result;
	set_now(s, now_ms);
	expr_needs(program, collect_need, &c);
	keep_for_queries(s, &c);
	for (size_t i = 0; i < s->readers; i++)
		if (is_stale(&s->reader[i], &c))
			read_now(&s->reader[i]);
	return sampler_eval(s, program, now_ms, ret);
}

void
sampler_stats(const struct sampler *s, struct sampler_stats *ret)
{
	*ret = (struct sampler_stats){ .reads = s->reads,
		.samples = s->samples,
		.series = series_set_len(s->set),
		.history_bytes = series_set_bytes(s->set) };
	for (const struct want *w = s->wants; w; w = w->next)
		ret->wants++;
}
