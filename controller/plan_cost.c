/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_cost.h"

#include "controller/history.h"
#include "controller/reporting.h"
#include "metrics/expr_program.h"
#include "metrics/source.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS	   1024
#define SAMPLES	   60 /* values that a rule is replayed over */
#define STEP_MS	   5000
#define WINDOW_MS  (SAMPLES * STEP_MS)
#define SERIES_MAX 4 /* of an item that are replayed */
#define NODES_MAX \
	32 /* that an item is replayed on; the others are taken to be like them */
#define PEERS_MAX  64
#define PROBES_MAX 256.0 /* bytes a second; an agent's path.budget */

/* What is usual, by what is measured: values told of a hundred (tests/bench/suppression). */
static const double usual[PREDICTOR_CLASSES] = {
	[PREDICT_OTHER] = 0.15,
	[PREDICT_BATTERY] = 0.02,
	[PREDICT_RADIO] = 0.4,
	[PREDICT_CPU] = 0.35,
	[PREDICT_MEMORY] = 0.1,
	[PREDICT_THERMAL] = 0.05,
};

struct known { /* of an item, at one way to report it */
	uint32_t id;
	struct plan_item item;
	unsigned nodes;
	double told, series; /* sums over them */
	struct known *next;
};
struct plan_costs {
	struct plan_costs_env env;
	struct known *chain[CHAINS];
};

/* --- what was reported ----------------------------------------------------------------------------- */

struct reported {
	size_t points;
	int64_t first_ms, last_ms;
	struct metric_labels series[SERIES_MAX];
	size_t len, more;
};

static void
note_series(struct reported *r, const struct metric_labels *labels)
{
	for (size_t i = 0; i < r->len; i++)
		if (!memcmp(&r->series[i], labels, sizeof *labels))
			return;
	if (r->len < SERIES_MAX)
		r->series[r->len++] = *labels;
}

static void
note_point(void *arg, const struct history_point *p)
{
	struct reported *r = arg;

	if (!r->points++)
		r->first_ms = p->time_ms;
	r->last_ms = p->time_ms;
	if (p->labels)
		note_series(r, p->labels);
}

/* The very same item runs there: this is what it does. */
static bool
look_at_reports(const struct plan_costs *c, const struct node *n,
    const struct plan_entry *e, double *told, double *series)
{
	struct reported r = { 0 };
	double evaluations = (double)WINDOW_MS / (double)e->item.period_ms;

	if (history_points(c->env.history, &n->id, e->text->text,
		c->env.wall_ms - WINDOW_MS, 10 * SAMPLES, note_point, &r) < 0 ||
	    r.points < 2 || r.last_ms - r.first_ms < WINDOW_MS / 2)
		return false;
	*series = r.len ? (double)r.len : 1;
	*told = fmin(1, (double)r.points / (*series * evaluations));
	return true;
}

/* --- what would be reported ------------------------------------------------------------------------ */

struct replay {
	double value[SERIES_MAX][SAMPLES];
	size_t series;
};

/* Series keep their order from one instant to the next as long as they are the same. */
static int
gather(const struct plan_costs *c, const struct node *n, struct slice program,
    struct replay *ret)
{
	ret->series = 0;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct expr_result r = { 0 };
		int64_t at = c->env.wall_ms - (int64_t)(SAMPLES - 1 - i) * STEP_MS;
		int err = history_eval(c->env.history, n->name, program, at, &r);

		for (size_t k = 0; k < SERIES_MAX; k++)
			ret->value[k][i] = err == 0 && k < r.len ? r.value[k].value : NAN;
		if (!err && r.len > ret->series)
			ret->series = r.len;
		expr_result_done(&r);
		if (err)
			return err;
	}
	return 0;
}

/* Values that stood still between two reports are left out: the rule was asked about changes. */
static size_t
thin_out(double *v, int64_t *step_ms)
{
	size_t changes = 0, seen = 0, stride;

	for (size_t i = 1; i < SAMPLES; i++)
		if (!isnan(v[i]) && !isnan(v[i - 1])) {
			seen++;
			changes += v[i] != v[i - 1];
		}
	stride = changes && seen / changes > 1 ? seen / changes : 1;
	if (stride > 4)
		stride = 1; /* it hardly ever changes: that is how it is */
	for (size_t i = 0; i * stride < SAMPLES; i++)
		v[i] = v[i * stride];
	*step_ms = (int64_t)stride * STEP_MS;
	return (SAMPLES + stride - 1) / stride;
}

static bool
replay(const struct plan_costs *c, const struct node *n, const struct plan_entry *e,
    double *told, double *series)
{
	UNSET struct replay r;
	double sum = 0;
	size_t seen = 0;

	if (gather(c, n, e->text->program, &r) < 0 || !r.series)
		return false;
	for (size_t k = 0; k < r.series && k < SERIES_MAX; k++) {
		int64_t step_ms;
		size_t len = thin_out(r.value[k], &step_ms);
		double share = traffic_replay(&e->item, r.value[k], len, step_ms);

		if (isnan(share))
			continue;
		sum += share;
		seen++;
	}
	*series = (double)r.series;
	*told = seen ? sum / (double)seen : NAN;
	return seen > 0;
}

/* --- what is known of an item ---------------------------------------------------------------------- */

