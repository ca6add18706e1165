/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl: the operator's tool. Finds the command, asks the daemon, prints the answer. */
#include "base/cbor.h"
#include "base/ctl.h"
#include "config.h"
#include "ctl/command.h"
#include "ctl/completion.h"
#include "ctl/daemon.h"
#include "ctl/local.h"
#include "ctl/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX    (2u << 20)
#define PENDING_MAX (64u << 20)

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE };

struct settings {
	struct daemon_at at;
	const struct output *output;
	bool header, help, version;
};

static int
usage_error(const char *what)
{
	fprintf(stderr, "fogctl: %s\nTry: fogctl --help\n", what);
	return EXIT_USAGE;
}

/* An option with a value: "--socket PATH" or "--socket=PATH". 1: it was one, 0: it was not, else a
 * negative exit status. */
static int
take_value(int argc, char **argv, int *i, struct settings *s)
{
	const struct {
		const char *name, *needs;
		const char **value;
	} option[] = { { "--socket", "--socket needs PATH", &s->at.socket },
		{ "--controller", "--controller needs [HOST]:PORT", &s->at.controller },
		{ "--identity", "--identity needs DIR", &s->at.identity } };
	const char *a = argv[*i];

	for (size_t o = 0; o < ARRAY_LEN(option); o++) {
		size_t len = strlen(option[o].name);

		if (strncmp(a, option[o].name, len) != 0 || (a[len] && a[len] != '='))
			continue;
		if (!a[len] && *i + 1 >= argc)
			return -usage_error(option[o].needs);
		*option[o].value = a[len] ? a + len + 1 : argv[++*i];
		return 1;
	}
	return 0;
}

/* Global options may stand anywhere; what is not one of them moves to the front of argv.
 * Returns how many words are left, or a negative exit status. */
static int
take_globals(int argc, char **argv, struct settings *s)
{
	int left = 0, rc;

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (strcmp(a, "--json") == 0)
			s->output = &output_json;
		else if (strcmp(a, "--cbor") == 0)
			s->output = &output_cbor;
		else if (strcmp(a, "--csv") == 0)
			s->output = &output_csv;
		else if (strcmp(a, "--no-header") == 0)
			s->header = false;
		else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
			s->help = true;
		else if (strcmp(a, "--version") == 0)
			s->version = true;
		else if ((rc = take_value(argc, argv, &i, s)) < 0)
			return rc;
		else if (rc == 0)
			argv[left++] = argv[i];
		if (left && strcmp(argv[left - 1], "--") == 0) {
			while (++i < argc)
				argv[left++] = argv[i];
		}
	}
	return left;
}

static int
print_item(void *arg, struct slice item)
{
	struct printer *p = arg;
	int err = p->output->item(p, item);

	p->items++;
	return !err && p->shape == SHAPE_STREAM && ferror(p->to) ? -EPIPE : err;
}

/* One request: every item of its answer goes to the printer. */
static int
ask(struct ctl_client *c, const struct call *call, const char *node, struct printer *p)
{
	struct buf args;
	int status;

	buf_init(&args, ARGS_MAX);
	call_args_for(call, node, &args);
	status = daemon_ask(c, call->command->name, call->command->asked,
	    buf_slice(&args), print_item, p);
	buf_done(&args);
	return status;
}

static enum shape
shape_of(const struct call *call)
{
	if (call->follow)
		return SHAPE_STREAM;
	if (call->nodes > 1 || (call->nodes == 1 && strcmp(call->node[0], "all") == 0))
		return SHAPE_LIST;
	return call->command->shape;
}

/* A command that needs no daemon. */
static int
run_here(const struct call *call, struct printer *p)
{
	struct buf args;
	int status;

	buf_init(&args, ARGS_MAX);
	buf_init(&p->pending, PENDING_MAX);
	call_args_for(call, NULL, &args);
	p->output->begin(p);
	status = call->command->run(buf_slice(&args), p);
	if ((!status || p->items) && (p->output->end(p) || fflush(p->to)))
		status = EXIT_REFUSED;
	buf_done(&p->pending);
	buf_done(&args);
	return status;
}

