/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/sampler_int.h"
#include "metrics/expr_program.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FRESH_MS	1000	/* a query reads anew what is older */
#define QUERY_PERIOD_MS 1000	/* pace of what queries keep alive … */
#define QUERY_SAMPLES	3600	/* … and how many samples a long window gets at least */
#define QUERY_KEEP_MS	10000	/* how long at least */
#define PAST_KEEP_MS	300000	/* what ranges keep alive, for how long at least … */
#define PAST_MAX_MS	3600000 /* … and of how much past */
#define HOUSEKEEPING_MS 60000	/* between sweeps; how long an idle source stays open */
#define SUM_ROUNDS_MAX	8	/* above the depth of rules (S-22) */

/* --- life ------------------------------------------------------------------------------ */

static int
copy_text(const char **dst, const char *text)
{
	*dst = text ? strdup(text) : NULL;
	return text && !*dst ? -ENOMEM : 0;
}

int
sampler_new(const struct source_env *env, size_t history_bytes, struct sampler **ret)
{
	CLEANUP(sampler_free) struct sampler *s = calloc(1, sizeof *s);

	if (!s || copy_text(&s->env.proc, env->proc) < 0 ||
	    copy_text(&s->env.sys, env->sys) < 0 ||
	    copy_text(&s->env.power_supply, env->power_supply) < 0 ||
	    copy_text(&s->env.rootfs, env->rootfs) < 0 ||
	    copy_text(&s->env.cgroup, env->cgroup) < 0 ||
	    copy_text(&s->env.functions, env->functions) < 0 ||
	    copy_text(&s->env.gpsd, env->gpsd) < 0 || sampler_init_readers(s) < 0 ||
	    series_set_new(history_bytes, &s->set) < 0)
		return -ENOMEM;
	s->env.paths = env->paths;
	s->env.path_budget = env->path_budget;
	s->env.self = env->self;
	s->now_ms = s->kept_house_ms = INT64_MIN / 2;
	s->end_ms = INT64_MAX;
	*ret = TAKE(s);
	return 0;
}

void
sampler_keep(struct sampler *s, int64_t window_ms)
{
	series_set_keep(s->set, window_ms);
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
	sampler_done_supplies(s);
	sampler_done_readers(s);
	series_set_free(s->set);
	expr_scratch_done(&s->scratch);
	free((char *)s->env.proc);
	free((char *)s->env.sys);
	free((char *)s->env.power_supply);
	free((char *)s->env.rootfs);
	free((char *)s->env.cgroup);
	free((char *)s->env.functions);
	free((char *)s->env.gpsd);
	free(s);
}

void
sampler_set_clock(struct sampler *s, sampler_clock_f *clock, void *arg)
{
	s->clock = clock;
	s->clock_arg = arg;
}

/* --- wants ----------------------------------------------------------------------------- */

static struct track *
find_track(struct sampler *s, const char *metric)
{
	const struct source *source;
	const struct metric *m = sources_metric(metric, &source);

	for (size_t i = 0; m && i < s->readers; i++)
		if (s->reader[i].source == source)
			return &s->reader[i].track[m - source->metrics];
	return sampler_supply_track(s, metric);
}

void
sampler_want_track(struct track *t, int64_t period_ms, int64_t window_ms)
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

void
sampler_want_queried(struct track *t, int64_t now_ms)
{
	if (t->query_until_ms > now_ms)
		sampler_want_track(
		    t, query_period(t->query_window_ms), t->query_window_ms);
}

bool
sampler_track_is_old(const struct track *t, int64_t now_ms)
{
	return t->read_ms == INT64_MIN || now_ms - t->read_ms >= FRESH_MS;
}

static void
each_track(struct sampler *s, void (*each)(struct sampler *s, struct track *t))
{
	for (size_t i = 0; i < s->readers; i++)
		for (size_t k = 0; k < s->reader[i].source->metrics_len; k++)
			each(s, &s->reader[i].track[k]);
	for (struct supply *f = s->supply; f; f = f->next)
		each(s, &f->track);
}

