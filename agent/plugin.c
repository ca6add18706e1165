/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plugin_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000
#define GOOD_MS	       60000 /* who has run so long begins anew with the shortest */
#define LINGER_MS      30000 /* runs on when nobody wants anything */
#define TERM_MS	       2000
#define FIRST_ANSWER   3 /* times the time-out: its interpreter has to start as well */

static const struct provider provider;

const char *
plugin_state_name(enum plugin_state state)
{
	switch (state) {
	case PLUGIN_IDLE:
		return "idle";
	case PLUGIN_RUNNING:
		return "running";
	case PLUGIN_ENDING:
		return "ending";
	case PLUGIN_WAITING:
		return "waiting";
	}
	return "?";
}

static int64_t
now(const struct plugin *p)
{
	return grasp_io_now(p->all->io);
}

static void
set_state(struct plugin *p, enum plugin_state state)
{
	if (p->state != state)
		log_debug("plugin", "%s is %s", p->cfg->name, plugin_state_name(state));
	p->state = state;
}

/* --- faults ------------------------------------------------------------------------------- */
static void PRINTF(2, 3) note_error(struct plugin *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->error, sizeof p->error, fmt, args);
	va_end(args);
}

/* No politeness for who does not keep the contract. */
static void
kill_faulty(struct plugin *p)
{
	p->failing = true;
	p->asked = false;
	timer_stop(p->all->io, p->deadline);
	(void)spawn_kill(p->child, SIGKILL);
}

