/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the sampler share: sampler.c (wants, queries, the run), sampler_read.c
 * (sources), sampler_provide.c (rules, plug-ins). Nobody else includes it. */
#pragma once
#include "metrics/sampler.h"
#include "metrics/expr_scratch.h"
#include "metrics/worker.h"

/* What is wanted of one metric by all who want it. */
struct track {
	int64_t period_ms; /* 0: nobody wants it */
	int64_t window_ms;
	int64_t read_ms; /* INT64_MIN: never */
	bool due;	 /* in the read that is under way */
	int64_t query_window_ms, query_until_ms;
};

/* A source and when it is read. */
struct reader {
	struct sink sink;
	struct sampler *sampler;
	const struct source *source;
	void *inst;	 /* NULL: closed, or the job's */
	struct job *job; /* NULL: it is read in the loop */
	struct track *track;
	int64_t period_ms; /* the shortest of its metrics; 0: idle */
	int64_t due_ms, read_ms;
	bool told; /* of the wants as they are now, if it asks */
	int64_t taken_ms;    /* the time of the values that are being put */
	bool busy;	     /* the job is under way … */
	bool late;	     /* … for too long: it was given up */
	int64_t deadline_ms; /* then it is */
};

/* A provider's metric that somebody wants. */
struct supply {
	struct track track;
	struct supply *next; /* in ascending order of rank */
	const struct provider *provider;
	void *arg;
	const struct metric *metric; /* NULL: the provider has it no more */
	char name[METRIC_NAME_MAX + 1];
	unsigned rank;
	unsigned wants;				/* that point to the track */
	int64_t told_period_ms, told_window_ms; /* what the provider knows */
	int64_t due_ms;				/* when it is sampled next */
	int64_t look_ms; /* when its series are looked at for silence */
	int64_t lag_ms;	 /* how far its time stamps are behind their arrival */
};
struct provided {
	struct provided *next;
	const struct provider *provider;
	void *arg;
};

struct need {
	struct track *track;
	int64_t window_ms;
};
struct want {
	struct sampler *sampler;
	struct want *next;
	int64_t period_ms, until_ms;
	struct slice program; /* behind need; empty: no source asks for it */
	size_t len;
	struct need need[]; /* one a metric */
};
struct sampler {
	struct source_env env; /* own copies */
	struct series_set *set;
	struct expr_scratch scratch; /* of evaluations */
	struct reader *reader;
	size_t readers;
	struct provided *provided; /* in the order in which they came */
	struct supply *supply;
	struct want *wants;
	struct workers *workers; /* NULL: all is read in the loop */
	enum { ROOTS_UNKNOWN, ROOTS_KERNEL, ROOTS_MAY_BLOCK } roots;
	sampler_hang_f *hang; /* may be NULL */
	void *hang_arg;
	sampler_clock_f *clock; /* NULL: the time of the last call */
	void *clock_arg;
	bool summing, again; /* wants have changed while they were summed up */
	int64_t now_ms, kept_house_ms;
	int64_t end_ms;	 /* the next moment at which a want or a query ends */
	int64_t span_ms; /* how far anybody looks back */
	uint64_t reads, samples;
};

static inline void
set_min(int64_t *min, int64_t v)
{
	if (v < *min)
		*min = v;
}

void sampler_want_track(struct track *t, int64_t period_ms, int64_t window_ms);
void sampler_want_queried(struct track *t, int64_t now_ms);
/* Was it read too long ago to be an answer? */
bool sampler_track_is_old(const struct track *t, int64_t now_ms);
/* Who wants what has changed: sums it up again, and tells sources and providers. */
void sampler_sum_wants(struct sampler *s);

int sampler_init_readers(struct sampler *s) MUST_CHECK;
void sampler_done_readers(struct sampler *s);
void sampler_schedule_reader(struct reader *r);
void sampler_run_reader(struct reader *r, int64_t now_ms);
void sampler_read_now(struct reader *r);
void sampler_close_reader(struct reader *r);
bool sampler_open_reader(struct reader *r); /* to be read in the loop */

/* Is it that this node has nothing that would give a value of this track (MET-02)? */
bool sampler_reader_why(
    struct sampler *s, const struct track *t, char *dst, size_t size);

/* For sources that ask (sampler_ask.c). */
bool sampler_program_asks(struct slice program);
void sampler_tell_wants(struct reader *r); /* before it is read */
void sampler_tell_query(struct sampler *s, struct slice program);
int64_t sampler_query_keep(int64_t window_ms); /* how long a query keeps things alive */
void sampler_collect(struct reader *r); /* what a worker has read of it */
void sampler_drain_wakes(struct sampler *s);

/* Its track, made if needed. NULL: no provider has it, or there is no memory. */
struct track *sampler_supply_track(struct sampler *s, const char *name);
struct supply *sampler_supply_of(struct sampler *s, const struct track *t);
/* After wants have been summed up: tells providers what has changed. */
void sampler_tell_providers(struct sampler *s);
void sampler_run_supply(struct supply *f, struct sampler *s);
void sampler_supply_now(struct supply *f, struct sampler *s);
/* Does the provider of a track say why it has no value? */
bool sampler_supply_why(struct sampler *s, const struct track *t, char *dst, size_t size);
int64_t sampler_supply_next(const struct supply *f); /* INT64_MAX: never */
void sampler_forget_supplies(struct sampler *s);     /* that nobody wants */
void sampler_done_supplies(struct sampler *s);
