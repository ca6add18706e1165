/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl watch: asks again and again on one connection. On a terminal it is a page, otherwise lines. */
#include "base/clock.h"
#include "ctl/asked.h"
#include "ctl/daemon.h"
#include "ctl/local.h"
#include "ctl/metrics.h"
#include "ctl/screen.h"
#include "ctl/watch_view.h"
#include "ctl/when.h"
#include "metrics/list.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ARGS_MAX    65536
#define INTERVAL_MS 1000
#define PAGE_MAX    (1u << 20)

struct watch {
	struct printer *printer;
	struct asked_query asked;
	struct ctl_client *client;
	int64_t interval_ms, count; /* count 0: until interrupted */
	bool page;
	struct watch_view view;
};

/* --- asking ------------------------------------------------------------------------------------- */
static int
take_item(void *arg, struct slice item)
{
	struct watch *w = arg;
	struct printer *p = w->printer;
	int err;

	if (w->page)
		return watch_take(&w->view, item);
	err = p->output->item(p, item);
	p->items++;
	return !err && ferror(p->to) ? -EPIPE : err;
}

static int
take_past(void *arg, struct slice item)
{
	struct watch *w = arg;
	struct course c;
	int err = course_read(item, &c);

	if (err)
		return err;
	err = watch_take_past(&w->view, &c);
	course_done(&c);
	return err;
}

static int
ask_each(struct watch *w, const struct asked_query *asked,
    int (*item)(void *arg, struct slice in))
{
	int status = LOCAL_DONE;

	for (size_t e = 0; e < asked->expressions && !status; e++)
		for (size_t n = 0; n < (asked->nodes ? asked->nodes : 1) && !status;
		     n++) {
			struct buf args;

			buf_init(&args, ARGS_MAX);
			asked_put(asked, asked->expression[e],
			    asked->nodes ? asked->node[n] : NULL, &args);
			status = daemon_ask(
			    w->client, "query", ASK_EITHER, buf_slice(&args), item, w);
			buf_done(&args);
		}
	return status;
}

/* What has been, so that the page is not empty at first. */
static int
ask_past(struct watch *w)
{
	struct asked_query past = w->asked;
	char pattern[LIST_PATTERN_MAX + 1], why[160];
	unsigned columns, rows;

	for (size_t e = 0; e < past.expressions; e++)
		if (list_parse(past.expression[e], pattern, why, sizeof why))
			return LOCAL_DONE; /* a list has none */
	screen_size(&columns, &rows);
	past.step_ms = w->interval_ms;
	past.range_ms = w->interval_ms * (columns < 200 ? columns : 200);
	return ask_each(w, &past, take_past);
}

/* --- lines --------------------------------------------------------------------------------------- */
static void
on_interrupt(int signal)
{
	(void)signal;
	_exit(0);
}

static int
run_lines(struct watch *w)
{
	int64_t due = clock_boot_ms();
	int status = LOCAL_DONE;

	(void)sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	for (int64_t n = 0; !status; n++) {
		status = ask_each(w, &w->asked, take_item);
		fflush(w->printer->to);
		if (status || n + 1 == w->count)
			break;
		due += w->interval_ms;
		if (due < clock_boot_ms())
			due = clock_boot_ms();
		while (clock_boot_ms() < due)
			(void)poll(NULL, 0, (int)(due - clock_boot_ms()));
	}
	return status;
}

/* --- a page --------------------------------------------------------------------------------------- */
static void
draw(const struct watch *w)
{
	char title[200], every[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX];
	unsigned columns, rows;
	struct buf page;

	clock_format(clock_wall_ms(), now);
	now[19] = '\0';
	now[10] = ' ';
	snprintf(title, sizeof title, "every %s, %s UTC  (q ends)",
	    clock_format_span(w->interval_ms, every), now);
	screen_size(&columns, &rows);
	buf_init(&page, PAGE_MAX);
	watch_page(&w->view, title, columns, rows, &page);
	screen_draw(buf_slice(&page));
	buf_done(&page);
}

/* True: somebody wants the end. */
static bool
wait_turn(const struct watch *w, int64_t due)
{
	char key = 0;

	for (int64_t left; (left = due - clock_boot_ms()) > 0;) {
		enum screen_event e =
		    screen_wait(left < INT32_MAX ? left : INT32_MAX, &key);

		if (e == SCREEN_KEY && (key == 'q' || key == 'Q'))
			return true;
		if (e == SCREEN_RESIZED)
			draw(w);
	}
	return false;
}

static int
run_page(struct watch *w)
{
	int status = LOCAL_DONE;

	if (screen_begin())
		return local_refuse(
		    "the terminal cannot be used; try: fogctl watch … | cat");
	for (int64_t n = 0, due = clock_boot_ms(); !status; n++) {
		watch_turn(&w->view);
		status = ask_each(w, &w->asked, take_item);
		watch_turn_end(&w->view);
		draw(w);
		due += w->interval_ms;
		if (due < clock_boot_ms())
			due = clock_boot_ms() + 1;
		if (n + 1 == w->count || wait_turn(w, due))
			break;
	}
	screen_end();
	return status;
}

/* --- the command ---------------------------------------------------------------------------------- */
static int
read_options(struct slice args, struct watch *w)
{
	char text[64];
	int status = asked_read(args, &w->asked);

	if (status)
		return status;
	w->interval_ms = INTERVAL_MS;
	if (ctl_arg_text(args, "interval", text, sizeof text) &&
	    (when_parse_span(text, &w->interval_ms) || w->interval_ms < 50 ||
		w->interval_ms > 86400000))
		return local_usage(
		    "--interval takes a span from 50ms to 1d, not \"%s\"", text);
	(void)ctl_arg_int(args, "count", &w->count);
	if (ctl_arg_bool(args, "once"))
		w->count = 1;
	return LOCAL_DONE;
}

int
watch_run(struct slice args, struct printer *p)
{
	struct watch w = { .printer = p };
	int status = read_options(args, &w);

	w.page = screen_is_possible() && p->output == &output_text && w.count != 1;
	if (!status && daemon_open_set(ASK_EITHER, false, &w.client))
		status = LOCAL_REFUSED;
	if (!status && w.page)
		status = ask_past(&w);
	if (!status)
		status = w.page ? run_page(&w) : run_lines(&w);
	ctl_disconnect(w.client);
	watch_view_done(&w.view);
	asked_done(&w.asked);
	return status;
}
