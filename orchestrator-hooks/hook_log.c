/* SPDX-License-Identifier: Apache-2.0
 *
 * "log" moves nothing. It writes each event to the controller's log, or as a line of JSON to the end
 * of a file, and answers what it was told to answer: for trying out service descriptions, and for
 * orchestrators that read along and need no handshake. */
#include "base/conf.h"
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/event_json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EVENT_MAX (256 * 1024)

struct log_hook {
	const struct hook_host *host;
	char *file;
	int verdict; /* index into answers */
	int fd;	     /* -1: to the log */
};

static const char *const answers[] = { "done", "already", "refused", "failed_clean",
	NULL };
static const struct conf_option options[] = {
	CONF(struct log_hook, file, "file", TEXT, NULL, 0, 0,
	    "Append each event to this file; none: to the log."),
	{ .name = "verdict",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct log_hook, verdict),
	    .preset = "done",
	    .choices = answers,
	    .help = "What it answers: with done the function counts as moved." },
};

static void
log_close(void *inst)
{
	struct log_hook *h = inst;

	if (h->fd >= 0)
		close(h->fd);
	conf_free(options, ARRAY_LEN(options), h);
	free(h);
}

static int
open_file(struct log_hook *h, char *err, size_t err_len)
{
	h->fd = -1;
	if (!h->file)
		return 0;
	h->fd = open(h->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (h->fd >= 0)
		return 0;
	snprintf(err, err_len, "%s: %s", h->file, strerror(errno));
	return -errno;
}

static int
log_open_hook(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	struct log_hook *h = calloc(1, sizeof *h);
	int rc;

	if (!h)
		return -ENOMEM;
	h->host = host;
	h->fd = -1;
	rc = hook_config_load(options, ARRAY_LEN(options), config_json, h, err, err_len);
	if (!rc)
		rc = open_file(h, err, err_len);
	if (rc < 0) {
		log_close(h);
		return rc;
	}
	*ret_inst = h;
	return 0;
}

static int
log_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst, (void)ev, (void)err, (void)err_len;
	return 0;
}

/* One write a line, so that lines of several writers do not mix. */
static int
write_event(struct log_hook *h, const struct hook_event *ev)
{
	struct buf line;
	int rc;

	buf_init(&line, EVENT_MAX);
	hook_event_json(ev, 0, &line);
	rc = line.err;
	if (!rc && h->fd >= 0 && write(h->fd, line.data, line.pos) != (ssize_t)line.pos)
		rc = -EIO;
	if (!rc && h->fd < 0) {
		line.pos--; /* the log ends its lines itself */
		h->host->log(h->host->arg, 2, buf_text(&line));
	}
	buf_done(&line);
	return rc;
}

static int
log_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	struct log_hook *h = inst;
	int rc = write_event(h, ev);

	if (rc < 0)
		return rc;
	h->host->done(call, hook_verdict_find(answers[h->verdict]), "");
	return 0;
}

static void
log_cancel(void *inst, struct hook_call *call)
{
	(void)inst, (void)call; /* the answer was given at once */
}

static int
log_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	(void)last;
	return log_start(inst, ev, call);
}

const struct hook_type hook_log = {
	HOOK_TYPE,
	.name = "log",
	.help = "writes events to the log or a file and moves nothing",
	.caps = HOOK_CAN_DRY_RUN | HOOK_CAN_RESUME,
	.kinds = HOOK_KINDS_ALL,
	.open = log_open_hook,
	.check = log_check,
	.start = log_start,
	.cancel = log_cancel,
	.resume = log_resume,
	.close = log_close,
};