/* Queries first; the next moment at which a want or a query ends is noted by the way. */
static void
restart_track(struct sampler *s, struct track *t)
{
	t->period_ms = t->window_ms = 0;
	sampler_want_queried(t, s->now_ms);
	if (t->query_until_ms > s->now_ms)
		set_min(&s->end_ms, t->query_until_ms);
}

static void
add_wants(struct sampler *s)
{
	s->end_ms = INT64_MAX;
	each_track(s, restart_track);
	for (const struct want *w = s->wants; w; w = w->next) {
		if (w->until_ms <= s->now_ms)
			continue;
		set_min(&s->end_ms, w->until_ms);
		for (size_t i = 0; i < w->len; i++)
			sampler_want_track(
			    w->need[i].track, w->period_ms, w->need[i].window_ms);
	}
}

/* What is made of rules that are made of rules settles after as many rounds. */
void
sampler_sum_wants(struct sampler *s)
{
	s->again = true;
	if (s->summing)
		return;
	s->summing = true;
	for (unsigned round = 0; s->again && round < SUM_ROUNDS_MAX; round++) {
		s->again = false;
		add_wants(s);
		sampler_tell_providers(s);
	}
	s->summing = false;
	for (size_t i = 0; i < s->readers; i++) {
		s->reader[i].told = false;
		sampler_schedule_reader(&s->reader[i]);
	}
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

static bool
is_known(const void *arg, const char *metric)
{
	return sampler_knows(arg, metric);
}

int
sampler_check(const struct sampler *s, struct slice program, char *err, size_t err_size)
{
	return expr_check(program, is_known, s, err, err_size);
}

/* From a second on a window of any length can be read less finely than it was sampled. */
static int
check_samples(const struct collection *c, int64_t period_ms, char *err, size_t err_size)
{
	for (size_t i = 0; i < c->len; i++)
		if (period_ms < EXPR_COARSE_MS &&
		    c->need[i].window_ms / period_ms > EXPR_SAMPLES_MAX) {
			snprintf(err, err_size,
			    "a window of %lld s every %lld ms holds more than %d samples",
			    (long long)c->need[i].window_ms / 1000, (long long)period_ms,
			    EXPR_SAMPLES_MAX);
			return -E2BIG;
		}
	return 0;
}

/* What a want points to stays. */
static void
count_wants(const struct want *w, int more)
{
	for (size_t i = 0; i < w->len; i++) {
		struct supply *f = sampler_supply_of(w->sampler, w->need[i].track);

		if (f)
			f->wants += (unsigned)more;
	}
}

int
sampler_want(struct sampler *s, struct slice program, int64_t period_ms, int64_t until_ms,
    char *err, size_t err_size, struct want **ret)
{
	struct collection c = { .sampler = s };
	struct want *w;
	int result = sampler_check(s, program, err, err_size);

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
	if (!sampler_program_asks(program))
		program.len = 0;
	w = calloc(1, sizeof *w + c.len * sizeof w->need[0] + program.len);
	if (!w) {
		snprintf(err, err_size, "no memory");
		return -ENOMEM;
	}
	w->sampler = s;
	w->period_ms = period_ms;
	w->until_ms = until_ms;
	w->len = c.len;
	memcpy(w->need, c.need, c.len * sizeof w->need[0]);
	w->program = (struct slice){ (uint8_t *)&w->need[c.len], program.len };
	if (program.len)
		memcpy(&w->need[c.len], program.data, program.len);
	count_wants(w, 1);
	w->next = s->wants;
	s->wants = w;
	sampler_sum_wants(s);
	*ret = w;
	return 0;
}

void
sampler_pace(struct want *w, int64_t period_ms)
{
	for (size_t i = 0; i < w->len; i++)
		if (w->need[i].window_ms > 0)
			return;
	if (w->period_ms == period_ms)
		return;
	w->period_ms = period_ms;
	sampler_sum_wants(w->sampler);
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
	count_wants(w, -1);
	sampler_sum_wants(w->sampler);
	free(w);
}

/* --- running --------------------------------------------------------------------------- */

static void
set_now(struct sampler *s, int64_t now_ms)
{
	s->now_ms = now_ms;
	if (s->end_ms <= now_ms)
		sampler_sum_wants(s);
}

static void
note_span(struct sampler *s, struct track *t)
{
	if (t->window_ms > s->span_ms)
		s->span_ms = t->window_ms;
	if (2 * t->period_ms > s->span_ms)
		s->span_ms = 2 * t->period_ms;
}

/* Series live as long as anything looks back to them; idle sources are closed. */
static void
keep_house(struct sampler *s)
{
	if (s->now_ms - s->kept_house_ms < HOUSEKEEPING_MS)
		return;
	s->kept_house_ms = s->now_ms;
	s->span_ms = EXPR_LOOKBACK_MS;
	s->roots = ROOTS_UNKNOWN;
	each_track(s, note_span);
	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].period_ms == 0 &&
		    (s->reader[i].read_ms == INT64_MIN ||
			s->now_ms - s->reader[i].read_ms >= HOUSEKEEPING_MS))
			sampler_close_reader(&s->reader[i]);
	sampler_forget_supplies(s);
	if (series_set_kept(s->set) > s->span_ms)
		s->span_ms = series_set_kept(s->set);
	series_set_sweep(s->set, s->now_ms - s->span_ms);
}

