/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/conf.h"
#include "base/addr.h"
#include "grasp/scope_int.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const grasp_conf_ranges[] = { "admin", "site", "organization", "global",
	NULL };
const char *const grasp_conf_assists[] = { "off", "other-link", "always", NULL };
static const enum grasp_assist assist_values[] = { GRASP_ASSIST_OFF,
	GRASP_ASSIST_OTHER_LINK, GRASP_ASSIST_ALWAYS };
static const enum grasp_scope_range range_values[] = { GRASP_SCOPE_ADMIN,
	GRASP_SCOPE_SITE, GRASP_SCOPE_ORGANIZATION, GRASP_SCOPE_GLOBAL };

const struct yaml_node *
grasp_conf_at(const struct yaml_node *root, const char *option)
{
	char word[64];

	while (root && *option) {
		size_t len = strcspn(option, ".");

		snprintf(word, sizeof word, "%.*s", (int)len, option);
		root = yaml_get(root, word);
		option += len + (option[len] == '.');
	}
	return root;
}

/* --- single options --------------------------------------------------------------------- */

static void
check_objective_prefix(
    const struct yaml_node *at, const char *prefix, size_t max, struct complaints *c)
{
	if (!prefix || !*prefix)
		return;
	if (strlen(prefix) > max)
		yaml_complain(c, at, "longer than %zu bytes", max);
	for (const char *p = prefix; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			yaml_complain(c, at, "has a control character");
			break;
		}
	if (!strchr(prefix, ':'))
		yaml_complain(c, at, "a private name has a colon: \"%s:\"", prefix);
}

static int
parse_prefix(const char *text, struct in6_addr *ret, unsigned *ret_len)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN], *end;
	unsigned long len;

	if (!slash || (size_t)(slash - text) >= sizeof address)
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	len = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || len < 1 || len > 64 ||
	    inet_pton(AF_INET6, address, ret) != 1 || addr_is_multicast(ret))
		return -EINVAL;
	*ret_len = (unsigned)len;
	return 0;
}

static void
take_prefix(const struct yaml_node *at, struct grasp_conf *g, struct complaints *c)
{
	struct grasp_scope_rules *r = &g->rules;

	if (g->scope_prefix && *g->scope_prefix &&
	    parse_prefix(g->scope_prefix, &r->prefix, &r->prefix_len) < 0)
		yaml_complain(c, at,
		    "\"%s\" is no unicast prefix of 1 to 64 bits such as fd9e:1:2::/48",
		    g->scope_prefix);
}

static void
check_combinations(const struct yaml_node *list, struct complaints *c)
{
	YAML_EACH(item, list)
	if (item->text && !grasp_scope_is_combination(item->text))
		yaml_complain(c, item,
		    "\"%s\" is no combination: two or more of admin, geo, mfr, type and "
		    "user, such as admin+type",
		    item->text);
}

static bool
parse_group(const char *text, struct in6_addr *ret)
{
	return inet_pton(AF_INET6, text, ret) == 1 && addr_is_multicast(ret) &&
	    (ret->s6_addr[1] & 0x0f) >= GRASP_SCOPE_ADMIN;
}

static void
take_groups(const struct yaml_node *list, struct grasp_conf *g, struct complaints *c)
{
	if (g->groups.len > GRASP_CONF_GROUPS_MAX) {
		yaml_complain(c, list, "more than %d groups", GRASP_CONF_GROUPS_MAX);
		return;
	}
	for (size_t i = 0; i < g->groups.len; i++) {
		const struct yaml_node *at = list ? list->first : NULL;

		for (size_t n = 0; at && n < i; n++)
			at = at->next;
		if (!parse_group(g->groups.item[i], &g->group[i]))
			yaml_complain(c, at ? at : list,
			    "\"%s\" is no multicast group of scope 4 (admin-local) or "
			    "more, such as ff04::114",
			    g->groups.item[i]);
	}
}

void
grasp_conf_check(const struct yaml_node *root, size_t prefix_max, struct grasp_conf *g,
    struct complaints *c)
{
	const struct yaml_node *grasp = grasp_conf_at(root, "grasp");

	g->rules.range = range_values[g->scope_range];
	g->rules.combination = (const char *const *)g->combinations.item;
	g->rules.combinations = g->combinations.len;
	check_objective_prefix(
	    grasp_conf_at(grasp, "objective-prefix"), g->objective_prefix, prefix_max, c);
	take_prefix(grasp_conf_at(grasp, "scope-prefix"), g, c);
	check_combinations(grasp_conf_at(grasp, "combinations"), c);
	take_groups(grasp_conf_at(grasp, "groups"), g, c);
	if (!g->link_local && !g->scoped)
		yaml_complain(c, grasp_conf_at(grasp, "link-local"),
		    "neither link-local nor scoped: nobody could be heard");
}

