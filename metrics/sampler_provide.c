/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics that come from elsewhere than a source. What a provider has is looked up by name when
 * somebody wants it; from then on it has a track like the metrics of sources. */
#include "metrics/sampler_int.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SILENT_PERIODS 3 /* after so many without a value a series ends (MET-09) */

/* Unless they have something from time_ms on. */
static void
end_older(struct sampler *s, const char *name, int64_t time_ms)
{
	struct sample last;

	for (struct series *i = series_first(s->set, name); i; i = series_next(s->set, i))
		if (series_last(i, &last) && last.time_ms < time_ms)
			series_end(s->set, i, time_ms);
}

static void
end_all(struct sampler *s, const char *name)
{
	struct sample last;

	for (struct series *i = series_first(s->set, name); i; i = series_next(s->set, i))
		if (series_last(i, &last))
			series_end(s->set, i,
			    last.time_ms < s->now_ms ? s->now_ms : last.time_ms + 1);
}

/* --- who has what ---------------------------------------------------------------------- */

int
sampler_provide(struct sampler *s, const struct provider *p, void *arg)
{
	struct provided *new = calloc(1, sizeof *new), **at = &s->provided;

	if (!new)
		return -ENOMEM;
	new->provider = p;
	new->arg = arg;
	while (*at)
		at = &(*at)->next;
	*at = new;
	return 0;
}

static void
withdraw(struct sampler *s, const struct provider *p, const void *arg)
{
	for (struct supply *f = s->supply; f; f = f->next)
		if (f->metric && f->provider == p && f->arg == arg) {
			end_all(s, f->name);
			f->metric = NULL;
		}
}

void
sampler_unprovide(struct sampler *s, const struct provider *p, const void *arg)
{
	struct provided **at = &s->provided;

	withdraw(s, p, arg);
	while (*at) {
		struct provided *gone = *at;

		if (gone->provider == p && gone->arg == arg) {
			*at = gone->next;
			free(gone);
		} else {
			at = &gone->next;
		}
	}
}

static const struct metric *
find_provided(const struct sampler *s, const char *name, const struct provided **ret)
{
	for (const struct provided *p = s->provided; p; p = p->next) {
		const struct metric *m = p->provider->find(p->arg, name);

		if (m) {
			*ret = p;
			return m;
		}
	}
	return NULL;
}

const struct metric *
sampler_metric(const struct sampler *s, const char *name)
{
	const struct metric *m = sources_metric(name, NULL);
	const struct provided *who;

	return m ? m : find_provided(s, name, &who);
}

int64_t
sampler_least_period(const struct sampler *s, const char *metric)
{
	const struct provided *who = NULL;
	const struct metric *m =
	    sources_metric(metric, NULL) ? NULL : find_provided(s, metric, &who);

	return m && who->provider->pace ? who->provider->pace(who->arg, m) : 0;
}

bool
sampler_knows(const struct sampler *s, const char *metric)
{
	return sampler_metric(s, metric) != NULL;
}

/* --- supplies -------------------------------------------------------------------------- */

static void
insert_supply(struct sampler *s, struct supply *f)
{
	struct supply **at = &s->supply;

	while (*at && (*at)->rank <= f->rank)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
}

static void
set_supply_metric(struct supply *f, const struct provided *who, const struct metric *m)
{
	f->metric = m;
	if (!m)
		return;
	f->provider = who->provider;
	f->arg = who->arg;
	f->rank = who->provider->rank ? who->provider->rank(who->arg, m) : 0;
}

struct track *
sampler_supply_track(struct sampler *s, const char *name)
{
	const struct provided *who = NULL;
	const struct metric *m;
	struct supply *f;

	for (f = s->supply; f; f = f->next)
		if (strcmp(f->name, name) == 0)
			return &f->track;
	m = find_provided(s, name, &who);
	f = m ? calloc(1, sizeof *f) : NULL;
	if (!f)
		return NULL;
	snprintf(f->name, sizeof f->name, "%s", name);
	f->track.read_ms = f->track.query_until_ms = f->due_ms = INT64_MIN;
	f->look_ms = INT64_MAX;
	set_supply_metric(f, who, m);
	insert_supply(s, f);
	return &f->track;
}