static bool
is_house_empty(const struct sampler *s)
{
	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].inst || s->reader[i].job)
			return false;
	return !s->supply && series_set_len(s->set) == 0;
}

static void
collect(struct sampler *s)
{
	if (!s->workers)
		return;
	sampler_drain_wakes(s);
	for (size_t i = 0; i < s->readers; i++)
		sampler_collect(&s->reader[i]);
}

static int64_t
next_of_workers(struct sampler *s)
{
	int64_t next = INT64_MAX, look_ms;
	bool busy = false;

	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].busy) {
			busy = true;
			if (!s->reader[i].late)
				set_min(&next, s->reader[i].deadline_ms);
		}
	look_ms = busy ? workers_look(s->workers) : INT64_MAX;
	if (look_ms != INT64_MAX)
		set_min(&next, s->now_ms + look_ms);
	return next;
}

int64_t
sampler_run(struct sampler *s, int64_t now_ms)
{
	int64_t next;

	set_now(s, now_ms);
	collect(s);
	keep_house(s);
	for (size_t i = 0; i < s->readers; i++)
		sampler_run_reader(&s->reader[i], now_ms);
	for (struct supply *f = s->supply; f; f = f->next)
		sampler_run_supply(f, s);
	next = s->end_ms;
	set_min(&next, next_of_workers(s));
	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].period_ms > 0)
			set_min(&next, s->reader[i].due_ms);
	for (const struct supply *f = s->supply; f; f = f->next)
		set_min(&next, sampler_supply_next(f));
	if (!is_house_empty(s))
		set_min(&next, s->kept_house_ms + HOUSEKEEPING_MS);
	return next;
}

/* --- evaluation ------------------------------------------------------------------------ */

int
sampler_eval(
    struct sampler *s, struct slice program, int64_t now_ms, struct expr_result *ret)
{
	return expr_eval_in(&s->scratch, program, s->set, now_ms, ret);
}

int64_t
sampler_query_keep(int64_t window_ms)
{
	return 2 * window_ms > QUERY_KEEP_MS ? 2 * window_ms : QUERY_KEEP_MS;
}

/* How much of the past is kept for the next askers, and for how long at least; -1: nothing. */
struct keep {
	int64_t past_ms, least_ms;
};

static int64_t
keeping_of(const struct keep *k, int64_t window_ms)
{
	if (k->least_ms < 0)
		return 1; /* as long as it takes to read it */
	return 2 * window_ms > k->least_ms ? 2 * window_ms : k->least_ms;
}