/* --- scopes ------------------------------------------------------------------------------- */

static const char *
kind_of(const char *key)
{
	if (strcmp(key, "geo") == 0)
		return "no geohash of 1 to 12 characters of 0-9 and b-z without i, l, o";
	if (strcmp(key, "circle") == 0)
		return "no circle such as 40.33,-3.77,2km";
	if (strcmp(key, "position") == 0)
		return "no position such as 40.33,-3.76";
	return "no value of a scope: text of UTF-8 that is not empty";
}

/* A circle is of expressions, a position of nodes. */
static bool
is_key(const char *key, bool of_node)
{
	int k = scope_find_key(slice_text(key));

	return k >= 0 && k != (of_node ? SCOPE_CIRCLE : SCOPE_POSITION);
}

static bool
put_pair(struct buf *out, const struct yaml_node *n, bool of_node, struct complaints *c)
{
	char pair[GRASP_SCOPE_TEXT_MAX], text[GRASP_SCOPE_TEXT_MAX];
	const char *value = n->text ? n->text : "";
	int len = snprintf(pair, sizeof pair, "%s=%s", n->key, value);

	if (!is_key(n->key, of_node))
		yaml_complain(c, n, "no key of a scope: admin, geo, mfr, type, user%s",
		    of_node ? "" : " or circle");
	else if (strpbrk(value, ";|"))
		yaml_complain(c, n, "\"%s\" has a ; or |: write %%3B or %%7C", value);
	else if (len >= (int)sizeof pair || grasp_scope_canonical(pair, text) < 0)
		yaml_complain(c, n, "\"%s\" is %s", value, kind_of(n->key));
	else
		return buf_printf(out, "%s%s", out->pos ? ";" : "", pair), true;
	return false;
}

void
grasp_conf_scope(const struct yaml_node *mapping, bool of_node, struct complaints *c,
    char dst[GRASP_SCOPE_TEXT_MAX])
{
	char text[GRASP_SCOPE_TEXT_MAX];
	struct buf b;
	bool good = true;

	dst[0] = '\0';
	buf_init_fixed(&b, text, sizeof text);
	YAML_EACH(pair, mapping)
	good &= put_pair(&b, pair, of_node, c);
	buf_put_u8(&b, '\0');
	if (!good)
		return;
	if (b.err || grasp_scope_canonical(text, dst) < 0 ||
	    strlen(dst) > GRASP_CONF_SCOPE_MAX) {
		yaml_complain(c, mapping, "longer than %d bytes", GRASP_CONF_SCOPE_MAX);
		dst[0] = '\0';
	}
}

/* --- groups ------------------------------------------------------------------------------- */

static void
add(struct grasp_groups *to, const struct in6_addr *group)
{
	for (size_t i = 0; i < to->len; i++)
		if (IN6_ARE_ADDR_EQUAL(&to->group[i], group))
			return;
	to->group[to->len++] = *group;
}

int
grasp_conf_groups(const struct grasp_conf *g, const char *domain, const char *text,
    grasp_groups_f *list, struct grasp_groups *ret)
{
	char whole[GRASP_SCOPE_TEXT_MAX];
	int n;

	ret->len = 0;
	if (!g->scoped)
		return 0;
	n = grasp_scope_add_domain(text, domain, whole);
	if (n == 0)
		n = list(whole, &g->rules, ret->group);
	if (n < 0)
		return n;
	ret->len = (size_t)n;
	for (size_t i = 0; i < g->groups.len; i++)
		add(ret, &g->group[i]);
	return 0;
}

const char *
grasp_conf_alias(const struct grasp_conf *g)
{
	return g->plain_names && g->objective_prefix && *g->objective_prefix
	    ? g->objective_prefix
	    : NULL;
}

const char *
grasp_conf_why(int err)
{
	switch (err) {
	case -ENOSPC:
		return "makes more than 16 multicast groups";
	case -ERANGE:
		return "names only an area that is too large for a multicast group";
	default:
		return "cannot stand in a scope: it has a ; or | or is no UTF-8";
	}
}

enum grasp_assist
grasp_conf_assist(const struct grasp_conf *g)
{
	return assist_values[g->neighbour_assist];
}

enum grasp_assist
grasp_conf_assist_other(const struct grasp_conf *g)
{
	enum grasp_assist a = grasp_conf_assist(g);

	return a == GRASP_ASSIST_ALWAYS ? GRASP_ASSIST_OTHER_LINK : a;
}
