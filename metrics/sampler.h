/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides what is read when. Somebody *wants* a metric at a period with a history; a source
 * is read at the shortest period wanted of its metrics, once for all consumers, and not at all when
 * nobody wants it (MET-11). The owner calls sampler_run() when it is due. */
#pragma once
#include "metrics/expr.h"
#include "metrics/source.h"

struct sampler;
struct want;

int sampler_new(const struct source_env *env, size_t history_bytes, struct sampler **ret)
    MUST_CHECK;
void sampler_free(struct sampler *s);
DEFINE_FREEP(struct sampler, sampler_free)
/* Keeps what was sampled for so long, whether anything looks back on it or not, as far as
 * history_bytes allow. 0, as in the beginning: only what is wanted. */
void sampler_keep(struct sampler *s, int64_t window_ms);

/* All that a program needs, each period_ms. until_ms: monotonic end, INT64_MAX: until unwanted.
 * -ENOENT: a metric that no source has; -E2BIG: a window of more samples than an expression may
 * read (S-22). err says which. */
int sampler_want(struct sampler *s, struct slice program, int64_t period_ms,
    int64_t until_ms, char *err, size_t err_size, struct want **ret) MUST_CHECK;
void sampler_unwant(struct want *w); /* NULL is fine */
/* Another period from now on. What a window needs goes on as it was wanted. */
void sampler_pace(struct want *w, int64_t period_ms);
/* Reads what is due; returns when it wants to be called next (INT64_MAX: never). That changes with
 * want, unwant and query: call it again after them. */
int64_t sampler_run(struct sampler *s, int64_t now_ms);
/* Sources that may block (a driver that asks its hardware, a root in a FUSE file system) are read by a
 * worker thread from now on, and nothing blocks the caller, which promises to call sampler_run() when
 * this descriptor is readable. A source that takes longer than its period (1 s at least, 5 s at most) is
 * left to itself: its series end, the others go on. Without this call all is read in place, as suits
 * programs in virtual time. -errno. */
int sampler_wake_fd(struct sampler *s);
/* Tells once that a source hangs, and once that it answers again. */
typedef void sampler_hang_f(void *arg, const char *source, bool hangs);
void sampler_on_hang(struct sampler *s, sampler_hang_f *hang, void *arg);
/* Evaluates now. What was read more than a second ago is read anew first; for a worker it waits 50 ms at most. Programs that look
 * back find what was kept; asking makes the sampler keep it for the next askers: their metrics
 * are wanted every second (less often for windows above an hour) for twice the window, 10 s at
 * least. A metric that this node does not have makes the result unknown. */
int sampler_query(struct sampler *s, struct slice program, int64_t now_ms,
    struct expr_result *ret) MUST_CHECK;
/* The same for somebody who will look at so much of the past as well: that much is kept from now on, an
 * hour at most, for 5 minutes after the last asker. */
int sampler_query_past(struct sampler *s, struct slice program, int64_t past_ms,
    int64_t now_ms, struct expr_result *ret) MUST_CHECK;
/* The same without keeping anything: for lists, which name much that nobody will ask for again soon. */
int sampler_look(struct sampler *s, struct slice program, int64_t now_ms,
    struct expr_result *ret) MUST_CHECK;
/* Evaluates from history alone, for plan items. */
int sampler_eval(struct sampler *s, struct slice program, int64_t now_ms,
    struct expr_result *ret) MUST_CHECK;
/* A source's metric or a provider's; NULL: there is none of this name. */
const struct metric *sampler_metric(const struct sampler *s, const char *name);
bool sampler_knows(const struct sampler *s, const char *metric);
/* ms; it comes no more often, whatever is wanted. 0: as often as anybody wants. */
int64_t sampler_least_period(const struct sampler *s, const char *metric);
/* Every one, of sources and of providers (source NULL); name: of the source or the provider. */
typedef void sampler_each_f(void *arg, const struct source *source, const char *name,
    const struct metric *m);
void sampler_each(const struct sampler *s, sampler_each_f *each, void *arg);
/* expr_check() with what this node knows. */
int sampler_check(
    const struct sampler *s, struct slice program, char *err, size_t err_size) MUST_CHECK;
/* What time it is between two calls, for sampler_put(). */
typedef int64_t sampler_clock_f(void *arg);
void sampler_set_clock(struct sampler *s, sampler_clock_f *clock, void *arg);

/* Metrics that come from elsewhere than a source: rules, plug-ins, probes. The sampler calls back from
 * want, unwant, query and run; a provider may want and unwant others' metrics from `want`, and put
 * values from everywhere. */
struct provider {
	/* Its metric of this name, good as long as sampler_uses() it; NULL: it has none. */
	const struct metric *(*find)(void *arg, const char *name);
	/* Somebody wants it each period_ms with so much history; period 0: nobody any more. */
	void (*want)(
	    void *arg, const struct metric *m, int64_t period_ms, int64_t window_ms);
	/* It is time for a value, which is put now or later. NULL: it comes by itself. */
	void (*sample)(void *arg, const struct metric *m, int64_t now_ms);
	/* What others are made of has the lower rank and is sampled first. NULL: 0. */
	unsigned (*rank)(void *arg, const struct metric *m);
	/* It comes no more often than this, whatever is wanted: silence is counted in it. NULL: 0. */
	int64_t (*pace)(void *arg, const struct metric *m);
	/* Why a query finds no value. False: the provider does not know. NULL: it never does. */
	bool (*why)(void *arg, const struct metric *m, char *dst, size_t size);
	/* Each of its metrics, in no order, for lists. NULL: it is in none. */
	void (*each)(
	    void *arg, void (*one)(void *one_arg, const struct metric *m), void *one_arg);
	/* Whose metric it is, for people. NULL: "provider". */
	const char *(*owner)(void *arg, const struct metric *m);
};
int sampler_provide(struct sampler *s, const struct provider *p, void *arg) MUST_CHECK;
/* It is not called any more; its series end. Before the sampler is freed, or never. */
void sampler_unprovide(struct sampler *s, const struct provider *p, const void *arg);
/* Metrics have come, changed or gone with their provider: their names are looked up anew. What `find`
 * knows no more is told no more, not even `want`; its series end. */
void sampler_provided(struct sampler *s);
/* Is there a want or a series of it? It must not be freed then. */
bool sampler_uses(struct sampler *s, const struct metric *m);
/* A value of a provider, measured at time_ms; dropped if nobody wants it, if it is older than the last
 * or than anybody looks back, or NaN. A time in the future counts as now. A series that gets none for
 * three periods ends (MET-09). */
void sampler_put(struct sampler *s, const struct metric *m,
    const struct metric_labels *labels, int64_t time_ms, double value);
/* All of its series that have nothing from time_ms on end there and then. */
void sampler_end(struct sampler *s, const struct metric *m, int64_t time_ms);

struct sampler_stats {
	uint64_t reads, samples; /* source reads; values put */
	size_t series, history_bytes, wants;
};
void sampler_stats(const struct sampler *s, struct sampler_stats *ret);