struct supply *
sampler_supply_of(struct sampler *s, const struct track *t)
{
	struct supply *f = s->supply;

	while (f && &f->track != t)
		f = f->next;
	return f;
}

/* --- what is wanted -------------------------------------------------------------------- */

static int64_t
silent_ms(const struct supply *f)
{
	int64_t period_ms = f->track.period_ms, pace_ms = 0;

	if (f->metric && f->provider->pace)
		pace_ms = f->provider->pace(f->arg, f->metric);
	return SILENT_PERIODS * (period_ms > pace_ms ? period_ms : pace_ms) + f->lag_ms;
}

static void
schedule_supply(struct supply *f, int64_t now_ms)
{
	int64_t period_ms = f->track.period_ms;

	if (period_ms == 0) {
		f->due_ms = INT64_MIN;
		f->look_ms = INT64_MAX;
		return;
	}
	if (f->told_period_ms == 0 || f->track.read_ms == INT64_MIN)
		f->due_ms = INT64_MIN;
	else if (f->track.read_ms + period_ms < f->due_ms)
		f->due_ms = f->track.read_ms + period_ms;
	if (period_ms != f->told_period_ms)
		f->look_ms = now_ms + silent_ms(f);
}

static void
tell_provider(struct supply *f, int64_t now_ms)
{
	int64_t period_ms = f->track.period_ms, window_ms = f->track.window_ms;
	bool changed = period_ms != f->told_period_ms ||
	    (period_ms > 0 && window_ms != f->told_window_ms);

	schedule_supply(f, now_ms);
	f->told_period_ms = period_ms;
	f->told_window_ms = window_ms;
	if (changed && f->metric && f->provider->want)
		f->provider->want(f->arg, f->metric, period_ms, window_ms);
}

/* A provider that is made of other metrics wants and unwants them here and now, and so new supplies
 * may come; they are told in the next round of the sum. */
void
sampler_tell_providers(struct sampler *s)
{
	for (struct supply *f = s->supply; f; f = f->next)
		tell_provider(f, s->now_ms);
}

void
sampler_forget_supplies(struct sampler *s)
{
	struct supply **at = &s->supply;

	while (*at) {
		struct supply *f = *at;

		if (f->wants > 0 || f->track.period_ms > 0) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		free(f);
	}
}

static void
find_anew(struct sampler *s, struct supply *f)
{
	const struct provided *who = NULL;
	const struct metric *m = find_provided(s, f->name, &who);

	if (m != f->metric ||
	    (who && (who->provider != f->provider || who->arg != f->arg))) {
		f->told_period_ms = 0; /* so that the new one is told */
		end_all(s, f->name);
	}
	set_supply_metric(f, who, m);
}

/* Sorts anew as well: what a metric is made of may have changed. */
void
sampler_provided(struct sampler *s)
{
	struct supply *rest = TAKE(s->supply);

	while (rest) {
		struct supply *f = rest;

		rest = f->next;
		find_anew(s, f);
		insert_supply(s, f);
	}
	sampler_sum_wants(s);
}

bool
sampler_uses(struct sampler *s, const struct metric *m)
{
	for (const struct supply *f = s->supply; f; f = f->next)
		if (f->metric == m)
			return true;
	for (struct series *i = series_first(s->set, m->name); i;
	     i = series_next(s->set, i))
		if (i->metric == m)
			return true;
	return false;
}

void
sampler_done_supplies(struct sampler *s)
{
	while (s->supply) {
		struct supply *f = s->supply;

		s->supply = f->next;
		free(f);
	}
	while (s->provided) {
		struct provided *p = s->provided;

		s->provided = p->next;
		free(p);
	}
}

/* --- values ---------------------------------------------------------------------------- */

static struct supply *
wanted_supply(struct sampler *s, const struct metric *m)
{
	struct supply *f = s->supply;

	while (f && f->metric != m)
		f = f->next;
	return f && f->track.period_ms > 0 ? f : NULL;
}

/* Time stamps may lag behind, then silence shows that much later. The worst lag counts; it is
 * forgotten slowly. */
