/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-plugin-http-json: fetches a JSON document each time that it is asked, and prints the numbers
 * that JSON pointers lead to. Certificates are verified; there is no way to switch that off. */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/http_json_map.h"

struct fetcher {
	struct http_map map;
	CURL *curl;
	struct curl_slist *headers;
	struct buf body;
	char why[CURL_ERROR_SIZE];
};

/* --- the document ------------------------------------------------------------------------- */
static const json_t *
step_into(const json_t *at, const char *token)
{
	char *end;
	unsigned long i;

	if (json_is_object(at))
		return json_object_get(at, token);
	if (!json_is_array(at) || *token < '0' || *token > '9' ||
	    (*token == '0' && token[1]))
		return NULL;
	i = strtoul(token, &end, 10);
	return *end ? NULL : json_array_get(at, i);
}

static const json_t *
follow(const json_t *at, const char *pointer)
{
	char token[256];

	while (at && *pointer)
		at = http_pointer_next(&pointer, token, sizeof token)
		    ? step_into(at, token)
		    : NULL;
	return at;
}

static bool
take_number(const json_t *j, double *ret)
{
	if (json_is_number(j))
		*ret = json_number_value(j);
	else if (json_is_boolean(j))
		*ret = json_is_true(j);
	else
		return false;
	return true;
}

static void
print_document(const struct fetcher *f, const json_t *root)
{
	for (size_t i = 0; i < f->map.values; i++) {
		const struct http_value *v = &f->map.value[i];
		const json_t *j = follow(root, v->pointer);
		double value;

		if (!j)
			fprintf(stderr, "%s: there is no %s\n", f->map.url, v->pointer);
		else if (!take_number(j, &value))
			fprintf(stderr, "%s: %s is neither a number nor true or false\n",
			    f->map.url, v->pointer);
		else
			feed_print(f->map.measurement, &f->map.labels, &v->feed, value);
	}
}

static bool
take_body(const struct fetcher *f)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)f->body.data, f->body.pos,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!root) {
		fprintf(stderr, "%s: line %d, column %d: %s\n", f->map.url, error.line,
		    error.column, error.text);
		return false;
	}
	print_document(f, root);
	json_decref(root);
	return true;
}

/* --- the request -------------------------------------------------------------------------- */
static size_t
collect(char *data, size_t size, size_t n, void *arg)
{
	struct fetcher *f = arg;

	buf_put(&f->body, data, size * n);
	return f->body.err ? 0 : size * n;
}

static void
complain_fetch(const struct fetcher *f, CURLcode code)
{
	if (f->body.err == -ENOSPC)
		fprintf(stderr, "%s: more than %lld bytes\n", f->map.url,
		    (long long)f->map.max_bytes);
	else
		fprintf(stderr, "%s: %s\n", f->map.url,
		    *f->why ? f->why : curl_easy_strerror(code));
}

static bool
fetch(struct fetcher *f)
{
	long status = 0;
	CURLcode code;

	buf_reset(&f->body);
	*f->why = '\0';
	code = curl_easy_perform(f->curl);
	if (code != CURLE_OK) {
		complain_fetch(f, code);
		return false;
	}
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		fprintf(stderr, "%s: the server answers %ld\n", f->map.url, status);
		return false;
	}
	return true;
}

static void
answer(void *arg)
{
	struct fetcher *f = arg;
	bool up = fetch(f) && take_body(f);

	feed_print_up(f->map.measurement, &f->map.labels, up);
}

/* --- life --------------------------------------------------------------------------------- */
static bool
is_header(const char *line)
{
	size_t len = strcspn(line, ":");

	return len && line[len] == ':' && strcspn(line, " \t\r") > len;
}

/* Where tokens are kept: not in the map file, and not in arguments. */
static int
load_headers(struct fetcher *f)
{
	char line[4096];
	unsigned n = 0;
	FILE *file = f->map.headers_file ? fopen(f->map.headers_file, "re") : NULL;

	if (f->map.headers_file && !file) {
		fprintf(stderr, "%s: %s\n", f->map.headers_file, strerror(errno));
		return -1;
	}
	while (file && fgets(line, sizeof line, file)) {
		struct curl_slist *more;

		n++;
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		more = is_header(line) && n <= HTTP_HEADERS_MAX
		    ? curl_slist_append(f->headers, line)
		    : NULL;
		if (!more) {
			fprintf(stderr, "%s:%u: is no header such as \"Name: value\"\n",
			    f->map.headers_file, n);
			fclose(file);
			return -1;
		}
		f->headers = more;
	}
	if (file)
		fclose(file);
	return 0;
}

/* A redirection never leads from https to http. */
static void
set_options(struct fetcher *f)
{
	const struct http_map *m = &f->map;
	CURL *c = f->curl;

	curl_easy_setopt(c, CURLOPT_URL, m->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR,
	    strncmp(m->url, "https:", 6) ? "http,https" : "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, m->redirects > 0 ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)m->redirects);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)m->timeout_ms);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)m->timeout_ms);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "fogwatch-plugin-http-json");
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	if (m->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, m->ca_file);
}

static int
open_fetcher(struct fetcher *f)
{
	if (load_headers(f) < 0)
		return -1;
	buf_init(&f->body, (size_t)f->map.max_bytes);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	f->curl = curl_easy_init();
	if (!f->curl) {
		fprintf(stderr, "libcurl cannot be used\n");
		return -1;
	}
	set_options(f);
	return 0;
}

int
main(int argc, char **argv)
{
	struct fetcher f = { .why = "" };
	bool check = argc == 3 && !strcmp(argv[1], "-n");
	int status = 1;

	if (argc != 2 && !check) {
		fprintf(stderr, "usage: fogwatch-plugin-http-json [-n] MAP\n");
		return 2;
	}
	if (http_map_load(argv[argc - 1], &f.map) == 0)
		status = check ? 0 : open_fetcher(&f) < 0 ? 1 : feed_serve(answer, &f);
	if (f.curl)
		curl_easy_cleanup(f.curl);
	curl_slist_free_all(f.headers);
	buf_done(&f.body);
	http_map_free(&f.map);
	return status;
}