static struct known *
ensure_known(struct plan_costs *c, const struct plan_entry *e)
{
	struct known **chain = &c->chain[e->text->id % CHAINS], *k = *chain;

	while (k && (k->id != e->text->id || !reporting_is(&k->item, &e->item)))
		k = k->next;
	if (k || !(k = calloc(1, sizeof *k)))
		return k;
	k->id = e->text->id;
	k->item = e->item;
	k->next = *chain;
	*chain = k;
	return k;
}

static double
usually_told(const struct plan_entry *e)
{
	double told =
	    e->reasons ? usual[e->reason[0].requirement->class] : usual[PREDICT_OTHER];

	return e->item.mode == PLAN_PERIODIC ? 1 : told;
}

static const struct plan_entry *
find_running(const struct node_plan *plan, const struct plan_entry *e)
{
	for (size_t i = 0; plan && i < plan->entries; i++)
		if (plan->entry[i].text->id == e->text->id &&
		    reporting_is(&plan->entry[i].item, &e->item))
			return &plan->entry[i];
	return NULL;
}

static int
know(struct plan_costs *c, const struct node *n, const struct plan_entry *e,
    const struct node_plan *running, struct traffic_item *ret)
{
	struct known *k = ensure_known(c, e);
	double told, series;

	if (!k)
		return -ENOMEM;
	ret->period_ms = e->item.period_ms;
	if (c->env.history && k->nodes < NODES_MAX &&
	    ((find_running(running, e) && look_at_reports(c, n, e, &told, &series)) ||
		replay(c, n, e, &told, &series))) {
		k->nodes++;
		k->told += told;
		k->series += series;
		ret->told = told;
		ret->series = series;
		return 0;
	}
	ret->told = k->nodes ? k->told / k->nodes : usually_told(e);
	ret->series = k->nodes ? k->series / k->nodes : 1;
	return 0;
}

/* --- probes ----------------------------------------------------------------------------------------- */

struct peers {
	char name[PEERS_MAX][METRIC_LABEL_VALUE_MAX];
	size_t len;
	bool any; /* of this entry */
};

static void
note_peer(void *arg, const struct expr_step *select)
{
	struct peers *p = arg;

	if (strncmp(select->metric, "node_path_", 10) != 0)
		return;
	for (unsigned i = 0; i < select->matchers; i++) {
		size_t k = 0;

		if (strcmp(select->matcher[i].label, "peer") != 0)
			continue;
		p->any = true;
		while (k < p->len && strcmp(p->name[k], select->matcher[i].value) != 0)
			k++;
		if (k == p->len && k < PEERS_MAX)
			strcpy(p->name[p->len++], select->matcher[i].value);
	}
}

/* All peers are probed at the shortest period of any. */
static double
probes(const struct node_plan *plan)
{
	UNSET struct peers p;
	int64_t period_ms = 0;

	p.len = 0;
	for (size_t i = 0; i < plan->entries; i++) {
		const struct plan_entry *e = &plan->entry[i];

		p.any = false;
		(void)expr_needs(e->text->program, note_peer, &p);
		if (p.any && (!period_ms || e->item.period_ms < period_ms))
			period_ms = e->item.period_ms;
	}
	return period_ms ? fmin((double)p.len * traffic_probes(period_ms), PROBES_MAX)
			 : 0;
}

/* --- the plan ----------------------------------------------------------------------------------------- */

static void
share_bytes(
    const struct traffic_item *item, size_t n, const struct traffic *t, double *bytes)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = t->values_s > 0 ? t->report_bytes_s * item[i].series *
			item[i].told * 1000 / (double)item[i].period_ms / t->values_s
					   : 0;
}

int
plan_cost(struct plan_costs *c, const struct node *n, const struct node_plan *plan,
    const struct node_plan *running, struct plan_cost *ret, double *bytes)
{
	struct traffic_item item[PLAN_ITEMS_MAX] = { 0 };
	int err = 0;

	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; plan && i < plan->entries && !err; i++)
		err = know(c, n, &plan->entry[i], running, &item[i]);
	if (err)
		return err;
	traffic_reckon(item, plan ? plan->entries : 0, &c->env.terms, &ret->traffic);
	ret->probe_bytes_s = plan ? probes(plan) : 0;
	if (bytes && plan)
		share_bytes(item, plan->entries, &ret->traffic, bytes);
	return 0;
}

size_t
plan_cost_raw_metrics(void)
{
	static const char *const everywhere[] = { "cpu", "load", "memory", "disk",
		"filesystem", "network", "pressure", "uptime" };
	size_t n = 0;

	for (size_t i = 0; sources[i]; i++)
		for (size_t k = 0; k < ARRAY_LEN(everywhere); k++)
			if (!strcmp(sources[i]->name, everywhere[k]))
				n += sources[i]->metrics_len;
	return n;
}

/* --- life -------------------------------------------------------------------------------------------- */

int
plan_costs_new(const struct plan_costs_env *env, struct plan_costs **ret)
{
	*ret = calloc(1, sizeof **ret);
	if (!*ret)
		return -ENOMEM;
	(*ret)->env = *env;
	return 0;
}

void
plan_costs_free(struct plan_costs *c)
{
	for (size_t i = 0; c && i < CHAINS; i++)
		for (struct known *k = c->chain[i], *next; k; k = next) {
			next = k->next;
			free(k);
		}
	free(c);
}
