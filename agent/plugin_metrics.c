/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plug-in says becomes metrics, as it comes. Each name begins with the plug-in's prefix, so
 * that it speaks for itself alone. */
#include "agent/plugin_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FORGET_MS 60000	 /* a name that was only asked for */
#define CLEAR_MS  600000 /* series that are counted */

static uint64_t
hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	return (h ^ 0xff) * 0x100000001b3;
}

static uint64_t
hash_name(const char *name)
{
	return hash_text(0xcbf29ce484222325, name);
}

/* --- names ------------------------------------------------------------------------------ */
static void
drop_metric(struct plugin *p, struct plugin_metric **at)
{
	struct plugin_metric *gone = *at;

	*at = gone->next;
	p->metrics--;
	free(gone);
}

/* Names that were asked for, are not wanted and never came make room. */
static void
forget_unknown(struct plugin *p, int64_t now_ms)
{
	for (size_t i = 0; i < PLUGIN_BUCKETS; i++) {
		struct plugin_metric **at = &p->bucket[i];

		while (*at)
			if (!(*at)->told && now_ms - (*at)->asked_ms > FORGET_MS &&
			    !sampler_uses(p->all->sampler, &(*at)->metric))
				drop_metric(p, at);
			else
				at = &(*at)->next;
	}
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

static struct plugin_metric *
add_metric(struct plugin *p, struct plugin_metric **bucket, const char *name)
{
	struct plugin_metric *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	snprintf(m->name, sizeof m->name, "%s", name);
	m->plugin = p;
	m->metric = (struct metric){ .name = m->name,
		.unit = "",
		.type = ends_with(name, "_total") ? METRIC_COUNTER : METRIC_GAUGE,
		.help = p->help };
	m->next = *bucket;
	*bucket = m;
	p->metrics++;
	return m;
}

struct plugin_metric *
plugin_metric_get(struct plugin *p, const char *name, int64_t now_ms)
{
	struct plugin_metric **bucket = &p->bucket[hash_name(name) % PLUGIN_BUCKETS];
	struct plugin_metric *m = *bucket;

	while (m && strcmp(m->name, name) != 0)
		m = m->next;
	if (!m && p->metrics >= PLUGIN_METRICS_MAX)
		forget_unknown(p, now_ms);
	if (!m && p->metrics < PLUGIN_METRICS_MAX && strlen(name) <= METRIC_NAME_MAX)
		m = add_metric(p, bucket, name);
	if (m)
		m->asked_ms = now_ms;
	return m;
}

void
plugin_each_metric(
    const struct plugin *p, void (*each)(void *arg, const struct metric *m), void *arg)
{
	for (size_t i = 0; i < PLUGIN_BUCKETS; i++)
		for (struct plugin_metric *m = p->bucket[i]; m; m = m->next)
			if (m->told)
				each(arg, &m->metric);
}

/* --- series ----------------------------------------------------------------------------- */
static uint64_t
hash_series(const struct plugin_metric *m, const struct metric_labels *labels)
{
	uint64_t h = hash_name(m->name);

	for (unsigned i = 0; i < labels->len; i++)
		h = hash_text(hash_text(h, labels->pair[i].name), labels->pair[i].value);
	return h ? h : 1;
}

static bool
make_slots(struct plugin *p)
{
	struct plugin_series *s = &p->series;

	if (s->slot)
		return true;
	s->slots = 2 * (size_t)p->cfg->series + 1;
	s->slot = calloc(s->slots, sizeof *s->slot);
	return s->slot;
}

/* Is it one of the series that this plug-in may have? */
static bool
count_series(struct plugin *p, uint64_t hash, int64_t now_ms)
{
	struct plugin_series *s = &p->series;
	size_t at;

	if (!make_slots(p))
		return false;
	if (now_ms - s->cleared_ms > CLEAR_MS) {
		memset(s->slot, 0, s->slots * sizeof *s->slot);
		s->len = 0;
		s->cleared_ms = now_ms;
	}
	at = hash % s->slots;
	while (s->slot[at] && s->slot[at] != hash)
		at = (at + 1) % s->slots;
	if (s->slot[at])
		return true;
	if (s->len >= (size_t)p->cfg->series)
		return false;
	s->slot[at] = hash;
	s->len++;
	return true;
}

/* --- values ----------------------------------------------------------------------------- */
static int64_t
measured_ms(const struct plugins *all, const struct line *line, int64_t now_ms)
{
	int64_t age_ms;

	if (!line->timed)
		return now_ms;
	age_ms = all->io->ops->wall(all->io) - line->time_ns / 1000000;
	return age_ms > 0 ? now_ms - age_ms : now_ms;
}

static void
put_value(struct plugin *p, const struct line *line, const struct line_value *v,
    int64_t time_ms, int64_t now_ms)
{
	char name[2 * METRIC_NAME_MAX + 2];
	bool own = plugin_config_owns(p->cfg, v->metric);
	struct plugin_metric *m;

	snprintf(name, sizeof name, "%s%s", own ? "" : p->cfg->prefix, v->metric);
	m = plugin_metric_get(p, name, now_ms);
	if (!m) {
		p->left_out++;
		return;
	}
	p->told += !m->told;
	m->told = true;
	p->values++;
	if (!m->period_ms)
		return;
	m->kept = true;
	if (count_series(p, hash_series(m, &line->labels), now_ms))
		sampler_put(
		    p->all->sampler, &m->metric, &line->labels, time_ms, v->value);
	else
		p->over_limit++;
}

static void
take_values(struct plugin *p, const struct line *line)
{
	int64_t now_ms = grasp_io_now(p->all->io);
	int64_t time_ms = measured_ms(p->all, line, now_ms);

	p->left_out += line->left_out;
	for (unsigned i = 0; i < line->len; i++)
		put_value(p, line, &line->value[i], time_ms, now_ms);
}

/* What ends within a string goes on in the next line. */
static const char *
join_lines(struct plugin *p, const char *text)
{
	if (!p->open.pos)
		return text;
	buf_put_u8(&p->open, '\n');
	buf_puts(&p->open, text);
	return p->open.err ? NULL : buf_text(&p->open);
}

static int
parse(struct plugin *p, const char *text)
{
	const char *const *labels =
	    p->cfg->choose_labels ? (const char *const *)p->cfg->labels.item : NULL;
	static const char *const none[] = { NULL };

	if (p->cfg->choose_labels && !p->cfg->labels.len)
		labels = none;
	return line_parse(
	    text, labels, p->all->line, p->why_refused, sizeof p->why_refused);
}

static void
refuse_line(struct plugin *p, const char *text)
{
	size_t len = strlen(p->why_refused);

	snprintf(
	    p->why_refused + len, sizeof p->why_refused - len, " in \"%.80s\"", text);
	utf8_trim(p->why_refused);
	p->refused++;
}

bool
plugin_take_line(struct plugin *p, const char *text)
{
	const char *whole = join_lines(p, text);
	int err = whole ? parse(p, whole) : -EBADMSG;

	p->lines++;
	if (err == -EAGAIN) {
		if (!p->open.pos)
			buf_puts(&p->open, text);
		return true;
	}
	if (!whole)
		snprintf(p->why_refused, sizeof p->why_refused, "a string without end");
	if (err < 0)
		refuse_line(p, text);
	else
		take_values(p, p->all->line);
	buf_reset(&p->open);
	return err == 0 && p->all->line->len;
}

void
plugin_end_series(struct plugin *p)
{
	int64_t now_ms = grasp_io_now(p->all->io);

	for (size_t i = 0; i < PLUGIN_BUCKETS; i++)
		for (struct plugin_metric *m = p->bucket[i]; m; m = m->next)
			if (m->told)
				sampler_end(p->all->sampler, &m->metric, now_ms);
	free(TAKE(p->series.slot));
	p->series.len = 0;
	buf_reset(&p->open);
}

void
plugin_metrics_done(struct plugin *p)
{
	for (size_t i = 0; i < PLUGIN_BUCKETS; i++)
		while (p->bucket[i])
			drop_metric(p, &p->bucket[i]);
	free(p->series.slot);
	buf_done(&p->open);
}
