/* SPDX-License-Identifier: Apache-2.0
 *
 * "exec" runs an operator's program per event: the event as one line of JSON on stdin and as FOG_…
 * in the environment, no shell. It reports on stdout
 *
 *	phase target_ready [text]	how far it has come
 *	verdict refused [text]		what came of it, if the exit status cannot say so
 *
 * and ends with 0 done, 3 already, 65 refused, 70 failed and cleaned up, 75 try again later, 77
 * fenced. Anything else, a signal for example, leaves the outcome unknown: it is then run again
 * with FOG_RESUME set to the last phase, so that it can look before it acts. Cancelling is a
 * SIGTERM to its process group. */
#include "base/conf.h"
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/event_json.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_MAX     (256 * 1024)
#define DETAIL_SIZE   256
#define FOG_VARIABLES 12
#define VARIABLES_MAX 128 /* of the configuration */
#define PATH_FIXED    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct exec {
	const struct hook_host *host;
	struct conf_list argv;
	struct conf_map env;
	struct run *runs;
};
struct run {
	struct exec *exec;
	struct hook_call *call;
	enum hook_phase phase;
	enum hook_verdict verdict; /* from a line; 0: none yet */
	char detail[DETAIL_SIZE];
	bool cancelled;
	struct run *next;
};

static const struct conf_option options[] = {
	CONF(struct exec, argv, "argv", LIST, NULL, 0, 0,
	    "The program, by absolute path, and its arguments."),
	CONF(struct exec, env, "env", MAP, NULL, 0, 0,
	    "Environment beside PATH and FOG_...; nothing else is passed on."),
};

/* --- life ----------------------------------------------------------------------------------- */

static void
exec_close(void *inst)
{
	struct exec *x = inst;

	for (struct run *r = x->runs, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	conf_free(options, ARRAY_LEN(options), x);
	free(x);
}

static int
check_program(const struct exec *x, char *err, size_t err_len)
{
	if (!x->argv.len || x->argv.item[0][0] != '/') {
		snprintf(err, err_len, "argv: a program by its absolute path is needed");
		return -EINVAL;
	}
	if (access(x->argv.item[0], X_OK) == 0)
		return 0;
	snprintf(err, err_len, "argv: %s: %s", x->argv.item[0], strerror(errno));
	return -errno;
}

static int
check_names(const struct exec *x, char *err, size_t err_len)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	for (size_t i = 0; i < x->env.len; i++) {
		const char *name = x->env.key[i];

		if (*name && !name[strspn(name, letters)])
			continue;
		snprintf(err, err_len, "env: %s is not the name of a variable", name);
		return -EINVAL;
	}
	if (x->env.len <= VARIABLES_MAX)
		return 0;
	snprintf(err, err_len, "env: more than %d variables", VARIABLES_MAX);
	return -EINVAL;
}

static int
exec_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	struct exec *x = calloc(1, sizeof *x);
	int rc;

	if (!x)
		return -ENOMEM;
	x->host = host;
	rc = hook_config_load(options, ARRAY_LEN(options), config_json, x, err, err_len);
	if (!rc)
		rc = check_program(x, err, err_len);
	if (!rc)
		rc = check_names(x, err, err_len);
	if (rc < 0) {
		exec_close(x);
		return rc;
	}
	*ret_inst = x;
	return 0;
}

static int
exec_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst;
	if (ev->kind != HOOK_MIGRATE)
		return 0;
	if (!ev->candidates_len) {
		snprintf(err, err_len, "no target");
		return -EINVAL;
	}
	if (ev->source && !strcmp(ev->candidates[0], ev->source)) {
		snprintf(err, err_len, "source and target are both %s", ev->source);
		return -EINVAL;
	}
	return 0;
}

/* --- what the program says ----------------------------------------------------------------- */

/* "phase target_ready text": the rest behind the word, or NULL. */
static const char *
after_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) || (line[len] && line[len] != ' '))
		return NULL;
	return line + len + strspn(line + len, " ");
}

