/* SPDX-License-Identifier: Apache-2.0
 *
 * Moves that the operator asks for, and dry runs: what would the hook do? */
#include "base/crypto.h"
#include "controller/hook_host.h"
#include "controller/migration_int.h"
#include "grasp/io.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct dry_run {
	struct dry_run *next;
	struct migration of; /* never in the list of migrations, nor in the store */
	struct hook_call *call;
};

static struct hook_instance *
find_hook(struct migrations *ms, const struct placement *p)
{
	const char *name = p->service ? p->service->hook : NULL;

	return name ? hooks_find(ms->env.hooks, name) : NULL;
}

static int
check_request(struct migrations *ms, const struct placement *p, const char *to, char *err,
    size_t err_len)
{
	if (!p->function || !*p->node)
		snprintf(err, err_len, "it is not known where it is");
	else if (!find_hook(ms, p))
		snprintf(err, err_len, "service %s has no hook that could move it",
		    p->service_name);
	else if (p->state == PLACEMENT_UNCERTAIN)
		snprintf(err, err_len,
		    "it is not known where it is; look, and say so with fogctl place");
	else if (!strcmp(to, p->node))
		snprintf(err, err_len, "it is on %s already", to);
	else if (p->migration || p->state != PLACEMENT_ASSIGNED) {
		snprintf(err, err_len, "it is being moved already");
		return -EBUSY;
	} else
		return 0;
	return -EINVAL;
}

/* --- dry runs ------------------------------------------------------------------------------------- */

static void
free_dry_run(struct dry_run *d)
{
	struct dry_run **at = &d->of.all->dry_runs;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free(d);
}

void
migrations_free_dry_runs(struct migrations *ms)
{
	while (ms->dry_runs) {
		if (ms->dry_runs->call)
			hook_call_drop(ms->dry_runs->call);
		free_dry_run(ms->dry_runs);
	}
}

static void
ignore_progress(void *arg, enum hook_phase phase, const char *detail)
{
	(void)arg, (void)phase, (void)detail;
}

static void
end_dry_run(void *arg, enum hook_verdict v, const char *detail)
{
	struct dry_run *d = arg;
	struct migration_ask ask = d->of.ask;

	if (ask.done)
		ask.done(ask.arg, hook_verdict_name(v), d->of.target, detail);
	free_dry_run(d);
}

static void
fill_dry_run(struct dry_run *d, struct migrations *ms, struct placement *p,
    const struct situation *s, const char *to, const struct migration_ask *ask)
{
	uint8_t random[(MIGRATION_ID_SIZE - 1) / 2];
	struct migration *m = &d->of;

	m->all = ms;
	m->placement = p;
	m->situation = *s;
	m->generation = p->generation + 1;
	m->rev = 1;
	m->ask = *ask;
	ms->env.io->ops->random(ms->env.io, random, sizeof random);
	hex_format(random, sizeof random, m->id);
	snprintf(m->source, sizeof m->source, "%s", p->node);
	snprintf(m->wish, sizeof m->wish, "%s", to);
}

static int
start_dry_run(struct dry_run *d, char *err, size_t err_len)
{
	static const struct hook_call_ops ops = { ignore_progress, end_dry_run };
	struct migration *m = &d->of;
	struct migration_told told;

	if (!migration_find_candidates(m, err, err_len))
		return -EINVAL;
	snprintf(m->target, sizeof m->target, "%s", m->ranked[0]);
	migration_fill_event(m, &told);
	told.ev.dry_run = true;
	return hook_call_start(find_hook(m->all, m->placement), &told.ev, false, 0, &ops,
	    d, &d->call, err, err_len);
}

static int
try_out(struct migrations *ms, struct placement *p, const struct situation *s,
    const char *to, const struct migration_ask *ask, char *err, size_t err_len)
{
	struct dry_run *d = calloc(1, sizeof *d);
	int rc;

	if (!d)
		return -ENOMEM;
	fill_dry_run(d, ms, p, s, to, ask);
	d->next = ms->dry_runs;
	ms->dry_runs = d;
	rc = start_dry_run(d, err, err_len);
	if (rc < 0)
		free_dry_run(d);
	return rc;
}

/* --- for the operator ---------------------------------------------------------------------------- */

int
migrations_request(struct migrations *ms, struct placement *p, const char *to,
    bool dry_run, const struct migration_ask *ask, char *err, size_t err_len)
{
	const struct situation s = { .kind = SITUATION_NONE,
		.reason = "the operator wants it",
		.probability = NAN };
	int rc = check_request(ms, p, to, err, err_len);
	struct migration *m;

	if (rc < 0)
		return rc;
	if (dry_run)
		return try_out(ms, p, &s, to, ask, err, err_len);
	m = migration_open(ms, p, &s);
	if (!m)
		return -ENOMEM;
	m->requested = true;
	m->ask = *ask;
	snprintf(m->wish, sizeof m->wish, "%s", to);
	migration_try_candidate(m);
	return 0;
}

void
migrations_unask(struct migrations *ms, const void *arg)
{
	for (struct migration *m = ms->first; m; m = m->next)
		if (m->ask.arg == arg)
			m->ask.done = NULL;
	for (struct dry_run *d = ms->dry_runs; d; d = d->next)
		if (d->of.ask.arg == arg)
			d->of.ask.done = NULL;
}
