// SPDX-License-Identifier: Apache-2.0
//
// Whatever a file holds: it is refused with a complaint, or what it means can be printed and
// the print means the same.
#include "base/conf.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct config {
	int64_t count, span, size;
	double real;
	bool on;
	char *text, *preset_text;
	int choice;
	struct conf_list list;
	struct conf_map map;
	const struct yaml_node *tree;
};

static const char *const choices[] = { "one", "two", NULL };

static const struct conf_option options[] = {
	CONF(struct config, count, "a.count", INT, "3", 1, 1000, ""),
	CONF(struct config, text, "text", TEXT, NULL, 0, 0, ""),
	CONF(struct config, span, "a.b.span", DURATION, "1s", 0, 0, ""),
	CONF(struct config, size, "a.size", SIZE, NULL, 0, 0, ""),
	CONF(struct config, real, "real", REAL, "0.5", -1e9, 1e9, ""),
	CONF(struct config, on, "on", BOOL, "true", 0, 0, ""),
	CONF(struct config, preset_text, "preset", TEXT, "x", 0, 0, ""),
	{ .name = "choice",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct config, choice),
	    .preset = "one",
	    .choices = choices },
	CONF(struct config, list, "list", LIST, "[a]", 0, 0, ""),
	CONF(struct config, map, "map", MAP, NULL, 0, 0, ""),
	CONF(struct config, tree, "tree", TREE, NULL, 0, 0, ""),
};

/* A tree is printed as a comment: there or not there is all that may differ. */
static char *
print(struct config *config, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	assert(f);
	config->tree = NULL;
	conf_print(options, ARRAY_LEN(options), config, f);
	fclose(f);
	return text;
}

static void
check_round_trip(struct config *first)
{
	struct complaints c;
	struct config second;
	struct yaml_doc *doc = NULL;
	size_t len, again_len;
	char *text = print(first, &len), *again;

	complaints_init(&c);
	if (len < 1000000) { /* escapes may make a large file larger than what is read */
		assert(yaml_parse(slice_text(text), "print", &c, &doc) == 0);
		assert(conf_load(options, ARRAY_LEN(options), yaml_root(doc), &c,
			   &second) == 0);
		again = print(&second, &again_len);
		assert(!strcmp(text, again));
		free(again);
		conf_free(options, ARRAY_LEN(options), &second);
	}
	yaml_doc_free(doc);
	complaints_done(&c);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints c;
	struct config config;
	struct yaml_doc *doc = NULL;
	int err;

	complaints_init(&c);
	err = yaml_parse((struct slice){ data, size }, "f", &c, &doc);
	assert(err == 0 || err == -EBADMSG);
	assert((err == 0) == (c.errors == 0));
	if (!err) {
		err = conf_load(options, ARRAY_LEN(options), yaml_root(doc), &c, &config);
		assert((err == 0) == (c.errors == 0));
		if (!err)
			check_round_trip(&config);
		conf_free(options, ARRAY_LEN(options), &config);
	}
	yaml_doc_free(doc);
	complaints_done(&c);
	return 0;
}