static const char *
split_word(const char *text, char *word, size_t size)
{
	size_t len = strcspn(text, " ");

	snprintf(word, size, "%.*s", (int)(len < size ? len : size - 1), text);
	return text + len + strspn(text + len, " ");
}

static void
take_line(void *arg, const char *line)
{
	struct run *r = arg;
	char word[32];
	const char *rest = after_word(line, "phase"), *detail;

	if (rest) {
		enum hook_phase phase;

		detail = split_word(rest, word, sizeof word);
		phase = hook_phase_find(word);
		if (phase) {
			r->phase = phase > r->phase ? phase : r->phase;
			r->exec->host->progress(r->call, phase, detail);
			return;
		}
	}
	rest = after_word(line, "verdict");
	if (rest) {
		detail = split_word(rest, word, sizeof word);
		if (hook_verdict_find(word)) {
			r->verdict = hook_verdict_find(word);
			snprintf(r->detail, sizeof r->detail, "%s", detail);
			return;
		}
	}
	r->exec->host->log(r->exec->host->arg, 3, line);
}

static enum hook_verdict
verdict_of_exit(int code)
{
	static const struct {
		int code;
		enum hook_verdict verdict;
	} meanings[] = { { 0, HOOK_DONE }, { 3, HOOK_ALREADY }, { 65, HOOK_REFUSED },
		{ 70, HOOK_FAILED_CLEAN }, { 75, HOOK_RETRY }, { 77, HOOK_FENCED } };

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (meanings[i].code == code)
			return meanings[i].verdict;
	return HOOK_FAILED_UNKNOWN;
}

/* A program that was ended by our SIGTERM before it did anything has done nothing. */
static enum hook_verdict
judge_signal(struct run *r, int sig)
{
	if (!*r->detail)
		snprintf(r->detail, sizeof r->detail, "ended by signal %d", sig);
	return r->cancelled && sig == SIGTERM && r->phase < HOOK_TARGET_STARTING
	    ? HOOK_CANCELLED
	    : HOOK_FAILED_UNKNOWN;
}

/* A line and an exit status that contradict each other are worth nothing together. */
static enum hook_verdict
judge_exit(struct run *r, int code)
{
	enum hook_verdict v = verdict_of_exit(code);

	if (r->verdict && code != 0 && v != r->verdict) {
		snprintf(r->detail, sizeof r->detail, "it said %s but exited with %d",
		    hook_verdict_name(r->verdict), code);
		return HOOK_FAILED_UNKNOWN;
	}
	if (r->verdict)
		v = r->verdict;
	else if (v == HOOK_FAILED_UNKNOWN)
		snprintf(r->detail, sizeof r->detail, "exited with %d", code);
	if (r->cancelled && (v == HOOK_FAILED_CLEAN || v == HOOK_RETRY))
		return HOOK_CANCELLED;
	return v;
}

static enum hook_verdict
judge_end(struct run *r, int status)
{
	if (status < 0) {
		snprintf(r->detail, sizeof r->detail, "%s could not be started: %s",
		    r->exec->argv.item[0], strerror(-status));
		return r->cancelled ? HOOK_CANCELLED : HOOK_FAILED_CLEAN;
	}
	return WIFEXITED(status) ? judge_exit(r, WEXITSTATUS(status))
				 : judge_signal(r, WTERMSIG(status));
}

static void
unlink_run(struct run *r)
{
	struct run **at = &r->exec->runs;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
}

static void
end_run(void *arg, int status)
{
	struct run *r = arg;
	enum hook_verdict v = judge_end(r, status);

	unlink_run(r);
	r->exec->host->done(r->call, v, r->detail);
	free(r);
}

/* --- running ---------------------------------------------------------------------------------- */

/* "NAME=value" one after the other, all in one allocation behind the pointers. */
struct environment {
	const char *word[FOG_VARIABLES + VARIABLES_MAX + 2];
	size_t words;
	struct buf text;
};

static void
put_variable(struct environment *e, const char *name, const char *value)
{
	buf_puts(&e->text, name);
	buf_put_u8(&e->text, '=');
	buf_puts(&e->text, value ? value : "");
	buf_put_u8(&e->text, '\0');
	e->words++;
}

