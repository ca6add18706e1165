/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/calibration.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define BINS	       10
#define PREDICTORS_MAX 16
#define SAVE_MS	       600000

struct bin {
	int64_t samples, events;
	double probability, error;
	bool changed;
};
struct calibration {
	struct store *store;
	int64_t saved_ms;
	struct bin bin[PREDICTORS_MAX][PREDICTOR_CLASSES][BINS];
};

static struct calibration_row
row_of(const struct calibration *c, int predictor, int class, int n)
{
	const struct bin *b = &c->bin[predictor][class][n];

	return (struct calibration_row){ .predictor = predictors[predictor]->name,
		.class = predictor_classes[class],
		.bin = n,
		.samples = b->samples,
		.events = b->events,
		.probability = b->probability,
		.error = b->error };
}

static int
find_predictor(const char *name)
{
	for (int i = 0; i < PREDICTORS_MAX && predictors[i]; i++)
		if (!strcmp(predictors[i]->name, name))
			return i;
	return -1;
}

static int
find_class(const char *name)
{
	for (int i = 0; i < PREDICTOR_CLASSES; i++)
		if (!strcmp(predictor_classes[i], name))
			return i;
	return -1;
}

/* Of predictors that are no more, nothing is taken over. */
static void
take_row(void *arg, const struct calibration_row *r)
{
	struct calibration *c = arg;
	int predictor = find_predictor(r->predictor), class = find_class(r->class);

	if (predictor < 0 || class < 0 || r->bin < 0 || r->bin >= BINS)
		return;
	c->bin[predictor][class][r->bin] =
	    (struct bin){ r->samples, r->events, r->probability, r->error, false };
}

int
calibration_new(struct store *store, struct calibration **ret)
{
	struct calibration *c = calloc(1, sizeof *c);
	int err = c ? store_calibration(store, take_row, c) : -ENOMEM;

	if (err < 0) {
		free(c);
		return err;
	}
	c->store = store;
	*ret = c;
	return 0;
}

static void
save(struct calibration *c)
{
	for (int p = 0; p < PREDICTORS_MAX && predictors[p]; p++)
		for (int class = 0; class < PREDICTOR_CLASSES; class ++)
			for (int n = 0; n < BINS; n++) {
				const struct calibration_row r = row_of(c, p, class, n);
				struct bin *b = &c->bin[p][class][n];

				if (b->changed &&
				    store_calibration_put(c->store, &r, NULL, NULL) >= 0)
					b->changed = false;
			}
}

void
calibration_free(struct calibration *c)
{
	if (c)
		save(c);
	free(c);
}

void
calibration_count(struct calibration *c, const struct predictor *predictor,
    enum predictor_class class, double probability, bool came)
{
	int i = find_predictor(predictor->name);
	double error = (came ? 1 : 0) - probability;
	struct bin *b;
	int n;

	if (i < 0 || !(probability >= 0 && probability <= 1))
		return;
	n = (int)(probability * BINS);
	b = &c->bin[i][class][n < BINS ? n : BINS - 1];
	b->samples++;
	b->events += came;
	b->probability += probability;
	b->error += error * error;
	b->changed = true;
}

void
calibration_tick(struct calibration *c, int64_t now_ms)
{
	if (now_ms - c->saved_ms < SAVE_MS)
		return;
	c->saved_ms = now_ms;
	save(c);
}

void
calibration_each(const struct calibration *c,
    void (*row)(void *arg, const struct calibration_row *r), void *arg)
{
	for (int p = 0; p < PREDICTORS_MAX && predictors[p]; p++)
		for (int class = 0; class < PREDICTOR_CLASSES; class ++)
			for (int n = 0; n < BINS; n++) {
				const struct calibration_row r = row_of(c, p, class, n);

				if (r.samples)
					row(arg, &r);
			}
}
