/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/hook_host.h"
#include "base/json.h"
#include <string.h>

static size_t
count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* RFC 8259 section 6; YAML knows more forms of numbers, which JSON does not. */
static bool
is_json_number(const char *s)
{
	size_t n;

	s += *s == '-';
	n = count_digits(s);
	if (!n || (n > 1 && *s == '0'))
		return false;
	s += n;
	if (*s == '.') {
		n = count_digits(++s);
		if (!n)
			return false;
		s += n;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		n = count_digits(s);
		if (!n)
			return false;
		s += n;
	}
	return !*s;
}

static void
put_scalar(struct buf *out, const struct yaml_node *n)
{
	bool plain = !n->quoted &&
	    (is_json_number(n->text) || !strcmp(n->text, "true") ||
		!strcmp(n->text, "false"));

	if (yaml_is_null(n))
		buf_puts(out, "null");
	else if (plain)
		buf_puts(out, n->text);
	else
		json_put_text(out, slice_text(n->text));
}

/* Depth is bounded by base/yaml.h. */
void
hook_put_config(struct buf *out, const struct yaml_node *n)
{
	bool mapping = n->kind == YAML_MAPPING;

	if (n->kind == YAML_SCALAR) {
		put_scalar(out, n);
		return;
	}
	buf_put_u8(out, mapping ? '{' : '[');
	YAML_EACH(child, n)
	{
		if (child != n->first)
			buf_put_u8(out, ',');
		if (mapping) {
			json_put_text(out, slice_text(child->key));
			buf_put_u8(out, ':');
		}
		hook_put_config(out, child);
	}
	buf_put_u8(out, mapping ? '}' : ']');
}