static void
note_lag(struct supply *f, int64_t lag_ms)
{
	f->lag_ms -= f->lag_ms / 8;
	if (lag_ms > f->lag_ms)
		f->lag_ms = lag_ms;
}

void
sampler_put(struct sampler *s, const struct metric *m, const struct metric_labels *labels,
    int64_t time_ms, double value)
{
	static const struct metric_labels none;
	int64_t now_ms = s->clock ? s->clock(s->clock_arg) : s->now_ms;
	struct supply *f = wanted_supply(s, m);
	struct series *series;

	if (!f || value != value)
		return;
	if (time_ms > now_ms)
		time_ms = now_ms;
	if (now_ms - time_ms > EXPR_LOOKBACK_MS && now_ms - time_ms > f->track.window_ms)
		return; /* nobody would see it */
	series = series_ensure(s->set, m, labels ? labels : &none);
	if (!series)
		return; /* the bound on memory: told by sampler_stats() */
	series_set_window(series, f->track.window_ms);
	if (series_append(s->set, series, time_ms, value) < 0)
		return;
	s->samples++;
	f->track.read_ms = now_ms;
	note_lag(f, now_ms - time_ms);
}

void
sampler_end(struct sampler *s, const struct metric *m, int64_t time_ms)
{
	end_older(s, m->name, time_ms);
}

/* --- running --------------------------------------------------------------------------- */

/* The mark stands where the last value would have lost its meaning, so that a value that comes later
 * with a time stamp that lags is not older than the mark. */
static void
end_silent(struct supply *f, struct sampler *s)
{
	int64_t silent = silent_ms(f);
	struct sample last;

	f->look_ms = s->now_ms + silent;
	for (struct series *i = series_first(s->set, f->name); i;
	     i = series_next(s->set, i)) {
		if (!series_last(i, &last) || series_is_stale(last.value))
			continue;
		if (s->now_ms - last.time_ms >= silent)
			series_end(s->set, i, s->now_ms - f->lag_ms);
		else
			set_min(&f->look_ms, last.time_ms + silent);
	}
}

void
sampler_supply_now(struct supply *f, struct sampler *s)
{
	if (f->metric && f->provider->sample && f->track.period_ms > 0)
		f->provider->sample(f->arg, f->metric, s->now_ms);
}

/* Due times stay on their grid (MET-12). */
void
sampler_run_supply(struct supply *f, struct sampler *s)
{
	int64_t period_ms = f->track.period_ms;

	if (period_ms == 0)
		return;
	if (f->due_ms <= s->now_ms) {
		f->due_ms = f->due_ms == INT64_MIN ? s->now_ms + period_ms
						   : f->due_ms + period_ms;
		if (f->due_ms <= s->now_ms)
			f->due_ms = s->now_ms + period_ms;
		sampler_supply_now(f, s);
	}
	if (f->look_ms <= s->now_ms)
		end_silent(f, s);
}

bool
sampler_supply_why(struct sampler *s, const struct track *t, char *dst, size_t size)
{
	const struct supply *f = sampler_supply_of(s, t);

	return f && f->metric && f->provider->why &&
	    f->provider->why(f->arg, f->metric, dst, size);
}

int64_t
sampler_supply_next(const struct supply *f)
{
	int64_t next = f->look_ms;

	if (f->track.period_ms == 0)
		return INT64_MAX;
	if (f->provider->sample)
		set_min(&next, f->due_ms);
	return next;
}

struct telling {
	const struct provided *provided;
	sampler_each_f *each;
	void *arg;
};

static void
tell_one(void *arg, const struct metric *m)
{
	const struct telling *t = arg;
	const struct provider *p = t->provided->provider;

	t->each(t->arg, NULL, p->owner ? p->owner(t->provided->arg, m) : "provider", m);
}

void
sampler_each(const struct sampler *s, sampler_each_f *each, void *arg)
{
	for (const struct source *const *from = sources; *from; from++)
		for (size_t i = 0; i < (*from)->metrics_len; i++)
			each(arg, *from, (*from)->name, &(*from)->metrics[i]);
	for (const struct provided *p = s->provided; p; p = p->next) {
		struct telling t = { p, each, arg };

		if (p->provider->each)
			p->provider->each(p->arg, tell_one, &t);
	}
}