static void
keep_for_queries(struct sampler *s, const struct collection *c, const struct keep *keep)
{
	for (size_t i = 0; i < c->len; i++) {
		struct track *t = c->need[i].track;
		int64_t keep_ms = keeping_of(keep, c->need[i].window_ms);
		int64_t window_ms = c->need[i].window_ms + keep->past_ms;

		if (t->query_until_ms <= s->now_ms || window_ms > t->query_window_ms)
			t->query_window_ms = window_ms;
		if (s->now_ms + keep_ms > t->query_until_ms)
			t->query_until_ms = s->now_ms + keep_ms;
	}
	sampler_sum_wants(s);
}

static bool
is_stale(const struct reader *r, const struct collection *c)
{
	for (size_t i = 0; i < c->len; i++) {
		const struct track *t = c->need[i].track;

		if (t >= r->track && t < r->track + r->source->metrics_len &&
		    (r->busy || sampler_track_is_old(t, r->sampler->now_ms)))
			return true;
	}
	return false;
}

/* Sources before what is made of them; asking for a rule has made its sources due. */
static void
read_stale(struct sampler *s, const struct collection *c)
{
	for (size_t i = 0; i < s->readers; i++) {
		if (is_stale(&s->reader[i], c))
			sampler_read_now(&s->reader[i]);
		else
			sampler_run_reader(&s->reader[i], s->now_ms);
	}
	for (struct supply *f = s->supply; f; f = f->next) {
		bool asked = false;

		for (size_t i = 0; i < c->len; i++)
			asked |= c->need[i].track == &f->track;
		if (asked && sampler_track_is_old(&f->track, s->now_ms))
			sampler_supply_now(f, s);
		else
			sampler_run_supply(f, s);
	}
}

/* Who should have given a value knows best why there is none. */
static void
explain_unknown(struct sampler *s, const struct collection *c, struct expr_result *ret)
{
	for (size_t i = 0; i < c->len; i++)
		if (sampler_supply_why(
			s, c->need[i].track, ret->unknown, sizeof ret->unknown) ||
		    sampler_reader_why(
			s, c->need[i].track, ret->unknown, sizeof ret->unknown))
			return;
}

static int
ask(struct sampler *s, struct slice program, int64_t now_ms, struct keep keep,
    struct expr_result *ret)
{
	struct collection c = { .sampler = s };
	char err[sizeof ret->unknown];
	int result = sampler_check(s, program, err, sizeof err);

	if (result == -ENOENT) { /* a fact about this node, not a fault of the program */
		*ret = (struct expr_result){ .len = 0 };
		snprintf(ret->unknown, sizeof ret->unknown, "%s", err);
		return 0;
	}
	if (result < 0)
		return result;
	set_now(s, now_ms);
	expr_needs(program, collect_need, &c);
	keep_for_queries(s, &c, &keep);
	sampler_tell_query(s, program);
	read_stale(s, &c);
	result = sampler_eval(s, program, now_ms, ret);
	if (result >= 0 && !ret->len)
		explain_unknown(s, &c, ret);
	return result;
}

int
sampler_query(
    struct sampler *s, struct slice program, int64_t now_ms, struct expr_result *ret)
{
	return ask(s, program, now_ms, (struct keep){ 0, QUERY_KEEP_MS }, ret);
}

int
sampler_look(
    struct sampler *s, struct slice program, int64_t now_ms, struct expr_result *ret)
{
	return ask(s, program, now_ms, (struct keep){ 0, -1 }, ret);
}

int
sampler_query_past(struct sampler *s, struct slice program, int64_t past_ms,
    int64_t now_ms, struct expr_result *ret)
{
	struct keep keep = { past_ms < PAST_MAX_MS ? past_ms : PAST_MAX_MS,
		PAST_KEEP_MS };

	return ask(s, program, now_ms, keep, ret);
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
