/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a server is and what is needed to speak with it: the options that the hook http and the `http:`
 * of other plug-ins have in common, and the client that is made of them. */
#pragma once
#include "base/conf.h"
#include "orchestrator-hooks/hook.h"
#include "orchestrator-hooks/http_client.h"

#define HTTP_PEM_MAX (256 * 1024)

struct http_config {
	char *url, *ca_file, *cert_file, *key_file, *token_file;
	int insecure; /* index into http_answers; odd: yes */
	int64_t connect_ms, request_ms;
};
/* The host hands on `yes` as text. */
extern const char *const http_answers[]; /* no, yes, false, true */

#define HTTP_CONFIG_OPTIONS(type_, member_)                                              \
	CONF(type_, member_.url, "url", TEXT, NULL, 0, 0,                                \
	    "Where the server is; https, or http on this machine."),                     \
	    CONF(type_, member_.ca_file, "ca-file", TEXT, NULL, 0, 0,                    \
		"Who may have signed its certificate; none: whom the system trusts."),   \
	    CONF(type_, member_.cert_file, "cert-file", TEXT, NULL, 0, 0,                \
		"Certificate that is shown to it, with its chain."),                     \
	    CONF(type_, member_.key_file, "key-file", TEXT, NULL, 0, 0,                  \
		"Its private key."),                                                     \
	    CONF(type_, member_.token_file, "token-file", TEXT, NULL, 0, 0,              \
		"A bearer token, read anew for each request."),                          \
	    { .name = "insecure",                                                        \
		    .type = CONF_CHOICE,                                                 \
		    .offset = offsetof(type_, member_.insecure),                         \
		    .preset = "no",                                                      \
		    .choices = http_answers,                                             \
		    .help = "Allow http, in the clear, to other machines." },            \
	    CONF(type_, member_.connect_ms, "connect-timeout", DURATION, "2s", 10,       \
		60000, "Until there is a connection."),                                  \
	    CONF(type_, member_.request_ms, "request-timeout", DURATION, "5s", 10,       \
		300000, "Until a request is answered.")

struct http_server { /* one that is configured */
	const struct http_config *cfg;
	struct http_client *client;
	struct buf ca, certificate, key;
};
/* Reads the files. -EINVAL or another, with err. To be closed even then. */
int http_server_open(struct http_server *s, const struct http_config *cfg,
    const struct hook_host *host, char *err, size_t err_len) MUST_CHECK;
void http_server_close(struct http_server *s);
/* cert-file and key-file, if there are any: checked, and with a NUL behind each. */
int http_config_load_pair(const struct http_config *cfg, struct buf *certificate,
    struct buf *key, char *err, size_t err_len) MUST_CHECK;
/* May requests go there? 0, or -EINVAL and why. */
int http_server_check_url(
    const struct http_config *cfg, const char *url, char *err, size_t err_len) MUST_CHECK;
/* "Authorization: Bearer …" into out, nothing without a token-file. To be wiped. */
int http_server_authorize(
    const struct http_server *s, struct buf *out, char *err, size_t err_len) MUST_CHECK;