static int
perform(const struct settings *s, const struct call *call)
{
	struct printer p = { .output = s->output,
		.command = call->table,
		.shape = shape_of(call),
		.header = s->header,
		.to = stdout };
	enum asked asked = call->command->asked;
	struct ctl_client *c = NULL;
	int status = EXIT_DONE;

	daemon_set(&s->at);
	local_set_socket(
	    s->at.socket ? s->at.socket : daemon_default_socket(ASK_CONTROLLER));
	if (call->command->run)
		return run_here(call, &p);
	if (daemon_open(&s->at, asked, false, &c))
		return EXIT_REFUSED;
	buf_init(&p.pending, PENDING_MAX);
	p.output->begin(&p);
	for (size_t i = 0; i < (call->nodes ? call->nodes : 1) && !status; i++)
		status = ask(c, call, call->nodes ? call->node[i] : NULL, &p);
	if (!status || p.items)
		status = p.output->end(&p) ? EXIT_REFUSED : status;
	buf_done(&p.pending);
	ctl_disconnect(c);
	return status;
}

static int
unknown_command(char *const *argv, int argc)
{
	bool in_group = command_is_group(argv[0]);
	char typed[128];

	if (in_group && argc > 1)
		snprintf(typed, sizeof typed, "%s %s", argv[0], argv[1]);
	else
		snprintf(typed, sizeof typed, "%s", argv[0]);
	if (in_group && argc == 1)
		fprintf(stderr, "fogctl: %s needs a command", typed);
	else
		fprintf(stderr, "fogctl: there is no command \"%s\"", typed);
	const char *near = in_group && argc == 1 ? NULL : command_nearest(typed);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?", near);
	fprintf(stderr, "\nTry: fogctl %s%s--help\n", in_group ? argv[0] : "",
	    in_group ? " " : "");
	return EXIT_USAGE;
}

static int
run_command(const struct settings *s, char **argv, int argc)
{
	char err[256] = "";
	struct call call;
	int words = 0, rc;
	const struct command *c = command_find(argv, argc, &words);

	if (!c && s->help && argc == 1 && command_is_group(argv[0])) {
		help_print_group(argv[0]);
		return EXIT_DONE;
	}
	if (!c)
		return unknown_command(argv, argc);
	if (s->help) {
		help_print(c);
		return EXIT_DONE;
	}
	rc = call_parse(c, argv + words, argc - words, &call, err, sizeof err);
	if (rc) {
		fprintf(stderr, "fogctl: %s\n", *err ? err : strerror(-rc));
		if (rc == -EINVAL)
			fprintf(stderr, "Try: fogctl help %s\n", c->name);
		call_done(&call);
		return rc == -EINVAL ? EXIT_USAGE : EXIT_REFUSED;
	}
	rc = perform(s, &call);
	call_done(&call);
	return rc;
}

/* --- completion ---------------------------------------------------------------------------------- */

/* While somebody types, a daemon that does not answer is no error. */
static void
ask_quietly(void *arg, const char *socket, const char *command,
    void (*item)(void *item_arg, struct slice item), void *item_arg)
{
	CLEANUP(ctl_disconnect) struct ctl_client *c = NULL;
	struct slice in;

	(void)arg;
	if (ctl_connect(socket ? socket : daemon_default_socket(ASK_CONTROLLER), &c) ||
	    ctl_call(c, command, (struct slice){ 0 }))
		return;
	while (ctl_next(c, &in) == 1)
		item(item_arg, in);
}

static int
run_completion(const struct settings *s, char **argv, int argc)
{
	static const struct completion_source source = { ask_quietly, NULL };

	if (s->help) {
		puts("usage: fogctl completion bash | zsh\n\n"
		     "Prints the completion of fogctl for a shell.");
		return EXIT_DONE;
	}
	if (argc > 1 && strcmp(argv[0], "words") == 0 && strcmp(argv[1], "--") == 0) {
		completion_print_words(argv + 2, argc - 2, &source, stdout);
		return EXIT_DONE;
	}
	return argc != 1 || completion_print_script(argv[0], stdout)
	    ? usage_error("completion is for bash or zsh: fogctl completion bash")
	    : EXIT_DONE;
}

/* --- the table of contents ------------------------------------------------------------------------- */

static int
run(struct settings *s, char **argv, int argc)
{
	if (s->version) {
		puts("fogctl " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	if (!s->at.controller != !s->at.identity)
		return usage_error("--controller and --identity go together");
	if (argc && strcmp(argv[0], "help") == 0) {
		s->help = true;
		memmove(argv, argv + 1, (size_t)--argc * sizeof *argv);
	}
	if (argc && strcmp(argv[0], "completion") == 0)
		return run_completion(s, argv + 1, argc - 1);
	if (argc)
		return run_command(s, argv, argc);
	if (!s->help)
		return usage_error("what shall I show? For example: fogctl nodes");
	help_print_all();
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct settings s = { .output = &output_text, .header = true };
	int left;

	signal(SIGPIPE, SIG_IGN);
	left = take_globals(argc, argv, &s);
	if (left < 0)
		return -left;
	return run(&s, argv, left);
}
