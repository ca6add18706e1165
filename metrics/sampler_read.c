/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading sources: what is due goes into its series, what is not told any more ends. Sources that may
 * block are read by a worker, whose results are put later, with the time at which they were read. */
#include "metrics/mounts.h"
#include "metrics/sampler_int.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MIN_MS  1000 /* for one reading; the period if that is longer, but … */
#define LIMIT_MAX_MS  5000
#define QUERY_WAIT_MS 50 /* how long a query waits for a source that may block */

/* --- values ---------------------------------------------------------------------------- */

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
	if (series_append(r->sampler->set, s, r->taken_ms, value) == 0)
		r->sampler->samples++;
}

static bool
is_due(struct sink *sink, const struct metric *m)
{
	const struct reader *r = container_of(sink, struct reader, sink);

	return r->track[m - r->source->metrics].due;
}

/* Whatever the source did not tell about this time is over (MET-09). */
static void
end_missing(struct reader *r, int64_t time_ms)
{
	struct series_set *set = r->sampler->set;
	struct sample last;

	for (size_t i = 0; i < r->source->metrics_len; i++) {
		struct series *s = NULL;

		if (r->track[i].due)
			s = series_first(set, r->source->metrics[i].name);
		for (; s; s = series_next(set, s))
			if (series_last(s, &last) && last.time_ms < time_ms)
				series_end(set, s, time_ms);
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

/* --- in the loop ----------------------------------------------------------------------- */

bool
sampler_open_reader(struct reader *r)
{
	if (r->inst)
		return true;
	r->told = false;
	if (r->source->open(&r->sampler->env, &r->inst) < 0)
		r->inst = NULL;
	return r->inst != NULL;
}

static void
read_here(struct reader *r)
{
	r->taken_ms = r->sampler->now_ms;
	if (sampler_open_reader(r)) {
		sampler_tell_wants(r);
		(void)r->source->sample(r->inst, r->sampler->now_ms, &r->sink);
	}
	end_missing(r, r->taken_ms);
}

/* --- by a worker ----------------------------------------------------------------------- */

int
sampler_wake_fd(struct sampler *s)
{
	int err = s->workers ? 0 : workers_new(&s->workers);

	return err < 0 ? err : workers_fd(s->workers);
}

void
sampler_on_hang(struct sampler *s, sampler_hang_f *hang, void *arg)
{
	s->hang = hang;
	s->hang_arg = arg;
}

/* The mounts may change; what is open stays where it is. */
static bool
roots_may_block(struct sampler *s)
{
	const struct source_env *e = &s->env;

	if (s->roots == ROOTS_UNKNOWN)
		s->roots = mounts_may_block(MOUNTS_SELF, e->proc) ||
			mounts_may_block(MOUNTS_SELF, e->sys) ||
			(e->cgroup && mounts_may_block(MOUNTS_SELF, e->cgroup))
		    ? ROOTS_MAY_BLOCK
		    : ROOTS_KERNEL;
	return s->roots == ROOTS_MAY_BLOCK;
}

static bool
is_for_worker(struct reader *r)
{
	struct sampler *s = r->sampler;
	unsigned flags = r->source->flags;

	if (r->job || r->inst || !s->workers || (flags & SOURCE_IN_LOOP))
		return r->job != NULL;
	if ((flags & SOURCE_SLOW) || roots_may_block(s))
		(void)!job_new(s->workers, r->source, &s->env, &r->job);
	return r->job != NULL;
}

static void
start_job(struct reader *r)
{
	int64_t limit_ms = r->period_ms > LIMIT_MIN_MS ? r->period_ms : LIMIT_MIN_MS;
	bool due[SOURCE_METRICS_MAX];

	if (limit_ms > LIMIT_MAX_MS)
		limit_ms = LIMIT_MAX_MS;
	for (size_t i = 0; i < r->source->metrics_len; i++)
		due[i] = r->track[i].due;
	if (job_start(r->job, due, limit_ms) < 0)
		return;
	r->busy = true;
	r->deadline_ms = r->sampler->now_ms + limit_ms;
}

static void
tell_hang(struct reader *r, bool hangs)
{
	r->late = hangs;
	if (r->sampler->hang)
		r->sampler->hang(r->sampler->hang_arg, r->source->name, hangs);
}

/* Everything of this source is over, whenever it was read (MET-09). */
static void
give_up(struct reader *r)
{
	for (size_t i = 0; i < r->source->metrics_len; i++)
		r->track[i].due = r->track[i].period_ms > 0;
	end_missing(r, r->sampler->now_ms);
	tell_hang(r, true);
}

/* What comes after it was given up is too old to be put; the source is read anew. */
static void
take_result(struct reader *r)
{
	int64_t now_ms = r->sampler->now_ms, age_ms;

	r->busy = false;
	if (r->late) {
		(void)job_take(r->job, NULL);
		tell_hang(r, false);
		r->due_ms = now_ms;
		return;
	}
	age_ms = job_age(r->job);
	r->taken_ms =
	    age_ms > 0 && age_ms < now_ms - r->read_ms ? now_ms - age_ms : now_ms;
	(void)job_take(r->job, &r->sink);
	end_missing(r, r->taken_ms);
}

void
sampler_collect(struct reader *r)
{
	enum job_state state = r->busy ? job_look(r->job) : JOB_IDLE;

	if (state == JOB_DONE)
		take_result(r);
	else if (r->busy && !r->late && r->sampler->now_ms >= r->deadline_ms)
		give_up(r);
}

void
sampler_drain_wakes(struct sampler *s)
{
	uint64_t count;

	for (size_t i = 0; i < s->readers; i++)
		if (s->reader[i].busy) {
			(void)!read(workers_fd(s->workers), &count, sizeof count);
			return;
		}
}

/* --- when ------------------------------------------------------------------------------ */

static void
read_source(struct reader *r, bool all)
{
	if (r->busy)
		return; /* its turn comes when it is back */
	choose_due(r, all);
	r->read_ms = r->sampler->now_ms;
	r->sampler->reads++;
	if (is_for_worker(r))
		start_job(r);
	else
		read_here(r);
}

void
sampler_close_reader(struct reader *r)
{
	if (r->busy)
		return;
	if (r->inst)
		r->source->close(r->inst);
	r->inst = NULL;
	job_free(TAKE(r->job));
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
		r->sink.wants = is_due;
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
		s->reader[i].busy = false;
		sampler_close_reader(&s->reader[i]);
		free(s->reader[i].track);
	}
	workers_free(s->workers);
	free(s->reader);
}

/* Nothing was ever told of the metric, though its source has been read. Who asks back, or is still at
 * it, may have a value the next time. */
bool
sampler_reader_why(struct sampler *s, const struct track *t, char *dst, size_t size)
{
	for (size_t i = 0; i < s->readers; i++) {
		const struct reader *r = &s->reader[i];
		const struct metric *m;

		if (t < r->track || t >= r->track + r->source->metrics_len)
			continue;
		m = &r->source->metrics[t - r->track];
		if (r->busy || r->source->ask || t->read_ms == INT64_MIN ||
		    series_first(s->set, m->name))
			return false;
		snprintf(dst, size, "no %s is available on this node", m->name);
		return true;
	}
	return false;
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
	if (r->busy && !r->late && job_wait(r->job, QUERY_WAIT_MS) == JOB_DONE)
		take_result(r);
	if (r->due_ms <= r->read_ms)
		r->due_ms = r->read_ms + r->period_ms;
}
