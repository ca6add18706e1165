/* SPDX-License-Identifier: Apache-2.0
 *
 * One scrape: the catalogue, each thing that is asked for, and what there is to say of ourselves. */
#include "base/cbor.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "config.h"
#include "ctl/exporter.h"
#include "ctl/output.h"
#include "metrics/catalogue.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define ARGS_MAX  8192
#define ITEMS_MAX 100000
#define ABOUT_MAX 4096 /* metrics of a daemon's catalogue */

struct exporter_counts {
	pthread_mutex_t lock;
	uint64_t scrapes, failures;
};

struct exporter_counts *
exporter_counts_new(void)
{
	struct exporter_counts *c = calloc(1, sizeof *c);

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

/* What the daemon's own catalogue says of a metric that is not built in. */
struct about {
	char *name, *help, *unit, *type;
};

struct scrape {
	struct exporter *exporter;
	int fd;
	int64_t deadline_ms; /* clock_boot_ms() */
	struct ctl_client *client;
	struct exporter_page page;
	struct about about[ABOUT_MAX];
	size_t abouts;
	const struct exporter_match *match;
	bool controller, history, failed;
	uint64_t unknown; /* expressions, of a node each */
	struct exporter_counts now;
};

/* --- the socket, within the deadline ------------------------------------------------------------------ */
static int
await(const struct scrape *s, short events)
{
	struct pollfd p = { .fd = s->fd, .events = events };
	int n;

	do {
		int64_t left = s->deadline_ms - clock_boot_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static ssize_t
carry_out(void *arg, const void *data, size_t len)
{
	const struct scrape *s = arg;
	int err = await(s, POLLOUT);
	ssize_t n = err ? err : send(s->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 && !err ? -errno : n;
}

static ssize_t
carry_in(void *arg, void *dst, size_t size)
{
	const struct scrape *s = arg;
	int err = await(s, POLLIN);
	ssize_t n = err ? err : recv(s->fd, dst, size, MSG_DONTWAIT);

	return n < 0 && !err ? -errno : n;
}

static void
carry_no_more(void *arg)
{
	const struct scrape *s = arg;

	close(s->fd);
}

static int
open_daemon(struct scrape *s)
{
	static const struct ctl_carrier carrier = { carry_out, carry_in, carry_no_more };
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof at.sun_path, "%s", s->exporter->socket);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	if (connect(s->fd, (const struct sockaddr *)&at, sizeof at) < 0) {
		int err = -errno;

		close(s->fd);
		return err;
	}
	return ctl_connect_through(&carrier, s, &s->client);
}

/* 0, -EREMOTEIO: refused, other: broken, and then nothing more can be asked. */
static int
ask(struct scrape *s, const char *command, struct buf *args,
    int (*item)(struct scrape *s, struct slice in))
{
	struct slice in;
	int err = args->err ? args->err : ctl_call(s->client, command, buf_slice(args));

	while (!err && (err = ctl_next(s->client, &in)) == 1)
		err = item(s, in);
	return err;
}

/* --- the catalogue -------------------------------------------------------------------------------------- */
static char *
copy_text(struct slice item)
{
	struct cbor_reader r;
	char *text = NULL;

	rd_init(&r, item, 2);
	if (item.len && rd_peek(&r) == RD_TEXT)
		text = slice_dup(rd_text(&r));
	return text ? text : strdup("");
}

static int
take_about(struct scrape *s, struct slice item)
{
	struct about *a = &s->about[s->abouts];

	if (s->abouts == ABOUT_MAX)
		return 0;
	*a = (struct about){ copy_text(item_member(item, "metric")),
		copy_text(item_member(item, "help")),
		copy_text(item_member(item, "unit")),
		copy_text(item_member(item, "type")) };
	s->abouts++;
	return a->name && a->help && a->unit && a->type ? 0 : -ENOMEM;
}

static int
take_role(struct scrape *s, struct slice item)
{
	char *role = copy_text(item_member(item, "role"));

	s->controller = role && strcmp(role, "controller") == 0;
	free(role);
	return role ? 0 : -ENOMEM;
}

/* As a sentence, with the unit unless the name says it. */
static void
put_help(struct buf *help, const char *text, const char *unit, const char *name)
{
	if (*text)
		buf_printf(help, "%c%s%s",
		    text[0] >= 'a' && text[0] <= 'z' ? text[0] - ('a' - 'A') : text[0],
		    text + 1, text[strlen(text) - 1] == '.' ? "" : ".");
	if (*unit && !strstr(name, unit))
		buf_printf(help, " Unit: %s.", unit);
}

static bool
tell_about(void *arg, const char *name, struct buf *help, const char **ret_type)
{
	const struct scrape *s = arg;
	const struct metric *m = sources_metric(name, NULL);

	if (m) {
		put_help(help, m->help, m->unit, name);
		*ret_type = catalogue_type(m);
		return true;
	}
	for (size_t i = 0; i < s->abouts; i++) {
		const struct about *a = &s->about[i];

		if (strcmp(a->name, name) != 0)
			continue;
		put_help(help, a->help, a->unit, name);
		*ret_type = strcmp(a->type, "counter") == 0 ? "counter" : "gauge";
		return help->pos > 0;
	}
	return false;
}

/* --- values --------------------------------------------------------------------------------------------- */
struct found {
	struct buf labels, name;
	bool has_node;
};

static void
take_label(struct found *f, struct slice key, struct slice value)
{
	char name[64];

	if (slice_copy(key, name, sizeof name) < 0)
		return;
	if (strcmp(name, "__name__") == 0) {
		buf_put_slice(&f->name, value);
		return;
	}
	f->has_node = f->has_node || strcmp(name, "node") == 0;
	exporter_put_label(&f->labels, name, value);
}

static void
read_labels(struct slice labels, struct found *f)
{
	struct cbor_reader r;
	struct slice key;

	rd_init(&r, labels, ITEMS_MAX);
	rd_enter_map(&r);
	while (labels.len && rd_next_text_key(&r, &key))
		take_label(f, key, rd_text(&r));
}

static double
read_number(struct slice item)
{
	struct cbor_reader r;

	rd_init(&r, item, 2);
	return item.len && rd_peek(&r) != RD_NULL ? rd_number(&r) : NAN;
}

static const char *
name_of(const struct scrape *s, struct slice item, struct found *f)
{
	if (s->match->name)
		return s->match->name;
	if (!f->name.pos) {
		char *expression = copy_text(item_member(item, "expression"));

		if (expression)
			expression[strcspn(expression, "{")] = '\0';
		buf_puts(&f->name, expression ? expression : "");
		free(expression);
	}
	return buf_text(&f->name);
}

/* What is not chosen by somebody has names that promtool(1) has nothing against: no capitals, which are
 * node_exporter's for what has another name here as well, and no ending of a histogram's. */
static bool
is_shown(const struct scrape *s, const char *name)
{
	static const char *const wrong[] = { "_count", "_sum", "_bucket", "_info" };
	size_t len = strlen(name);

	if (!len || !s->exporter->chosen_by_none)
		return len > 0;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (len > strlen(wrong[i]) &&
		    strcmp(name + len - strlen(wrong[i]), wrong[i]) == 0)
			return false;
	return strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ:") == NULL;
}

static int
take_series(struct scrape *s, struct slice item, struct slice part)
{
	struct exporter_sample sample = { .value =
					      read_number(item_member(part, "value")) };
	double age_s = read_number(item_member(part, "age_s"));
	char *node = copy_text(item_member(item, "node"));
	struct found f = { .has_node = false };
	int err;

	if (isnan(sample.value) || !node) {
		free(node);
		return 0;
	}
	buf_init(&f.labels, ARGS_MAX);
	buf_init(&f.name, ARGS_MAX);
	if (s->controller && *node && strcmp(node, "all") != 0) {
		exporter_put_label(&f.labels, "node", slice_text(node));
		f.has_node = true;
	}
	read_labels(item_member(part, "labels"), &f);
	if (s->history && !isnan(age_s))
		sample.time_ms = clock_wall_ms() - (int64_t)(age_s * 1000);
	sample.name = (char *)(uintptr_t)name_of(s, item, &f);
	sample.labels = (char *)(uintptr_t)buf_text(&f.labels);
	err = is_shown(s, sample.name) ? exporter_page_add(&s->page, &sample) : 0;
	buf_done(&f.name);
	buf_done(&f.labels);
	free(node);
	return err;
}

static int
take_result(struct scrape *s, struct slice item)
{
	struct slice series = item_member(item, "series");
	struct cbor_reader r;
	bool any = false;
	int err = 0;

	rd_init(&r, series, ITEMS_MAX);
	rd_enter_array(&r);
	while (series.len && !err && rd_more(&r)) {
		err = take_series(s, item, rd_raw(&r));
		any = true;
	}
	s->unknown += !any;
	return err;
}

static int
ask_match(struct scrape *s, const struct exporter_match *m)
{
	const struct exporter *e = s->exporter;
	struct buf args;
	int err;

	buf_init(&args, ARGS_MAX);
	wr_open_map(&args);
	wr_key_text(&args, "expression", m->expression);
	if (s->controller)
		wr_key_text(&args, "node", e->node);
	if (s->history)
		wr_key_text(&args, "from", "history");
	wr_close(&args);
	s->match = m;
	err = ask(s, "query", &args, take_result);
	buf_done(&args);
	s->unknown += err == -EREMOTEIO;
	return err == -EREMOTEIO ? 0 : err;
}

static int
ask_all(struct scrape *s, const struct exporter_matches *matches)
{
	struct buf none;
	int err = open_daemon(s);

	if (err)
		return err;
	buf_init(&none, 16);
	wr_map(&none, 0);
	err = ask(s, "status", &none, take_role);
	s->history = s->controller &&
	    (!s->exporter->from || strcmp(s->exporter->from, "history") == 0);
	if (!err)
		err = ask(s, "metrics", &none, take_about);
	err = err == -EREMOTEIO ? 0 : err;
	buf_done(&none);
	for (size_t i = 0; i < matches->len && !err; i++)
		err = ask_match(s, &matches->match[i]);
	return err;
}

/* --- ourselves ------------------------------------------------------------------------------------------- */
static void
put_own(
    struct buf *out, const char *name, const char *type, const char *help, double value)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
	buf_printf(out, "%.15g\n", value);
}

static void
put_self(struct buf *out, const struct scrape *s, double took_s)
{
	buf_puts(out,
	    "# HELP fogwatch_build_info The version of this exporter.\n"
	    "# TYPE fogwatch_build_info gauge\n"
	    "fogwatch_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	put_own(out, "fogwatch_exporter_failures_total", "counter",
	    "Scrapes that the daemon did not answer in full.", (double)s->now.failures);
	put_own(out, "fogwatch_exporter_scrape_duration_seconds", "gauge",
	    "How long the daemon took for this scrape.", took_s);
	put_own(out, "fogwatch_exporter_scrapes_total", "counter",
	    "Scrapes since the exporter has started.", (double)s->now.scrapes);
	put_own(out, "fogwatch_exporter_series", "gauge",
	    "Series in this scrape, our own left out.", (double)s->page.len);
	put_own(out, "fogwatch_exporter_unknown", "gauge",
	    "Expressions, of a node each, that had no value in this scrape.",
	    (double)s->unknown);
	put_own(out, "fogwatch_up", "gauge",
	    "1 if the daemon has answered this scrape in full, else 0.", !s->failed);
}

static void
count(struct scrape *s)
{
	struct exporter_counts *c = s->exporter->counts;

	pthread_mutex_lock(&c->lock);
	c->scrapes++;
	c->failures += s->failed;
	s->now.scrapes = c->scrapes;
	s->now.failures = c->failures;
	pthread_mutex_unlock(&c->lock);
}

static void
free_scrape(struct scrape *s)
{
	while (s->abouts) {
		struct about *a = &s->about[--s->abouts];

		free(a->name);
		free(a->help);
		free(a->unit);
		free(a->type);
	}
	exporter_page_done(&s->page);
	ctl_disconnect(s->client);
	free(s);
}

void
exporter_scrape(
    struct exporter *e, const struct exporter_matches *matches, struct buf *out)
{
	struct scrape *s = calloc(1, sizeof *s);
	int64_t began = clock_boot_ms();
	int err;

	if (!s) {
		out->err = -ENOMEM;
		return;
	}
	s->exporter = e;
	s->deadline_ms = began + e->deadline_ms;
	err = ask_all(s, matches);
	s->failed = err != 0;
	if (err)
		fprintf(stderr, "fogwatch-exporter: %s: %s\n", e->socket,
		    err == -ETIMEDOUT ? "the daemon does not answer in time"
				      : strerror(-err));
	count(s);
	exporter_page_print(&s->page, tell_about, s, out);
	put_self(out, s, (double)(clock_boot_ms() - began) / 1000);
	free_scrape(s);
}
