/* SPDX-License-Identifier: Apache-2.0
 *
 * What predictors cost: time of an update and of an answer, by lead, and bytes of state. A fleet of
 * watches over noisy load, too many for the nearest caches; each round takes every watch once. Median
 * of the rounds, spread as half the range between their quartiles, and how many times cheaper than
 * "trend" in the same run. */
#include "base/mem.h"
#include "prediction/predictor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FLEET	  2000
#define WARM_UP	  600 /* samples before it counts */
#define ROUNDS	  41
#define DEAR	  16 /* "trend" takes this part of the fleet and of the rounds */
#define VALUES	  4096
#define PERIOD_MS 1000

struct cost {
	double update_ns, update_spread, lead_ns, lead_spread;
};
static double values[VALUES];
static double checksum; /* so that no answer is left out */

static void
make_values(void)
{
	uint64_t seed = 88172645463325252u;
	double level = 50;

	for (int i = 0; i < VALUES; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		level +=
		    ((double)(seed >> 40) / (1 << 24) - 0.5) * 6 + (50 - level) * 0.02;
		values[i] = level;
	}
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
sum_up(double *v, size_t n, double *ret_median, double *ret_spread)
{
	qsort(v, n, sizeof *v, compare);
	*ret_median = v[n / 2];
	*ret_spread = (v[3 * n / 4] - v[n / 4]) / 2;
}

static double
update_all(const struct predictor *p, char *state, size_t fleet, int sample)
{
	double begun = now_ns();

	for (size_t i = 0; i < fleet; i++)
		p->update(state + i * p->state_size,
		    1000000000 + (int64_t)sample * PERIOD_MS,
		    values[(i * 37 + (size_t)sample) % VALUES]);
	return (now_ns() - begun) / (double)fleet;
}

static double
ask_all(const struct predictor *p, char *state, size_t fleet, int sample)
{
	double begun = now_ns();
	struct prediction answer;

	for (size_t i = 0; i < fleet; i++) {
		p->predict(state + i * p->state_size,
		    1000000000 + (int64_t)sample * PERIOD_MS, &answer);
		checksum += answer.alarm;
	}
	return (now_ns() - begun) / (double)fleet / PREDICTOR_LEADS;
}

static struct cost
measure(const struct predictor *p)
{
	const struct predictor_setup setup = { .threshold = 90,
		.sign = 1,
		.high = 100,
		.class = PREDICT_CPU,
		.period_ms = PERIOD_MS,
		.hold_ms = 5000,
		.lead_ms = { 30000, 60000, 300000 } };
	bool dear = p->state_size > PREDICTOR_STATE_MAX;
	size_t fleet = dear ? FLEET / DEAR : FLEET;
	int rounds = ROUNDS, sample = 0;
	char *state = calloc(fleet, p->state_size);
	double update[ROUNDS], lead[ROUNDS];
	struct cost c;

	if (!state)
		exit(1);
	for (size_t i = 0; i < fleet; i++)
		p->init(state + i * p->state_size, &setup);
	while (sample < WARM_UP)
		(void)update_all(p, state, fleet, sample++);
	for (int r = 0; r < rounds; r++) {
		update[r] = update_all(p, state, fleet, sample);
		lead[r] = ask_all(p, state, fleet, sample++);
	}
	sum_up(update, ROUNDS, &c.update_ns, &c.update_spread);
	sum_up(lead, ROUNDS, &c.lead_ns, &c.lead_spread);
	free(state);
	return c;
}

int
main(void)
{
	struct cost trend;

	make_values();
	trend = measure(&predictor_trend);
	printf("%-10s %6s %18s %8s %18s %8s\n", "predictor", "bytes", "ns per update",
	    "x trend", "ns per lead", "x trend");
	for (const struct predictor *const *p = predictors; *p; p++) {
		struct cost c = *p == &predictor_trend ? trend : measure(*p);

		printf("%-10s %6zu %10.1f +- %4.1f %8.1f %10.1f +- %4.1f %8.1f\n",
		    (*p)->name, (*p)->state_size, c.update_ns, c.update_spread,
		    trend.update_ns / c.update_ns, c.lead_ns, c.lead_spread,
		    trend.lead_ns / c.lead_ns);
	}
	return isnan(checksum);
}