static int
fill_environment(struct environment *e, const struct exec *x, const struct hook_event *ev,
    enum hook_phase resume)
{
	char generation[24], rev[16];
	const char *at;

	snprintf(generation, sizeof generation, "%" PRIu64, ev->generation);
	snprintf(rev, sizeof rev, "%" PRIu32, ev->rev);
	buf_init(&e->text, EVENT_MAX);
	put_variable(e, "FOG_ID", ev->id);
	put_variable(e, "FOG_KIND", hook_kind_name(ev->kind));
	put_variable(e, "FOG_STAGE", ev->stage == HOOK_PREPARE ? "prepare" : "commit");
	put_variable(e, "FOG_REV", rev);
	put_variable(e, "FOG_SERVICE", ev->service);
	put_variable(e, "FOG_FUNCTION", ev->function);
	put_variable(e, "FOG_SOURCE", ev->source);
	put_variable(e, "FOG_TARGET", ev->candidates_len ? ev->candidates[0] : "");
	put_variable(e, "FOG_GENERATION", generation);
	put_variable(e, "FOG_DRY_RUN", ev->dry_run ? "1" : "0");
	put_variable(e, "FOG_REASON", ev->reason);
	put_variable(e, "FOG_RESUME", resume ? hook_phase_name(resume) : "");
	for (size_t i = 0; i < x->env.len; i++)
		put_variable(e, x->env.key[i], x->env.value[i]);
	if (e->text.err)
		return e->text.err;
	at = (const char *)e->text.data;
	for (size_t i = 0; i < e->words; i++, at += strlen(at) + 1)
		e->word[i] = at;
	e->word[e->words] = conf_map_get(&x->env, "PATH") ? NULL : PATH_FIXED;
	return 0;
}

static int
spawn_program(struct run *r, const struct hook_event *ev, enum hook_phase resume)
{
	struct exec *x = r->exec;
	struct environment e = { .words = 0 };
	struct buf input;
	int rc = fill_environment(&e, x, ev, resume);

	buf_init(&input, EVENT_MAX);
	hook_event_json(ev, resume, &input);
	if (!rc)
		rc = input.err;
	if (!rc)
		rc = x->host->spawn(r->call, (const char *const *)x->argv.item, e.word,
		    buf_text(&input), take_line, end_run, r);
	buf_done(&input);
	buf_done(&e.text);
	return rc;
}

static int
run_program(struct exec *x, const struct hook_event *ev, enum hook_phase resume,
    struct hook_call *call)
{
	struct run *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return -ENOMEM;
	r->exec = x;
	r->call = call;
	r->phase = resume;
	rc = spawn_program(r, ev, resume);
	if (rc < 0) {
		free(r);
		return rc;
	}
	r->next = x->runs;
	x->runs = r;
	return 0;
}

static int
exec_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	return run_program(inst, ev, 0, call);
}

/* The program is asked: it knows the id and the generation, and that it is not the first time. */
static int
exec_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	return run_program(inst, ev, last ? last : HOOK_ACCEPTED, call);
}

static void
exec_cancel(void *inst, struct hook_call *call)
{
	struct exec *x = inst;

	for (struct run *r = x->runs; r; r = r->next)
		if (r->call == call) {
			r->cancelled = true;
			x->host->kill(call, SIGTERM);
		}
}

static int
exec_health(void *inst, char *msg, size_t msg_len)
{
	return check_program(inst, msg, msg_len);
}

const struct hook_type hook_exec = {
	HOOK_TYPE,
	.name = "exec",
	.help = "runs a program per event, without a shell",
	.caps = HOOK_CAN_DRY_RUN | HOOK_CAN_CANCEL | HOOK_CAN_RESUME | HOOK_CAN_OVERLAP,
	.open = exec_open,
	.check = exec_check,
	.start = exec_start,
	.cancel = exec_cancel,
	.resume = exec_resume,
	.health = exec_health,
	.close = exec_close,
};
