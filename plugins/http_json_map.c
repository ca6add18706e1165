/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/http_json_map.h"

#include <errno.h>
#include <string.h>

#define MAP(member, name, kind, preset, min, max, help) \
	CONF(struct http_map, member, name, kind, preset, min, max, help)

static const struct conf_option map_options[] = {
	MAP(url, "url", TEXT, NULL, 0, 0, "What is fetched."),
	MAP(headers_file, "headers-file", TEXT, NULL, 0, 0, "Lines of request headers."),
	MAP(ca_file, "ca-file", TEXT, NULL, 0, 0, "CAs instead of the system's."),
	MAP(measurement, "measurement", TEXT, "http_json", 0, 0, "First part of names."),
	MAP(timeout_ms, "timeout", DURATION, "4s", 10, 60000, "Wait for it, in all."),
	MAP(max_bytes, "max-bytes", SIZE, "1MiB", 1, 64 * 1048576.0, "Size at most."),
	MAP(redirects, "redirects", INT, "0", 0, 10, "How many are followed."),
	MAP(labels, "labels", MAP, NULL, 0, 0, "Labels of all values."),
	MAP(list, "values", TREE, NULL, 0, 0, "What is taken of it."),
};
static const struct conf_option value_options[] = {
	FEED_VALUE_OPTIONS,
	CONF(struct http_value, pointer, "pointer", TEXT, NULL, 0, 0, "Where it is."),
};

bool
http_pointer_next(const char **pointer, char *dst, size_t size)
{
	const char *at = *pointer;
	size_t n = 0;

	if (*at != '/')
		return false;
	for (at++; *at && *at != '/'; at++) {
		char c = *at;

		if (c == '~' && at[1] != '0' && at[1] != '1')
			return false;
		if (c == '~')
			c = *++at == '0' ? '~' : '/';
		if (n + 1 >= size)
			return false;
		dst[n++] = c;
	}
	dst[n] = '\0';
	*pointer = at;
	return true;
}

static bool
is_pointer(const char *text)
{
	char token[256];

	while (*text)
		if (!http_pointer_next(&text, token, sizeof token))
			return false;
	return true;
}

static bool
is_url(const char *url)
{
	return url && (!strncmp(url, "http://", 7) || !strncmp(url, "https://", 8));
}

static void
check(const struct yaml_node *root, struct complaints *c, void *arg)
{
	struct http_map *map = arg;
	const struct yaml_node *entry = map->list ? map->list->first : NULL;

	if (!is_url(map->url))
		yaml_complain(c, root, "needs a url of http:// or https://");
	feed_check_name(root, map->measurement, c);
	map->value = feed_load_values(map->list ? map->list : root, value_options,
	    ARRAY_LEN(value_options), sizeof *map->value, c, &map->values);
	for (size_t i = 0; i < map->values && entry; i++, entry = entry->next)
		if (!map->value[i].pointer || !is_pointer(map->value[i].pointer))
			yaml_complain(c, entry,
			    "needs a pointer such as /sensors/0/temperature (RFC 6901)");
}

int
http_map_load(const char *path, struct http_map *ret)
{
	memset(ret, 0, sizeof *ret);
	return feed_load(
	    path, map_options, ARRAY_LEN(map_options), ret, check, &ret->doc);
}

void
http_map_free(struct http_map *map)
{
	feed_free_values(map->value, map->values, sizeof *map->value, value_options,
	    ARRAY_LEN(value_options));
	conf_free(map_options, ARRAY_LEN(map_options), map);
	yaml_doc_free(map->doc);
}
