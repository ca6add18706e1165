/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/conf.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/support/io_fake.h"
#include "tests/support/test.h"
#include "trust/guard.h"

struct config {
	TRUST_CONF_MEMBERS;
};
static const struct conf_option options[] = { TRUST_CONF_OPTIONS(struct config) };

static struct trust_conf
about(const struct config *cfg)
{
	return (struct trust_conf){ &cfg->multicast, &cfg->insecure };
}

static void
load(const char *text, struct config *ret)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	struct complaints c;

	complaints_init(&c);
	assert_int_equal(yaml_parse(slice_text(text), "test", &c, &doc), 0);
	assert_int_equal(
	    conf_load(options, ARRAY_LEN(options), yaml_root(doc), &c, ret), 0);
	complaints_done(&c);
}

static const struct {
	const char *yaml, *list;
} cases[] = {
	{ "insecure: {plain_grasp: yes}\n", "insecure.plain_grasp" },
	{ "insecure: {tofu: yes}\n", "insecure.tofu" },
	{ "multicast: {protection: open}\n", "multicast.protection: open" },
	{ "multicast: {protection: quads}\n", "multicast.protection: quads" },
	{ "insecure: {plain_grasp: yes, tofu: yes}\nmulticast: {protection: quads}\n",
	    "insecure.plain_grasp, insecure.tofu, multicast.protection: quads" },
};

static void
whatever_is_insecure_needs_the_loopback_or_a_confession_S_34(void **state)
{
	char list[TRUST_CONF_TEXT_MAX], why[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config cfg;

		load(cases[i].yaml, &cfg);
		assert_string_equal(confess_list(about(&cfg), list), cases[i].list);
		assert_true(confess_allows(about(&cfg), NULL, why, sizeof why));
		assert_false(confess_allows(about(&cfg), "wlan0", why, sizeof why));
		assert_non_null(strstr(why, cases[i].list));
		assert_non_null(strstr(why, "wlan0"));
		assert_non_null(strstr(why, "i_trust_this_network: yes"));
		cfg.insecure.i_trust_this_network = true;
		assert_true(confess_allows(about(&cfg), "wlan0", why, sizeof why));
		conf_free(options, ARRAY_LEN(options), &cfg);
	}
}

static void
what_is_signed_or_sealed_needs_no_confession(void **state)
{
	static const char *const good[] = { "{}\n", "multicast: {protection: signed}\n",
		"multicast: {protection: sealed}\n",
		"insecure: {i_trust_this_network: yes}\n" };
	char list[TRUST_CONF_TEXT_MAX], why[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct config cfg;

		load(good[i], &cfg);
		assert_string_equal(confess_list(about(&cfg), list), "");
		assert_true(confess_allows(about(&cfg), "wlan0", why, sizeof why));
		conf_free(options, ARRAY_LEN(options), &cfg);
	}
}

static void
the_groups_of_roles_have_names_by_default(void **state)
{
	struct config cfg;

	(void)state;
	load("{}\n", &cfg);
	assert_string_equal(cfg.control.viewer_group, "fogwatch");
	assert_string_equal(cfg.control.deployer_group, "fogwatch-deployer");
	assert_string_equal(cfg.control.admin_group, "fogwatch-admin");
	assert_int_equal(cfg.multicast.protection, GUARD_SIGNED);
	conf_free(options, ARRAY_LEN(options), &cfg);
}

/* Of this machine: whichever it is, it is there, and it is not the loopback. */
static void
an_exposed_interface_is_one_that_is_there(void **state)
{
	char name[CONFESS_NAME_MAX];
	const char *found = confess_exposed(name);

	(void)state;
	if (!found)
		return;
	assert_string_not_equal(found, "lo");
	assert_true(if_nametoindex(found) > 0);
}

static unsigned
count_lines(FILE *f)
{
	unsigned lines = 0;

	rewind(f);
	for (int c = getc(f); c != EOF; c = getc(f))
		lines += c == '\n';
	return lines;
}

/* What stderr is told meanwhile. */
static unsigned
lines_in(struct fake_net *net, int64_t ms)
{
	FILE *f = tmpfile();
	int saved = dup(2);
	unsigned lines;

	assert_non_null(f);
	assert_true(saved >= 0 && dup2(fileno(f), 2) == 2);
	fake_run(net, ms);
	assert_int_equal(dup2(saved, 2), 2);
	close(saved);
	lines = count_lines(f);
	fclose(f);
	return lines;
}

static void
it_is_said_again_every_hour_S_34(void **state)
{
	struct fake_net *net = fake_net_new(1);
	struct fake_host *host = fake_host_new(net);
	struct confession *c = NULL;
	struct config cfg;

	(void)state;
	log_open("test", LOG_LEVEL_WARNING);
	load("insecure: {plain_grasp: yes}\n", &cfg);
	assert_int_equal(confession_new(fake_host_io(host), "test", about(&cfg), &c), 0);
	assert_int_equal(lines_in(net, 3599 * 1000), 0);
	assert_int_equal(lines_in(net, 2000), 1);
	assert_int_equal(lines_in(net, 2 * 3600 * 1000), 2);
	cfg.insecure.plain_grasp = false; /* a reload */
	assert_int_equal(lines_in(net, 2 * 3600 * 1000), 0);
	confession_free(c);
	conf_free(options, ARRAY_LEN(options), &cfg);
	fake_net_free(net);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whatever_is_insecure_needs_the_loopback_or_a_confession_S_34),
		TEST(what_is_signed_or_sealed_needs_no_confession),
		TEST(the_groups_of_roles_have_names_by_default),
		TEST(an_exposed_interface_is_one_that_is_there),
		TEST(it_is_said_again_every_hour_S_34),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
