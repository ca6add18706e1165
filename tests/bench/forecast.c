/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's suppression and adaptive period in front of the controller's predictor, as a program that
 * speaks FE/1, the line protocol of a forecast evaluator (tests/bench/suppression runs it). What the
 * agent would keep to itself never reaches the predictor, which is given what is held instead.
 *
 *	forecast [MODE]		periodic (default), suppressed, line, adaptive: what the agent does
 *
 * At the end stderr gets "samples messages readings": values there were, were sent, were taken. */
#include "agent/worth.h"
#include "prediction/predictor.h"
#include "metrics/held.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SERIES_MAX 4096
#define SHARE	   0.15 /* as controller/reporting.c; SHARE in the environment */
#define HEARTBEATS 60	/* samples */
#define STRETCH	   10	/* adaptive: periods */

enum mode { PERIODIC = 1, SUPPRESSED = 2, LINE = 4, ADAPTIVE = 8 };
static const struct {
	const char *name;
	int mode;
} modes[] = { { "periodic", PERIODIC }, { "suppressed", SUPPRESSED },
	{ "line", SUPPRESSED | LINE }, { "adaptive", SUPPRESSED | ADAPTIVE },
	{ "adaptive-line", SUPPRESSED | ADAPTIVE | LINE } };

struct series {
	char id[64];
	int64_t period_ms, due_ms;
	struct plan_item item;
	struct worth *worth;
	struct held held;
	void *state;
	struct prediction p;
};
static struct series *series[SERIES_MAX];
static int mode = PERIODIC;
static double share = SHARE;
static unsigned long samples, messages, readings;

static enum predictor_class
class_of(const char *name)
{
	for (int i = 0; predictor_classes[i]; i++)
		if (strncmp(predictor_classes[i], name, strlen(name)) == 0)
			return (enum predictor_class)i;
	return PREDICT_OTHER;
}

static struct series **
find(const char *id)
{
	for (size_t i = 0; i < SERIES_MAX; i++)
		if (series[i] && strcmp(series[i]->id, id) == 0)
			return &series[i];
	return NULL;
}

static void
describe_item(struct series *s, double theta, double low, double high)
{
	bool line = (mode & LINE) != 0;

	s->item = (struct plan_item){ .id = 1,
		.period_ms = (uint32_t)s->period_ms,
		.mode = mode & SUPPRESSED ? PLAN_SUPPRESSED : PLAN_PERIODIC,
		.flags = line ? PLAN_LINE : 0,
		.deadband = 0.01 * (high - low),
		.share = share,
		.heartbeat_ms = (uint32_t)(HEARTBEATS * s->period_ms),
		.period_max_ms = mode & ADAPTIVE ? (uint32_t)(STRETCH * s->period_ms) : 0,
		.threshold = { theta },
		.thresholds = !isnan(theta) };
}

static void
begin(char *const *f)
{
	struct series *s = calloc(1, sizeof *s);
	const struct predictor *predictor = predictor_find(NULL);
	struct predictor_setup setup;
	size_t at = 0;

	while (at < SERIES_MAX && series[at])
		at++;
	if (!s || at == SERIES_MAX)
		abort();
	snprintf(s->id, sizeof s->id, "%s", f[1]);
	s->period_ms = (int64_t)(atof(f[4]) * 1000);
	describe_item(s, atof(f[6]), atof(f[7]), atof(f[8]));
	if (worth_new(&s->item, &s->worth) < 0)
		abort();
	setup = (struct predictor_setup){ .threshold = atof(f[6]),
		.sign = f[5][0] == '+' ? 1 : -1,
		.low = atof(f[7]),
		.high = atof(f[8]),
		.class = class_of(f[2]),
		.period_ms = s->period_ms,
		.hold_ms = (int64_t)(atof(f[9]) * 1000),
		.season = (unsigned)atoi(f[14] ? f[14] : "0") };
	for (unsigned i = 0; i < PREDICTOR_LEADS; i++)
		setup.lead_ms[i] = (int64_t)(atof(f[10 + i]) * 1000);
	s->state = calloc(1, predictor->state_size);
	if (!s->state)
		abort();
	predictor->init(s->state, &setup);
	series[at] = s;
}

static void
end(const char *id)
{
	struct series **at = find(id), *s;

	if (!at)
		return;
	s = TAKE(*at);
	worth_free(s->worth);
	free(s->state);
	free(s);
}

/* Does the agent report it? */
static bool
report(struct series *s, int64_t time_ms, double value)
{
	const struct report_point p = { .item = 1, .time_ms = time_ms, .value = value };
	bool sent;

	samples++;
	if (time_ms + s->period_ms / 2 < s->due_ms)
		return false;
	readings++;
	worth_begin(s->worth);
	sent = worth_look(s->worth, &p);
	s->due_ms = time_ms + worth_period(s->worth);
	messages += sent;
	return sent;
}

static void
take(struct series *s, int64_t time_ms, double value)
{
	const struct predictor *predictor = predictor_find(NULL);

	if (report(s, time_ms, value))
		held_take(&s->held, time_ms, value, s->period_ms);
	value = held_at(&s->held, time_ms, s->period_ms, mode & LINE);
	predictor->update(s->state, time_ms, value);
}

static double
known(double v, double otherwise)
{
	return isnan(v) ? otherwise : v;
}

static void
answer(struct series *s, const char *time, int64_t time_ms)
{
	const struct prediction *p = &s->p;

	predictor_find(NULL)->predict(s->state, time_ms, &s->p);
	printf("P %s %s %d %g %g %g %.4g %.4g %.4g\n", s->id, time, p->alarm,
	    known(p->time_to_s, INFINITY), known(p->low_s, 0), known(p->high_s, INFINITY),
	    known(p->within[0], 0), known(p->within[1], 0), known(p->within[2], 0));
}

static void
obey(char *line)
{
	char *f[16] = { 0 }, *save = NULL;
	struct series **s;
	unsigned n = 0;

	for (char *w = strtok_r(line, " \n", &save); w && n < ARRAY_LEN(f);
	     w = strtok_r(NULL, " \n", &save))
		f[n++] = w;
	if (!n)
		return;
	if (f[0][0] == 'H')
		printf("H FE/1 fogwatch\n");
	else if (f[0][0] == 'S' && n >= 13)
		begin(f);
	else if (f[0][0] == 'E' && n >= 2)
		end(f[1]);
	else if ((f[0][0] == 'X' || f[0][0] == 'U') && n >= 4 && (s = find(f[1]))) {
		take(*s, (int64_t)(atof(f[2]) * 1000), atof(f[3]));
		if (f[0][0] == 'X')
			answer(*s, f[2], (int64_t)(atof(f[2]) * 1000));
	}
}

static int
choose(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(name, modes[i].name) == 0)
			return modes[i].mode;
	fprintf(stderr, "forecast: there is no mode %s\n", name);
	exit(2);
}

int
main(int argc, char **argv)
{
	char line[512];

	if (argc > 1)
		mode = choose(argv[1]);
	if (getenv("SHARE"))
		share = atof(getenv("SHARE"));
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin) && line[0] != 'Q')
		obey(line);
	for (size_t i = 0; i < SERIES_MAX; i++)
		if (series[i])
			end(series[i]->id);
	fprintf(stderr, "%lu %lu %lu\n", samples, messages, readings);
	return 0;
}
