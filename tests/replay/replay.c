/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays a scenario on real engines in virtual time and says in TAP whether all was as expected. */
#include "tests/replay/stage.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCENARIO_MAX 65536

static void
give_up(const char *path, const char *what)
{
	printf("Bail out! %s: %s\n", path, what);
	exit(1);
}

static char *
read_file(const char *path)
{
	char *text = calloc(1, SCENARIO_MAX);
	FILE *f = fopen(path, "r");
	size_t len;

	if (!f || !text)
		give_up(path, strerror(errno));
	len = fread(text, 1, SCENARIO_MAX - 1, f);
	if (len == SCENARIO_MAX - 1)
		give_up(path, "too long");
	fclose(f);
	return text;
}

/* The first comment says what the scenario shows. */
static char *
description(const char *path, const char *text)
{
	const char *end = strchr(text, '\n');
	char *ret;

	if (strncmp(text, "# ", 2) != 0 || !end)
		give_up(path, "the first line is not a comment that says what it shows");
	ret = strndup(text + 2, (size_t)(end - text - 2));
	if (!ret)
		give_up(path, strerror(errno));
	return ret;
}

/* "100ms", "+5ms", "2s": everything until then happens before the line does. */
static void
pass_time(struct line *l)
{
	const char *word = line_peek(l);
	bool relative = *word == '+';
	int64_t ms, now = stage_now();
	char *unit;

	if (!isdigit((unsigned char)word[relative]) ||
	    (l->words > 1 && strcmp(l->word[1], "times") == 0))
		return;
	line_next(l);
	ms = strtoll(word + relative, &unit, 10);
	if (strcmp(unit, "s") == 0)
		ms *= 1000;
	else if (strcmp(unit, "ms") != 0)
		line_fail(l, "\"%s\" is not a time such as 100ms, +5ms or 2s", word);
	if (!relative && ms < now)
		line_fail(l, "it is %lld ms already", (long long)now);
	fake_run(stage.net, relative ? ms : ms - now);
}

static void
act(struct line *l)
{
	struct actor *a;

	if (setting_act(l))
		return;
	a = actor_find(line_peek(l));
	if (!a)
		line_fail(l, "\"%s\" is neither a command nor an actor", line_peek(l));
	line_next(l);
	actor_act(l, a);
}

/* [time] [N times] command */
static void
play(struct line *l)
{
	unsigned times = 1, at;

	pass_time(l);
	if (!line_peek(l))
		return;
	if (line_peek_number(l)) {
		times = (unsigned)line_number(l);
		if (!line_take(l, "times"))
			line_fail(l, "a number stands before \"times\" here");
	}
	at = l->at;
	for (unsigned i = 1; i <= times; i++) {
		script_count(i);
		l->at = at;
		act(l);
	}
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[argc - 1] : "";
	bool tell = argc == 3 && strcmp(argv[1], "-v") == 0;
	struct line l = { .path = path };
	char *text, *title, *rest;

	if (argc != 2 && !tell) {
		fprintf(stderr, "usage: replay [-v] scenario.rpl\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	rest = text = read_file(path);
	title = description(path, text);
	printf("1..1\n");
	script_name(title);
	stage_init();
	while (line_read(&l, &rest))
		play(&l);
	if (tell)
		stage_dump();
	printf("ok 1 - %s\n", title);
	stage_done();
	free(title);
	free(text);
	return 0;
}
