/* SPDX-License-Identifier: Apache-2.0 */
#include "base/daemon_options.h"

#include <config.h> /* the build's, not ours */
#include <getopt.h>
#include <stdio.h>

static void
print_usage(FILE *to, const char *program, const char *usual)
{
	fprintf(to,
	    "usage: %s [-n [-v]] [-c FILE] [-d AREAS]\n"
	    "\n"
	    "  -c, --config FILE   configuration; %s if not given\n"
	    "  -n, --check         check the configuration and exit\n"
	    "  -v, --verbose       with -n: print it with all defaults\n"
	    "  -d, --debug AREAS   write debug lines of these areas, or all\n"
	    "  -h, --help          this text\n"
	    "  -V, --version       version\n",
	    program, usual);
}

int
daemon_options(int argc, char **argv, const char *program, const char *usual,
    struct daemon_options *ret)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "debug", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "c:nvd:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			ret->config = optarg;
			break;
		case 'n':
			ret->check = true;
			break;
		case 'v':
			ret->print = true;
			break;
		case 'd':
			ret->debug = optarg;
			break;
		case 'h':
			print_usage(stdout, program, usual);
			return DAEMON_EXIT_DONE;
		case 'V':
			printf("%s %s\n", program, PACKAGE_VERSION);
			return DAEMON_EXIT_DONE;
		default:
			print_usage(stderr, program, usual);
			return DAEMON_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: what is \"%s\"?\n", program, argv[optind]);
		print_usage(stderr, program, usual);
		return DAEMON_EXIT_USAGE;
	}
	return -1;
}
