/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator-hooks/http_config.h"
#include "base/crypto_aead.h"
#include "base/crypto_pem.h"
#include "orchestrator-hooks/http_sign.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const http_answers[] = { "no", "yes", "false", "true", NULL };

int
http_server_check_url(
    const struct http_config *cfg, const char *url, char *err, size_t err_len)
{
	const char *what = NULL;

	switch (http_url_check(url)) {
	case HTTP_URL_GOOD:
		return 0;
	case HTTP_URL_CLEAR:
		if (cfg->insecure & 1)
			return 0;
		what = "http is in the clear: use https, or say `insecure: yes`";
		break;
	case HTTP_URL_MALFORMED:
		what = "this is no URL";
		break;
	case HTTP_URL_SCHEME:
		what = "neither https nor http";
		break;
	case HTTP_URL_CREDENTIALS:
		what = "a password does not belong into a URL; there is token-file";
		break;
	}
	snprintf(err, err_len, "url: %s", what);
	return -EINVAL;
}

/* --- files ---------------------------------------------------------------------------------- */

static int
read_pem(const char *path, struct buf *out)
{
	char part[4096];
	FILE *f = fopen(path, "re");
	size_t n;
	int rc;

	if (!f)
		return -errno;
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_put(out, part, n);
	rc = ferror(f) ? -EIO : out->err;
	fclose(f);
	secret_wipe(part, sizeof part);
	return rc;
}

static int
complain_file(const char *path, int rc, const char *what, char *err, size_t err_len)
{
	snprintf(err, err_len, "%s: %s", path, what ? what : strerror(-rc));
	return rc;
}

static int
load_certificates(const char *path, struct buf *out, char *err, size_t err_len)
{
	int rc = read_pem(path, out);

	if (rc < 0)
		return complain_file(path, rc, NULL, err, err_len);
	rc = pem_count_certificates(buf_slice(out));
	if (rc < 0)
		return complain_file(
		    path, -EINVAL, "holds no certificates in PEM", err, err_len);
	return 0;
}

int
http_config_load_pair(const struct http_config *cfg, struct buf *certificate,
    struct buf *key, char *err, size_t err_len)
{
	struct stat st;
	int rc;

	if (!cfg->cert_file != !cfg->key_file) {
		snprintf(err, err_len, "cert-file and key-file belong together");
		return -EINVAL;
	}
	if (!cfg->cert_file)
		return 0;
	rc = load_certificates(cfg->cert_file, certificate, err, err_len);
	if (rc < 0)
		return rc;
	if (stat(cfg->key_file, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		return complain_file(
		    cfg->key_file, -EPERM, http_secret_fault(-EPERM), err, err_len);
	rc = read_pem(cfg->key_file, key);
	if (rc < 0)
		return complain_file(cfg->key_file, rc, NULL, err, err_len);
	rc = pem_check_pair(buf_slice(certificate), buf_slice(key));
	if (rc < 0)
		return complain_file(cfg->key_file, -EINVAL,
		    rc == -ENOKEY ? "is not the key of the certificate"
				  : "holds no key in PEM, or one with a password",
		    err, err_len);
	(void)buf_text(certificate); /* libmicrohttpd looks for the NUL */
	(void)buf_text(key);
	return certificate->err ? certificate->err : key->err;
}

/* --- requests ------------------------------------------------------------------------------- */

/* Nothing that could end the header or begin another one. */
static bool
is_token(const struct buf *b)
{
	for (size_t i = 0; i < b->pos; i++)
		if (b->data[i] <= ' ' || b->data[i] > '~')
			return false;
	return true;
}

int
http_server_authorize(
    const struct http_server *s, struct buf *out, char *err, size_t err_len)
{
	const char *path = s->cfg->token_file;
	uint8_t memory[4096];
	struct buf token;
	int rc;

	if (!path)
		return 0;
	buf_init_fixed(&token, memory, sizeof memory);
	rc = http_secret_load(path, 1, &token);
	if (!rc && !is_token(&token))
		rc = -EINVAL;
	if (rc < 0) {
		complain_file(path, rc, http_secret_fault(rc), err, err_len);
	} else {
		buf_puts(out, "Authorization: Bearer ");
		buf_put_slice(out, buf_slice(&token));
		rc = out->err;
	}
	secret_wipe(memory, sizeof memory);
	return rc;
}

/* --- life ----------------------------------------------------------------------------------- */

static int
load_files(struct http_server *s, char *err, size_t err_len)
{
	uint8_t memory[8192];
	struct buf trial;
	int rc = 0;

	if (s->cfg->ca_file)
		rc = load_certificates(s->cfg->ca_file, &s->ca, err, err_len);
	if (!rc)
		rc =
		    http_config_load_pair(s->cfg, &s->certificate, &s->key, err, err_len);
	if (rc < 0)
		return rc;
	buf_init_fixed(&trial, memory, sizeof memory);
	/* What is wrong with the token is told now. */
	rc = http_server_authorize(s, &trial, err, err_len);
	secret_wipe(memory, sizeof memory);
	return rc;
}

int
http_server_open(struct http_server *s, const struct http_config *cfg,
    const struct hook_host *host, char *err, size_t err_len)
{
	struct http_client_config client = { .loop = host->loop,
		.connect_ms = cfg->connect_ms,
		.body_max = HTTP_BODY_MAX };
	int rc;

	*s = (struct http_server){ .cfg = cfg };
	buf_init(&s->ca, HTTP_PEM_MAX);
	buf_init(&s->certificate, HTTP_PEM_MAX);
	buf_init(&s->key, HTTP_PEM_MAX);
	if (!cfg->url) {
		snprintf(err, err_len, "url: is needed");
		return -EINVAL;
	}
	rc = http_server_check_url(cfg, cfg->url, err, err_len);
	if (!rc)
		rc = load_files(s, err, err_len);
	if (rc < 0)
		return rc;
	client.ca = buf_slice(&s->ca);
	client.certificate = buf_slice(&s->certificate);
	client.key = buf_slice(&s->key);
	rc = http_client_new(&client, &s->client);
	if (rc == -ENOTSUP)
		snprintf(
		    err, err_len, "libcurl has no TLS, or would wait for name servers");
	return rc;
}

void
http_server_close(struct http_server *s)
{
	http_client_free(TAKE(s->client));
	if (s->key.data)
		secret_wipe(s->key.data, s->key.size);
	buf_done(&s->ca);
	buf_done(&s->certificate);
	buf_done(&s->key);
}
