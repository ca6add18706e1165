/* SPDX-License-Identifier: Apache-2.0
 *
 * A predictor as a filter that speaks FE/1, the line protocol of a forecast evaluator: series and
 * their watches are declared (S), samples come in with (X) or without (U) a wish for an answer, a
 * forecast is asked for (F), a series ends (E).
 *
 *	forecast [--predictor NAME] [--features] [MODE]
 *
 * A series without a threshold and with 24 samples a day is the business of the seasonal predictor.
 * --features adds to each answer what "hazard" makes it of, for tests/bench/forecast_fit: is it in an
 * event; first passage; then of each head all features and how the time of the day counts. MODE: the agent's suppression and adaptive period come first (sender.h,
 * tests/bench/suppression), and at the end stderr gets "samples messages readings". */
#include "prediction/hazard.h"
#include "prediction/predictor.h"
#include "prediction/seasonal.h"
#include "tests/bench/sender.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHARE	   0.15 /* as controller/reporting.c; SHARE in the environment */
#define FIELDS_MAX 16
#define STEPS_MAX  4096
#define HOURLY	   24

struct series {
	struct series *next; /* of the same bucket */
	const struct predictor *predictor;
	struct sender *sender;
	char id[40];
	double state[];
};
static struct {
	struct series **bucket;
	size_t size, used; /* size: a power of two */
} all;
static const struct predictor *chosen;
static bool with_features;
static int mode;
static double share = SHARE;
static struct sender_counts counts;

static _Noreturn void
give_up(const char *why)
{
	fprintf(stderr, "forecast: %s\n", why);
	exit(2);
}

/* --- series by id ----------------------------------------------------------------------------- */

static size_t
hash(const char *id)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (*id)
		h = (h ^ (unsigned char)*id++) * 16777619u;
	return h & (all.size - 1);
}

