/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading sources: what is due goes into its series, what is not told any more ends. */
#include "metrics/sampler_int.h"
#include <errno.h>
#include <string.h>

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
	series_set_window(s, t->window_ms);
	if (series_append(r->sampler->set, s, r->sampler->now_ms, value) == 0)
		r->sampler->samples++;
}

/* Whatever the source did not tell about this time is over (MET-09). */
static void
end_missing(struct reader *r)
{
	struct series_set *set = r->sampler->set;
	struct sample last;

	for (size_t i = 0; i < r->source->metrics_len; i++) {
		struct series *s = NULL;

		if (r->track[i].due)
			s = series_first(set, r->source->metrics[i].name);
		for (; s; s = series_next(set, s))
			if (series_last(s, &last) && last.time_ms < r->sampler->now_ms)
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

void
sampler_close_reader(struct reader *r)
{
	if (r->inst)
		r->source->close(r->inst);
	r->inst = NULL;
}

int
sampler_init_readers(struct sampler *s)
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

void
sampler_done_readers(struct sampler *s)
{
	for (size_t i = 0; s->reader && i < s->readers; i++) {
		sampler_close_reader(&s->reader[i]);
		free(s->reader[i].track);
	}
	free(s->reader);
}

/* A reader's due time follows its period; one that was idle is due at once. */
void
sampler_schedule_reader(struct reader *r)
{
	int64_t before_ms = r->period_ms;

	r->period_ms = 0;
	for (size_t i = 0; i < r->source->metrics_len; i++) {
		const struct track *t = &r->track[i];

		if (t->period_ms > 0 &&
		    (r->period_ms == 0 || t->period_ms < r->period_ms))
			r->period_ms = t->period_ms;
	}
	if (r->period_ms == 0 || r->read_ms == INT64_MIN)
		r->due_ms = INT64_MIN;
	else if (before_ms == 0 || r->read_ms + r->period_ms < r->due_ms)
		r->due_ms = r->read_ms + r->period_ms;
}

/* Due times stay on their grid, so that lateness of one read does not add up (MET-12). */
void
sampler_run_reader(struct reader *r, int64_t now_ms)
{
	if (r->period_ms == 0 || r->due_ms > now_ms)
		return;
	read_source(r, false);
	r->due_ms =
	    r->due_ms == INT64_MIN ? now_ms + r->period_ms : r->due_ms + r->period_ms;
	if (r->due_ms <= now_ms)
		r->due_ms = now_ms + r->period_ms;
}

void
sampler_read_now(struct reader *r)
{
	read_source(r, true);
	if (r->due_ms <= r->read_ms)
		r->due_ms = r->read_ms + r->period_ms;
}
