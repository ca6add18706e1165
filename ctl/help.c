/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

static void
print_synopsis(const struct command *c)
{
	fputs(c->name, stdout);
	for (size_t i = 0; i < COMMAND_WORDS_MAX && c->word[i].title; i++)
		printf(c->word[i].kind == WORD_OPTIONAL ? " [%s]"
			: c->word[i].kind == WORD_MANY	? " %s…"
							: " %s",
		    c->word[i].title);
	for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->option[i].name; i++)
		printf(c->option[i].title ? " [%s %s]" : " [%s]", c->option[i].name,
		    c->option[i].title);
}

static void
print_options(const struct option_row *o, size_t max)
{
	for (size_t i = 0; i < max && o[i].name; i++) {
		int n = printf("  %s%s %s", o[i].kind == OPTION_NODES ? "-n, " : "",
		    o[i].name, o[i].title ? o[i].title : "");

		printf("%*s%s\n", n < 20 ? 20 - n : 1, "", o[i].help);
	}
}

static void
print_commands(const char *group)
{
	size_t len = strlen(group);

	for (const struct command *c = commands; c->name; c++)
		if (len == 0 ||
		    (strncmp(c->name, group, len) == 0 && c->name[len] == ' '))
			printf("  %-17s%s\n", c->name, c->help);
}

void
help_print_group(const char *group)
{
	printf("usage: fogctl [OPTION]… %s COMMAND [ARGUMENT]…\n\ncommands:\n", group);
	print_commands(group);
	printf("\nTry: fogctl help %s COMMAND\n", group);
}

void
help_print_all(void)
{
	puts("usage: fogctl [OPTION]… COMMAND [ARGUMENT]…\n\n"
	     "Shows and steers fogwatch through the control socket of a "
	     "daemon.\n\ncommands:");
	print_commands("");
	printf("  %-17s%s\n", "completion",
	    "a script for a shell: completion bash, completion zsh");
	printf("  %-17s%s\n", "help", "this text, or that of a command: help query");
	puts("\noptions:");
	print_options(global_options, 16);
	puts("\nExit status: 0 done, 1 refused or not reachable, 2 wrong usage. Manual: "
	     "fogctl(1).");
}

void
help_print(const struct command *c)
{
	fputs("usage: fogctl [OPTION]… ", stdout);
	print_synopsis(c);
	printf("\n\n%c%s.\n", c->help[0] - ('a' - 'A'), c->help + 1);
	if (c->option[0].name) {
		puts("\noptions:");
		print_options(c->option, COMMAND_OPTIONS_MAX);
	}
}