static struct series **
find(const char *id)
{
	struct series **at = &all.bucket[hash(id)];

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void
grow(void)
{
	struct series **old = all.bucket;
	size_t n = all.size;

	all.size = n ? 2 * n : 1024;
	all.bucket = calloc(all.size, sizeof *all.bucket);
	if (!all.bucket)
		give_up("out of memory");
	for (size_t i = 0; i < n; i++)
		for (struct series *s = old[i], *next; s; s = next) {
			struct series **at = &all.bucket[hash(s->id)];

			next = s->next;
			s->next = *at;
			*at = s;
		}
	free(old);
}

static void
drop(struct series **at)
{
	struct series *s = *at;

	*at = s->next;
	all.used--;
	sender_free(s->sender);
	free(s);
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* Plain decimals exactly and fast; all else is strtod's business. */
static double
number(const char *text)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
		1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	const char *p = text + (*text == '-');
	uint64_t mantissa = 0;
	int digits = 0, point = -1;
	double v;

	for (;; p++) {
		if (*p >= '0' && *p <= '9') {
			mantissa = mantissa * 10 + (uint64_t)(*p - '0');
			digits++;
		} else if (*p == '.' && point < 0) {
			point = digits;
		} else {
			break;
		}
	}
	if (*p || !digits || digits > 15)
		return strtod(text, NULL);
	v = (double)mantissa / power[point < 0 ? 0 : digits - point];
	return *text == '-' ? -v : v;
}

static int64_t
milliseconds(const char *seconds)
{
	return (int64_t)llrint(number(seconds) * 1000);
}

/* --- commands --------------------------------------------------------------------------------- */

static enum predictor_class
class_of(const char *name)
{
	for (int i = 0; predictor_classes[i]; i++)
		if (strncmp(predictor_classes[i], name, strlen(name)) == 0)
			return (enum predictor_class)i;
	return PREDICT_OTHER;
}

static struct predictor_setup
read_setup(char *const *f)
{
	struct predictor_setup setup = { .threshold = number(f[6]),
		.sign = f[5][0] == '+' ? 1 : -1,
		.low = number(f[7]),
		.high = number(f[8]),
		.class = class_of(f[2]),
		.period_ms = milliseconds(f[4]),
		.hold_ms = milliseconds(f[9]),
		.season = f[14] ? (unsigned)number(f[14]) : 0 };

	for (unsigned i = 0; i < PREDICTOR_LEADS; i++)
		setup.lead_ms[i] = milliseconds(f[10 + i]);
	return setup;
}

static void
begin(char *const *f)
{
	struct predictor_setup setup = read_setup(f);
	bool seasonal = isnan(setup.threshold) && setup.season == HOURLY;
	const struct predictor *p = seasonal ? &predictor_seasonal : chosen;
	struct series *s, **at;

	if (all.used >= all.size)
		grow();
	at = find(f[1]);
	if (*at)
		drop(at);
	s = calloc(1, sizeof *s + p->state_size);
	if (!s || strlen(f[1]) >= sizeof s->id)
		give_up("out of memory, or an id is too long");
	memcpy(s->id, f[1], strlen(f[1]));
	s->predictor = p;
	if (mode &&
	    sender_new(mode, share, setup.period_ms, setup.threshold,
		setup.high - setup.low, &s->sender) < 0)
		give_up("out of memory");
	p->init(s->state, &setup);
	s->next = *at;
	*at = s;
	all.used++;
}

static void
take(struct series *s, int64_t time_ms, double value)
{
	if (s->sender)
		value = sender_pass(s->sender, time_ms, value, &counts);
	s->predictor->update(s->state, time_ms, value);
}

static double
known(double v, double otherwise)
{
	return isnan(v) ? otherwise : v;
}

static void
print_features(const struct series *s)
{
	float f[HAZARD_FEATURES];

	printf(" %d", hazard_in_event(s->state));
	hazard_passage(s->state, f);
	for (int i = 0; i < HAZARD_TIMES; i++)
		printf(" %.6g", f[i]);
	for (int head = 0; head < HAZARD_HEADS; head++) {
		hazard_features(s->state, head, f);
		for (int i = 0; i < HAZARD_FEATURES; i++)
			printf(" %.6g", f[i]);
		printf(" %.6g", hazard_recurs(s->state, head));
	}
}

static void
answer(struct series *s, const char *time, int64_t time_ms)
{
	struct prediction p;

	s->predictor->predict(s->state, time_ms, &p);
	printf("P %s %s %d %g %g %g %.4g %.4g %.4g", s->id, time, p.alarm,
	    known(p.time_to_s, INFINITY), known(p.low_s, 0), known(p.high_s, INFINITY),
	    known(p.within[0], 0), known(p.within[1], 0), known(p.within[2], 0));
	if (with_features && s->predictor == &predictor_hazard)
		print_features(s);
	putchar('\n');
}

static void
foretell(const struct series *s, size_t steps)
{
	static double quantiles[STEPS_MAX][PREDICTOR_QUANTILES];

	if (steps > STEPS_MAX || !s->predictor->forecast)
		give_up("no forecast of so many steps, or the predictor has none");
	s->predictor->forecast(s->state, steps, quantiles);
	printf("F %s %zu", s->id, steps);
	for (size_t i = 0; i < steps; i++)
		for (int q = 0; q < PREDICTOR_QUANTILES; q++)
			printf(" %.9g", quantiles[i][q]);
	putchar('\n');
}

static unsigned
split(char *line, char *f[FIELDS_MAX])
{
	unsigned n = 0;

	while (n < FIELDS_MAX - 1) {
		while (*line == ' ')
			line++;
		if (!*line)
			break;
		f[n++] = line;
		while (*line && *line != ' ')
			line++;
		if (*line)
			*line++ = 0;
	}
	f[n] = NULL;
	return n;
}

static bool
obey(char *line)
{
	char *f[FIELDS_MAX] = { 0 };
	unsigned n = split(line, f);
	struct series **s = n > 1 && all.size ? find(f[1]) : NULL;
	bool found = s && *s;

	switch (n ? f[0][0] : 0) {
	case 'H':
		printf("H FE/1 fogwatch %s\n", chosen->name);
		break;
	case 'S':
		if (n >= 13)
			begin(f);
		break;
	case 'X':
	case 'U':
		if (n < 4 || !found)
			break;
		take(*s, milliseconds(f[2]), number(f[3]));
		if (f[0][0] == 'X')
			answer(*s, f[2], milliseconds(f[2]));
		break;
	case 'F':
		if (n >= 3 && found)
			foretell(*s, (size_t)number(f[2]));
		break;
	case 'E':
		if (found)
			drop(s);
		break;
	case 'Q':
		return false;
	}
	return true;
}

/* --- lines ------------------------------------------------------------------------------------- */

/* Answers go out when all that came in has been dealt with. */
static void
serve(void)
{
	static char in[1 << 16];
	size_t have = 0;

	for (;;) {
		char *line = in, *end;
		ssize_t n;

		fflush(stdout);
		n = read(STDIN_FILENO, in + have, sizeof in - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		have += (size_t)n;
		while ((end = memchr(line, '\n', have - (size_t)(line - in)))) {
			*end = 0;
			if (!obey(line))
				return;
			line = end + 1;
		}
		have -= (size_t)(line - in);
		memmove(in, line, have);
		if (have == sizeof in)
			give_up("a line is too long");
	}
}

static void
read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--features") == 0)
			with_features = true;
		else if (strcmp(argv[i], "--predictor") == 0 && i + 1 < argc)
			chosen = predictor_find(argv[++i]);
		else if (!(mode = sender_mode_find(argv[i])))
			give_up("usage: forecast [--predictor NAME] [--features] [MODE]");
	}
	if (!chosen)
		give_up("there is no predictor of that name");
}

int
main(int argc, char **argv)
{
	static char out[1 << 16];

	chosen = &predictor_hazard;
	read_options(argc, argv);
	if (getenv("SHARE"))
		share = atof(getenv("SHARE"));
	setvbuf(stdout, out, _IOFBF, sizeof out);
	grow();
	serve();
	fflush(stdout);
	for (size_t i = 0; i < all.size; i++)
		while (all.bucket[i])
			drop(&all.bucket[i]);
	free(all.bucket);
	if (mode)
		fprintf(stderr, "%lu %lu %lu\n", counts.samples, counts.messages,
		    counts.readings);
	return 0;
}
