/* SPDX-License-Identifier: Apache-2.0
 *
 * Where requests may go. libcurl reads the URLs, so that nobody is fooled by reading them otherwise. */
#include "orchestrator-hooks/http_client.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

struct url {
	CURLU *u;
	char *scheme, *host, *port, *user;
};

static void
free_url(struct url *u)
{
	curl_free(u->scheme);
	curl_free(u->host);
	curl_free(u->port);
	curl_free(u->user);
	curl_url_cleanup(u->u);
}

static bool
parse_url(const char *text, struct url *ret)
{
	*ret = (struct url){ .u = curl_url() };
	if (!ret->u ||
	    curl_url_set(ret->u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) !=
		CURLUE_OK)
		return false;
	curl_url_get(ret->u, CURLUPART_SCHEME, &ret->scheme, 0);
	curl_url_get(ret->u, CURLUPART_HOST, &ret->host, 0);
	curl_url_get(ret->u, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT);
	curl_url_get(ret->u, CURLUPART_USER, &ret->user, 0);
	return ret->scheme && ret->host;
}

/* By address alone: "localhost" is what it says everywhere by RFC 6761. */
static bool
is_loopback(const char *host)
{
	struct in_addr v4;

	if (!strcasecmp(host, "localhost") || !strcmp(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static enum http_url_fault
judge_url(const struct url *u)
{
	if (strcmp(u->scheme, "https") && strcmp(u->scheme, "http"))
		return HTTP_URL_SCHEME;
	if (u->user)
		return HTTP_URL_CREDENTIALS;
	if (!strcmp(u->scheme, "http") && !is_loopback(u->host))
		return HTTP_URL_CLEAR;
	return HTTP_URL_GOOD;
}

enum http_url_fault
http_url_check(const char *url)
{
	struct url u;
	enum http_url_fault fault =
	    parse_url(url, &u) ? judge_url(&u) : HTTP_URL_MALFORMED;

	free_url(&u);
	return fault;
}

char *
http_url_resolve(const char *base, const char *reference)
{
	char *text = NULL, *copy = NULL;
	struct url u;

	/* With a URL in it, another one is read as a reference. */
	if (parse_url(base, &u) &&
	    curl_url_set(u.u, CURLUPART_URL, reference, 0) == CURLUE_OK &&
	    curl_url_set(u.u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
	    curl_url_get(u.u, CURLUPART_URL, &text, 0) == CURLUE_OK)
		copy = strdup(text);
	curl_free(text);
	free_url(&u);
	return copy;
}

static bool
same_text(const char *a, const char *b)
{
	return a && b && !strcasecmp(a, b);
}

bool
http_url_same_origin(const char *a, const char *b)
{
	struct url x, y;
	bool good = parse_url(a, &x), same;

	same = parse_url(b, &y) && good && same_text(x.scheme, y.scheme) &&
	    same_text(x.host, y.host) && same_text(x.port, y.port);
	free_url(&x);
	free_url(&y);
	return same;
}

void
http_url_put_escaped(struct buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (; *text; text++)
		if (strchr(plain, *text))
			buf_put_u8(out, (uint8_t)*text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
}
