/* SPDX-License-Identifier: Apache-2.0
 *
 * Join tokens: fog1-<id 8>-<secret 26>-<pin 26>[@host:port] in lower-case Crockford base32
 * (security.md §5.3). Reading is lenient in case and in the letters that Crockford takes for
 * others, and refuses everything else. */
#pragma once
#include "base/addr.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define TOKEN_ID_LEN	 5
#define TOKEN_SECRET_LEN 16
#define TOKEN_PIN_LEN	 16
#define TOKEN_HOST_MAX	 128
#define TOKEN_TEXT_MAX	 (5 + 9 + 27 + 26 + 1 + TOKEN_HOST_MAX + 1)

struct token {
	uint8_t id[TOKEN_ID_LEN];
	uint8_t secret[TOKEN_SECRET_LEN];
	uint8_t pin[TOKEN_PIN_LEN]; /* of the CA's key */
	char where[TOKEN_HOST_MAX +
	    1]; /* address and port of the controller; "": not said */
};
char *token_format(const struct token *t, char dst[TOKEN_TEXT_MAX]);
int token_parse(const char *text, struct token *ret) MUST_CHECK; /* -EINVAL */
/* From a file of mode 0600 whose first line it is; "-": standard input. -EPERM: others may read it. */
int token_load(const char *path, struct token *ret) MUST_CHECK;
char *token_id_format(const uint8_t id[TOKEN_ID_LEN], char dst[9]);
int token_id_parse(const char *text, uint8_t ret[TOKEN_ID_LEN]) MUST_CHECK;
/* The pin alone, for those who join without a token: 26 digits. */
char *token_pin_format(const uint8_t pin[TOKEN_PIN_LEN], char dst[27]);
int token_pin_parse(const char *text, uint8_t ret[TOKEN_PIN_LEN]) MUST_CHECK;
