/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints service.schema.json, the JSON Schema of fogwatch-service(5), from the option tables that read
 * such files: run when fogwatch is built. What the tables leave to code, trees and what belongs together,
 * stands here. */
#include "base/json.h"
#include "controller/candidates.h"
#include "controller/service.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (256 * 1024)
#define DRAFT	 "https://json-schema.org/draft/2020-12/schema"
#define REF(def) "{\"$ref\":\"#/$defs/" def "\"}"

static const struct level {
	const char *name; /* "": the document */
	const struct conf_option *options;
	const char *rest; /* what must be there */
} levels[] = {
	{ "", service_options, "\"required\":[\"service\",\"functions\"]" },
	{ "function", service_function_options, "\"required\":[\"name\"]" },
	{ "requirement", service_requirement_options,
	    "\"required\":[\"expr\"],\"oneOf\":[{\"required\":[\"above\"]},"
	    "{\"required\":[\"below\"]}]" },
	{ "link", service_link_options, "\"required\":[\"from\",\"to\"]" },
	{ "location", service_location_options,
	    "\"anyOf\":[{\"required\":[\"area\"]},{\"required\":[\"circle\"]},"
	    "{\"required\":[\"near\"]}]" },
};

/* Trees, and texts that are names, by level and option. */
static const struct {
	const char *level, *option, *schema;
} special[] = {
	{ "", "service", REF("name") },
	{ "", "hook", REF("name") },
	{ "", "functions",
	    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":32,\"items\":" REF(
		"function") "}" },
	{ "", "links",
	    "{\"type\":[\"array\",\"null\"],\"maxItems\":64,\"items\":" REF("link") "}" },
	{ "", "objective",
	    "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\","
	    "\"minimum\":0,\"maximum\":1000}}" },
	{ "function", "name", REF("name") },
	{ "function", "host", REF("name") },
	{ "function", "candidates",
	    "{\"oneOf\":[{\"const\":\"any\"},{\"type\":\"array\",\"maxItems\":256,"
	    "\"uniqueItems\":true,\"items\":" REF("name") "}]}" },
	{ "function", "avoid", "{\"type\":\"array\",\"items\":" REF("name") "}" },
	{ "function", "needs.energy",
	    "{\"type\":\"array\",\"items\":{\"enum\":[\"mains\",\"battery\","
	    "\"harvesting\"]}}" },
	{ "function", "requirements",
	    "{\"type\":[\"array\",\"null\"],\"maxItems\":16,\"items\":" REF(
		"requirement") "}" },
	{ "function", "location", REF("location") },
	{ "requirement", "above", "{\"type\":\"number\"}" },
	{ "requirement", "below", "{\"type\":\"number\"}" },
	{ "requirement", "range",
	    "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"items\":{\"type\":"
	    "\"number\"}}" },
	{ "link", "from", REF("name") },
	{ "link", "to", REF("name") },
	{ "link", "loss",
	    "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}" },
	{ "link", "bandwidth", REF("bandwidth") },
	{ "location", "area",
	    "{\"type\":\"array\",\"minItems\":3,\"maxItems\":64,\"items\":" REF(
		"point") "}" },
	{ "location", "circle", REF("circle") },
	{ "location", "near.node", REF("name") },
	{ "location", "near.function", REF("name") },
	{ "location", "near.within", REF("distance") },
};

/* Words with a grammar of their own. */
#define NUMBER	 "-?[0-9]+(\\\\.[0-9]+)?"
#define POSITIVE "[0-9]*\\\\.?[0-9]+(e[+-]?[0-9]+)?"
static const struct {
	const char *name, *schema;
} words[] = {
	{ "name",
	    "{\"type\":[\"string\",\"number\"],\"pattern\":\"^[A-Za-z0-9._:-]{1,64}$"
	    "\"}" },
	{ "duration",
	    "{\"type\":[\"string\",\"integer\"],\"pattern\":\"^([0-9]+(\\\\.[0-9]+)?(ms|"
	    "s|m|h|d))+$|^0$\","
	    "\"maximum\":0}" },
	{ "size",
	    "{\"type\":[\"string\",\"integer\"],\"minimum\":0,\"pattern\":\"^[0-9]+(["
	    "kKMGT]i?)?B?$\"}" },
	{ "point", "{\"type\":\"string\",\"pattern\":\"^" NUMBER ", *" NUMBER "$\"}" },
	{ "circle",
	    "{\"type\":\"string\",\"pattern\":\"^" NUMBER ", *" NUMBER ", *" POSITIVE
	    "(m|km)?$\"}" },
	{ "distance",
	    "{\"type\":[\"string\",\"number\"],\"exclusiveMinimum\":0,\"pattern\":"
	    "\"^" POSITIVE "(m|km)?$\"}" },
	{ "bandwidth",
	    "{\"type\":[\"string\",\"number\"],\"exclusiveMinimum\":0,\"pattern\":"
	    "\"^" POSITIVE "([kMG]?bit)?$\"}" },
};

static const char *
find_special(const char *level, const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(special); i++)
		if (!strcmp(special[i].level, level) &&
		    !strcmp(special[i].option, option))
			return special[i].schema;
	return NULL;
}

static void
put_bounds(struct buf *b, const struct conf_option *o)
{
	if (o->min == 0 && o->max == 0)
		return;
	buf_printf(b, ",\"minimum\":%.17g,\"maximum\":%.17g", o->min, o->max);
}