static void
note_end(struct plugin *p, int status)
{
	if (status < 0)
		note_error(p, "cannot be started: %s", strerror(-status));
	else if (WIFSIGNALED(status))
		note_error(p, "was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		note_error(p, "ended by itself with exit code %d", WEXITSTATUS(status));
}

/* A new sampling: as much may be printed for it. */
static void
allow(struct plugin *p)
{
	p->lines_before = p->lines;
	p->refused_before = p->refused;
	spawn_allow(p->child, PLUGIN_OUTPUT_MAX);
}

static void
check_lines(struct plugin *p)
{
	uint64_t most = PLUGIN_LINES_PER_SERIES * (uint64_t)p->cfg->series;

	if (p->lines - p->lines_before > most)
		note_error(p, "printed more than %llu lines for one sampling",
		    (unsigned long long)most);
	else if (p->refused - p->refused_before > PLUGIN_REFUSED_MAX)
		note_error(p, "prints no line protocol: %s", p->why_refused);
	else
		return;
	kill_faulty(p);
}

/* --- asking ------------------------------------------------------------------------------- */
static void
ask(struct plugin *p)
{
	int64_t timeout_ms = p->cfg->timeout_ms;

	p->due = false;
	p->asked = true;
	p->asked_ms = now(p);
	allow(p);
	if (spawn_write(p->child, slice_text("\n")) == -EPIPE) {
		note_error(p, "has closed its stdin");
		kill_faulty(p);
		return;
	}
	timer_set(p->all->io, p->deadline,
	    p->answered ? timeout_ms : FIRST_ANSWER * timeout_ms);
}

static bool
has_flooded(struct plugin *p)
{
	if (!spawn_is_stalled(p->child))
		return false;
	note_error(p, "printed more than %d bytes for one sampling", PLUGIN_OUTPUT_MAX);
	kill_faulty(p);
	return true;
}

static void
on_deadline(void *arg)
{
	struct plugin *p = arg;

	if (p->state != PLUGIN_RUNNING || has_flooded(p))
		return;
	if (p->cfg->signal == PLUGIN_NONE) {
		allow(p);
		timer_set(p->all->io, p->deadline, p->cfg->interval_ms);
	} else if (p->asked) {
		note_error(p, "has not answered within %lld ms",
		    (long long)(now(p) - p->asked_ms));
		kill_faulty(p);
	}
}

/* It is asked once for all its metrics, and never while an answer is due. */
static void
ask_if_due(struct plugin *p)
{
	if (p->state != PLUGIN_RUNNING || p->failing || p->cfg->signal == PLUGIN_NONE)
		return;
	if (p->asked || now(p) - p->asked_ms < p->cfg->interval_ms * 9 / 10)
		return;
	if (!has_flooded(p))
		ask(p);
}

/* --- what it says ------------------------------------------------------------------------- */
static void
note_stderr(struct plugin *p, const char *line)
{
	char *dst = p->said[p->said_len++ % PLUGIN_STDERR_LINES];

	snprintf(dst, PLUGIN_STDERR_MAX, "%s", line);
	utf8_trim(dst);
	log_debug("plugin", "%s: %s", p->cfg->name, line);
}

static void
note_answer(struct plugin *p)
{
	p->asked = false;
	p->answered = true;
	timer_stop(p->all->io, p->deadline);
}

static void
on_line(void *arg, int fd, const char *line)
{
	struct plugin *p = arg;

	if (fd == 2) {
		note_stderr(p, line);
	} else if (p->state == PLUGIN_RUNNING && !p->failing) {
		if (plugin_take_line(p, line) && p->asked)
			note_answer(p);
		check_lines(p);
	}
}

/* --- life --------------------------------------------------------------------------------- */
static void start(struct plugin *p);

static void
wait_to_start(struct plugin *p)
{
	struct grasp_io *io = p->all->io;
	int64_t delay_ms;

	if (now(p) - p->started_ms >= GOOD_MS || !p->backoff_ms)
		p->backoff_ms = BACKOFF_MIN_MS;
	delay_ms = jittered(io, p->backoff_ms);
	p->backoff_ms =
	    2 * p->backoff_ms < BACKOFF_MAX_MS ? 2 * p->backoff_ms : BACKOFF_MAX_MS;
	p->retry_ms = now(p) + delay_ms;
	timer_set(io, p->later, delay_ms);
	set_state(p, PLUGIN_WAITING);
	log_warnx("plugin", "%s %s; it is started again in %lld ms", p->cfg->name,
	    p->error, (long long)delay_ms);
}

static void
on_end(void *arg, int status)
{
	struct plugin *p = arg;
	bool told_to = p->state == PLUGIN_ENDING;

	p->child = NULL;
	p->asked = p->due = false;
	timer_stop(p->all->io, p->deadline);
	timer_stop(p->all->io, p->later);
	if (!told_to && !p->failing)
		note_end(p, status);
	p->failing = false;
	plugin_end_series(p);
	if (!told_to && p->wanted)
		wait_to_start(p);
	else
		set_state(p, PLUGIN_IDLE);
	if (p->state == PLUGIN_IDLE && p->wanted)
		start(p);
}

static void
start(struct plugin *p)
{
	const struct spawn_spec spec = { .program = p->number,
		.keep_stdin = true,
		.line_max = LINE_MAX_LEN,
		.output_max = PLUGIN_OUTPUT_MAX,
		.stall = true };
	int err = p->all->spawner
	    ? spawn_run(p->all->spawner, &spec, on_line, on_end, p, &p->child)
	    : -ENOSYS;

	p->started_ms = now(p);
	p->answered = false;
	p->lines_before = p->lines;
	p->refused_before = p->refused;
	p->asked_ms = INT64_MIN / 2;
	if (err < 0) {
		note_end(p, err);
		wait_to_start(p);
		return;
	}
	set_state(p, PLUGIN_RUNNING);
	if (p->cfg->signal == PLUGIN_STDIN)
		ask(p);
	else
		timer_set(p->all->io, p->deadline, p->cfg->interval_ms);
}

/* By the contract it ends when its stdin does. */
static void
stop(struct plugin *p)
{
	set_state(p, PLUGIN_ENDING);
	timer_stop(p->all->io, p->deadline);
	spawn_close_stdin(p->child);
	(void)spawn_kill(p->child, SIGTERM);
	timer_set(p->all->io, p->later, TERM_MS);
}

static void
on_later(void *arg)
{
	struct plugin *p = arg;

	switch (p->state) {
	case PLUGIN_IDLE:
		break;
	case PLUGIN_RUNNING:
		if (!p->wanted && !p->failing)
			stop(p);
		break;
	case PLUGIN_ENDING:
		(void)spawn_kill(p->child, SIGKILL);
		break;
	case PLUGIN_WAITING:
		p->retry_ms = 0;
		if (p->wanted) {
			p->restarts++;
			start(p);
		} else {
			set_state(p, PLUGIN_IDLE);
		}
		break;
	}
}

/* --- the sampler's side ------------------------------------------------------------------- */
static const struct metric *
find(void *arg, const char *name)
{
	struct plugins *all = arg;

	for (size_t i = 0; i < all->len; i++) {
		struct plugin *p = &all->plugin[i];
		struct plugin_metric *m;

		if (!plugin_config_owns(p->cfg, name))
			continue;
		m = plugin_metric_get(p, name, now(p));
		return m ? &m->metric : NULL;
	}
	return NULL;
}

static struct plugin_metric *
own_metric(const struct metric *m)
{
	return container_of(m, struct plugin_metric, metric);
}

static void
want_more(struct plugin *p)
{
	if (p->wanted++)
		return;
	if (p->state == PLUGIN_RUNNING)
		timer_stop(p->all->io, p->later);
	if (p->state == PLUGIN_IDLE)
		start(p);
}

static void
want_less(struct plugin *p)
{
	if (--p->wanted == 0 && p->state == PLUGIN_RUNNING)
		timer_set(p->all->io, p->later, LINGER_MS);
}

static void
want(void *arg, const struct metric *metric, int64_t period_ms, int64_t window_ms)
{
	struct plugin_metric *m = own_metric(metric);
	bool before = m->period_ms > 0;

	(void)arg, (void)window_ms;
	m->period_ms = period_ms;
	if (period_ms == 0)
		m->kept = false;
	if (period_ms > 0 && !before)
		want_more(m->plugin);
	if (period_ms == 0 && before)
		want_less(m->plugin);
}

static void
sample(void *arg, const struct metric *metric, int64_t now_ms)
{
	(void)arg, (void)now_ms;
	ask_if_due(own_metric(metric)->plugin);
}

static int64_t
pace(void *arg, const struct metric *metric)
{
	(void)arg;
	return own_metric(metric)->plugin->cfg->interval_ms;
}

static bool
tell_why(void *arg, const struct metric *metric, char *dst, size_t size)
{
	const struct plugin_metric *m = own_metric(metric);
	const struct plugin *p = m->plugin;

	(void)arg;
	if (p->state == PLUGIN_WAITING)
		snprintf(dst, size, "plug-in %s %s", p->cfg->name, p->error);
	else if (!m->told)
		snprintf(dst, size, "plug-in %s has not told it yet", p->cfg->name);
	else if (!m->kept)
		snprintf(
		    dst, size, "plug-in %s has just been asked for it", p->cfg->name);
	else
		return false;
	utf8_trim(dst);
	return true;
}

static void
each(void *arg, void (*one)(void *one_arg, const struct metric *m), void *one_arg)
{
	const struct plugins *all = arg;

	for (size_t i = 0; i < all->len; i++)
		plugin_each_metric(&all->plugin[i], one, one_arg);
}

static const char *
owner_of(void *arg, const struct metric *m)
{
	const struct plugins *all = arg;

	for (size_t i = 0; i < all->len; i++)
		if (plugin_config_owns(all->plugin[i].cfg, m->name))
			return all->plugin[i].cfg->name;
	return "plug-in";
}

static const struct provider provider = { .find = find,
	.want = want,
	.sample = sample,
	.pace = pace,
	.why = tell_why,
	.each = each,
	.owner = owner_of };

/* --- all of them -------------------------------------------------------------------------- */
static int
init_plugin(struct plugins *all, size_t i, const struct plugin_config *cfg)
{
	struct plugin *p = &all->plugin[i];
	int err;

	p->all = all;
	p->cfg = cfg;
	p->number = (uint32_t)i;
	snprintf(p->help, sizeof p->help, "Of plug-in %s", cfg->name);
	buf_init(&p->open, LINE_MAX_LEN);
	all->len++;
	err = timer_new(all->io, on_deadline, p, &p->deadline);
	return err < 0 ? err : timer_new(all->io, on_later, p, &p->later);
}

int
plugins_new(struct grasp_io *io, struct spawner *spawner, struct sampler *sampler,
    const struct plugin_config *cfg, size_t len, struct plugins **ret)
{
	CLEANUP(plugins_free)
	struct plugins *all = calloc(1, sizeof *all + len * sizeof all->plugin[0]);
	int err;

	if (!all)
		return -ENOMEM;
	all->io = io;
	all->spawner = spawner;
	all->sampler = sampler;
	for (size_t i = 0; i < len; i++) {
		err = init_plugin(all, i, &cfg[i]);
		if (err < 0)
			return err;
	}
	all->line = malloc(sizeof *all->line);
	if (!all->line)
		return -ENOMEM;
	err = sampler_provide(sampler, &provider, all);
	if (err < 0)
		return err;
	*ret = TAKE(all);
	return 0;
}

/* Their programs end with the spawner, which calls nobody back when it is stopped. */
void
plugins_free(struct plugins *all)
{
	if (!all)
		return;
	sampler_unprovide(all->sampler, &provider, all);
	for (size_t i = 0; i < all->len; i++) {
		struct plugin *p = &all->plugin[i];

		timer_free(all->io, p->deadline);
		timer_free(all->io, p->later);
		plugin_metrics_done(p);
	}
	free(all->line);
	free(all);
}

/* --- looking at them ---------------------------------------------------------------------- */
size_t
plugins_len(const struct plugins *all)
{
	return all ? all->len : 0;
}

const struct plugin *
plugins_at(const struct plugins *all, size_t i)
{
	return &all->plugin[i];
}

const struct plugin_config *
plugin_config(const struct plugin *p)
{
	return p->cfg;
}

static void
list_said(const struct plugin *p, struct plugin_status *ret)
{
	unsigned n =
	    p->said_len < PLUGIN_STDERR_LINES ? p->said_len : PLUGIN_STDERR_LINES;

	for (unsigned i = 0; i < n; i++)
		ret->said[i] = p->said[(p->said_len - n + i) % PLUGIN_STDERR_LINES];
}

void
plugin_status(const struct plugin *p, struct plugin_status *ret)
{
	*ret = (struct plugin_status){ .state = p->state,
		.restarts = p->restarts,
		.running_ms = p->state == PLUGIN_RUNNING ? now(p) - p->started_ms : 0,
		.retry_ms = p->state == PLUGIN_WAITING ? p->retry_ms - now(p) : 0,
		.lines = p->lines,
		.refused = p->refused,
		.values = p->values,
		.left_out = p->left_out,
		.over_limit = p->over_limit,
		.metrics = p->told,
		.error = p->error,
		.why_refused = p->refused ? p->why_refused : "" };
	list_said(p, ret);
}
