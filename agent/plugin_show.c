/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plugin_show.h"

#include "agent/agent.h"
#include "agent/plugin.h"
#include "base/cbor.h"

#define ITEM_MAX (256 * 1024)

static void
put_text_list(struct buf *b, const char *key, const char *const *text, size_t len)
{
	wr_text(b, key);
	wr_open_array(b);
	for (size_t i = 0; i < len && text[i]; i++)
		wr_text(b, text[i]);
	wr_close(b);
}

static void
put_name(void *arg, const struct metric *m)
{
	wr_text(arg, m->name);
}

static void
put_span(struct buf *b, const char *key, int64_t ms)
{
	if (ms > 0)
		wr_key_double(b, key, (double)ms / 1000);
	else
		wr_key_text(b, key, NULL);
}

static void
put_plugin(struct buf *b, const struct plugin *p)
{
	const struct plugin_config *cfg = plugin_config(p);
	struct plugin_status s;

	plugin_status(p, &s);
	wr_open_map(b);
	wr_key_text(b, "name", cfg->name);
	wr_key_text(b, "state", plugin_state_name(s.state));
	wr_key_text(b, "prefix", cfg->prefix);
	put_span(b, "running_s", s.running_ms);
	put_span(b, "retry_s", s.retry_ms);
	wr_key_int(b, "restarts", s.restarts);
	wr_key_int(b, "lines", (int64_t)s.lines);
	wr_key_int(b, "lines_refused", (int64_t)s.refused);
	wr_key_int(b, "values", (int64_t)s.values);
	wr_key_int(b, "left_out", (int64_t)s.left_out);
	wr_key_int(b, "over_limit", (int64_t)s.over_limit);
	wr_key_int(b, "metrics", (int64_t)s.metrics);
	wr_text(b, "metric_names");
	wr_open_array(b);
	plugin_each_metric(p, put_name, b);
	wr_close(b);
	wr_key_text(b, "error", *s.error ? s.error : NULL);
	wr_key_text(b, "refused", *s.why_refused ? s.why_refused : NULL);
	put_text_list(b, "stderr", s.said, PLUGIN_STDERR_LINES);
	put_text_list(
	    b, "command", (const char *const *)cfg->command.item, cfg->command.len);
	wr_key_bool(b, "network", cfg->network);
	wr_close(b);
}

int
show_plugins(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < plugins_len(a->plugins); i++) {
		put_plugin(&b, plugins_at(a->plugins, i));
		if (!b.err)
			ctl_send(req, buf_slice(&b));
		buf_reset(&b);
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}