static void
put_choices(struct buf *b, const struct conf_option *o)
{
	buf_puts(b, "{\"enum\":[");
	for (size_t i = 0; o->choices[i]; i++) {
		buf_puts(b, i ? "," : "");
		json_put_text(b, slice_text(o->choices[i]));
	}
	buf_puts(b, "]");
}

/* All but the brace at the end. */
static void
put_type(struct buf *b, const struct conf_option *o)
{
	switch (o->type) {
	case CONF_BOOL:
		buf_puts(b, "{\"type\":\"boolean\"");
		return;
	case CONF_INT:
		buf_puts(b, "{\"type\":\"integer\"");
		put_bounds(b, o);
		return;
	case CONF_REAL:
		buf_puts(b, "{\"type\":\"number\"");
		put_bounds(b, o);
		return;
	case CONF_DURATION:
		buf_puts(b, "{\"$ref\":\"#/$defs/duration\"");
		return;
	case CONF_SIZE:
		buf_puts(b, "{\"$ref\":\"#/$defs/size\"");
		return;
	case CONF_TEXT:
	case CONF_SECRET:
		buf_puts(b, "{\"type\":[\"string\",\"null\"]");
		return;
	case CONF_CHOICE:
		put_choices(b, o);
		return;
	case CONF_LIST:
		buf_puts(b,
		    "{\"type\":[\"array\",\"null\"],\"items\":{\"type\":[\"string\","
		    "\"number\"]}");
		return;
	case CONF_MAP:
		buf_puts(b,
		    "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\","
		    "\"number\","
		    "\"boolean\"]}");
		return;
	case CONF_TREE:
		b->err = -ENOENT; /* a row of special[] is missing */
		return;
	}
}

static void
put_default(struct buf *b, const struct conf_option *o)
{
	if (!o->preset || o->type == CONF_MAP || o->type == CONF_LIST)
		return;
	buf_puts(b, ",\"default\":");
	if (o->type == CONF_INT || o->type == CONF_REAL)
		buf_puts(b, o->preset);
	else if (o->type == CONF_BOOL)
		buf_puts(b, strcmp(o->preset, "yes") ? "false" : "true");
	else
		json_put_text(b, slice_text(o->preset));
}

static void
put_marks(struct buf *b)
{
	const char *const *mark = candidates_marks();

	buf_puts(b, ",\"propertyNames\":{\"enum\":[");
	for (size_t i = 0; mark[i]; i++) {
		buf_puts(b, i ? "," : "");
		json_put_text(b, slice_text(mark[i]));
	}
	buf_puts(b, "]}");
}

static void
put_option(struct buf *b, const char *level, const struct conf_option *o, const char *key)
{
	const char *schema = find_special(level, o->name);

	json_put_text(b, slice_text(key));
	buf_puts(b, ":");
	if (schema)
		buf_put(b, schema, strlen(schema) - 1);
	else
		put_type(b, o);
	if (!*level && !strcmp(o->name, "objective"))
		put_marks(b);
	buf_puts(b, ",\"description\":");
	json_put_text(b, slice_text(o->help));
	put_default(b, o);
	buf_puts(b, "}");
}

static size_t
group_len(const struct conf_option *o)
{
	const char *dot = strchr(o->name, '.');

	return dot ? (size_t)(dot - o->name) + 1 : 0;
}

static bool
begins_group(const struct conf_option *first, const struct conf_option *o)
{
	for (const struct conf_option *p = first; p < o; p++)
		if (!strncmp(p->name, o->name, group_len(o)))
			return false;
	return true;
}

static void
put_group(struct buf *b, const char *level, const struct conf_option *o)
{
	size_t len = group_len(o);
	const char *group = o->name;

	json_put_text(b, (struct slice){ (const uint8_t *)group, len - 1 });
	buf_puts(b,
	    ":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
	    "\"properties\":{");
	for (bool first = true; o->name; o++) {
		if (strncmp(o->name, group, len) != 0)
			continue;
		buf_puts(b, first ? "" : ",");
		put_option(b, level, o, o->name + len);
		first = false;
	}
	buf_puts(b, "}}");
}

static void
put_level(struct buf *b, const struct level *l)
{
	bool first = true;

	buf_puts(
	    b, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (const struct conf_option *o = l->options; o->name; o++) {
		if (group_len(o) && !begins_group(l->options, o))
			continue;
		buf_puts(b, first ? "" : ",");
		if (group_len(o))
			put_group(b, l->name, o);
		else
			put_option(b, l->name, o, o->name);
		first = false;
	}
	buf_printf(b, "},%s", l->rest);
}

int
main(void)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_puts(&b, "{\"$schema\":\"" DRAFT "\",\"title\":\"fogwatch-service\",");
	put_level(&b, &levels[0]);
	buf_puts(&b, ",\"$defs\":{");
	for (size_t i = 1; i < ARRAY_LEN(levels); i++) {
		buf_printf(&b, "\n\"%s\":{", levels[i].name);
		put_level(&b, &levels[i]);
		buf_puts(&b, "},");
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		buf_printf(
		    &b, "%s\n\"%s\":%s", i ? "," : "", words[i].name, words[i].schema);
	buf_puts(&b, "}}\n");
	if (b.err) {
		fprintf(stderr, "service_schema: %s\n", strerror(-b.err));
		return 1;
	}
	fwrite(b.data, 1, b.pos, stdout);
	buf_done(&b);
	return fflush(stdout) == 0 ? 0 : 1;
}
