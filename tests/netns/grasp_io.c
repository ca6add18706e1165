/* SPDX-License-Identifier: Apache-2.0
 *
 * Run by grasp_io.sh in the one namespace of two: a0 leads to a mirror (io_mirror.c) and has a
 * ULA, a1 has a link-local address only. */
#include "grasp/const.h"
#include "base/mem.h"
#include "tests/support/live.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

#define ULA  "fd9e:1::1"
#define PEER "fd9e:1::2"

static const struct in6_addr neighbors = { .s6_addr = { 0xff, 0x02, [15] = 0x13 } };
static const struct in6_addr beef = { .s6_addr = {
					  0xff, 0x14, [14] = 0xbe, [15] = 0xef } };
static const struct in6_addr cafe = { .s6_addr = {
					  0xff, 0x14, [14] = 0xca, [15] = 0xfe } };

static struct live world;
static struct grasp_interface wide; /* a0 as listed */
static unsigned changes;
static struct ears { /* what one grasp_io has heard */
	unsigned count;
	struct addr from;
	struct in6_addr to;
	size_t len;
} heard, heard_too;
static struct {
	bool done;
	char text[256];
	struct addr peer, local;
} answer;

/* --- events ----------------------------------------------------------------------------- */

static void
on_datagram(void *arg, const struct grasp_datagram *d)
{
	struct ears *e = arg;

	e->count++;
	e->from = d->from;
	e->to = d->to;
	e->len = d->data.len;
}

static void
on_opened(void *arg, struct grasp_stream *s)
{
	(void)arg;
	(void)s;
}

static ssize_t
on_received(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	assert_true(data.len < sizeof answer.text);
	memcpy(answer.text, data.data, data.len);
	world.io->ops->stream_peer(s, &answer.peer);
	world.io->ops->stream_local(s, &answer.local);
	return (ssize_t)data.len;
}

static void
on_closed(void *arg, struct grasp_stream *s, int err)
{
	(void)arg;
	(void)s;
	answer.done = err == 0;
}

static const struct grasp_stream_ops ops = { on_opened, on_received, on_closed };

static void
on_accepted(void *arg, struct grasp_stream *s)
{
	(void)arg;
	world.io->ops->stream_set(s, &ops, NULL);
}

static void
on_changed(void *arg)
{
	(void)arg;
	changes++;
}

static const struct grasp_io_events events = { on_datagram, on_accepted, on_changed };

/* --- conditions and helpers ----------------------------------------------------------------- */

static bool
find(const char *name, struct grasp_interface *ret)
{
	struct grasp_interface is[GRASP_INTERFACES_MAX];
	int n = world.io->ops->interfaces(world.io, is);

	for (int i = 0; i < n; i++)
		if (strcmp(is[i].name, name) == 0) {
			*ret = is[i];
			return true;
		}
	return false;
}

static bool
has_both_kinds(void *arg)
{
	struct grasp_interface i;

	(void)arg;
	return find("a0", &i) && i.addrs >= 2 && !addr_is_link_local(&i.addr[0]) &&
	    addr_is_link_local(&i.addr[i.addrs - 1]);
}

static bool
is_listed(void *name)
{
	struct grasp_interface i;

	return find(name, &i);
}

static bool
has_wide_address(void *name)
{
	struct grasp_interface i;

	return find(name, &i) && !addr_is_link_local(&i.addr[0]);
}

static bool
is_gone(void *name)
{
	struct grasp_interface i;

	return !find(name, &i);
}

static bool
is_answered(void *arg)
{
	(void)arg;
	return answer.done;
}

static bool
has_heard(void *arg)
{
	return ((struct ears *)arg)->count > 0;
}

static bool
are_told(void *arg)
{
	return changes >= *(unsigned *)arg;
}

static bool
wait_for(bool (*condition)(void *arg), void *arg)
{
	return live_until(&world, PATIENCE_MS, condition, arg);
}

static int
ip(const char *const *args)
{
	pid_t pid;
	int status;

	assert_int_equal(0,
	    posix_spawnp(
		&pid, "ip", NULL, NULL, (char *const *)(uintptr_t)args, environ));
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return status;
}

#define IP(...) assert_int_equal(0, ip((const char *const[]){ "ip", __VA_ARGS__, NULL }))

static int
send_to(uint32_t ifindex, const struct in6_addr *group, unsigned hops, size_t len)
{
	static const uint8_t bytes[2048] = { 0x81 };

	return world.io->ops->group_send(
	    world.io, ifindex, group, hops, (struct slice){ bytes, len });
}

/* Sends to a group and returns what the mirror saw of it. */
static const char *
ask_mirror(const struct in6_addr *group, unsigned hops)
{
	memset(&answer, 0, sizeof answer);
	assert_int_equal(0, send_to(wide.index, group, hops, 2));
	if (!wait_for(is_answered, NULL))
		fail_msg("no answer");
	return answer.text;
}

static void
assert_mirrored(const struct in6_addr *source, const char *rest)
{
	char ip_text[INET6_ADDRSTRLEN], want[256];
	bool local = addr_is_link_local(source);

	inet_ntop(AF_INET6, source, ip_text, sizeof ip_text);
	snprintf(want, sizeof want, "from [%s%s]:%u %s", ip_text, local ? "%b0" : "",
	    answer.local.port, rest);
	assert_string_equal(answer.text, want);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void
wide_addresses_are_listed_before_link_local_ones(void **state)
{
	struct in6_addr ula;

	(void)state;
	inet_pton(AF_INET6, ULA, &ula);
	assert_memory_equal(&ula, &wide.addr[0], sizeof ula);
	assert_true(addr_is_link_local(&wide.addr[1]));
	assert_int_equal(if_nametoindex("a0"), wide.index);
}

static void
a_group_of_the_link_is_sent_to_from_a_link_local_address_I_07(void **state)
{
	(void)state; /* I-07 */
	ask_mirror(&neighbors, 0);
	assert_mirrored(&wide.addr[wide.addrs - 1], "to ff02::13 hops 1 on b0 len 2");
}

static void
the_answer_comes_to_the_port_that_asked_and_keeps_its_scope_G_049_I_08(void **state)
{
	(void)state; /* G-049, I-08 */
	ask_mirror(&neighbors, 0);
	assert_int_not_equal(GRASP_LISTEN_PORT, answer.local.port);
	assert_true(addr_is_link_local(&answer.peer.ip));
	assert_int_equal(wide.index, answer.peer.ifindex);
}

static void
a_wider_group_is_sent_to_from_a_wide_address_with_the_hops_asked_for_SC_11_SC_14_F_09(
    void **state)
{
	(void)state; /* SC-11, SC-14, F-09 */
	ask_mirror(&beef, 8);
	assert_mirrored(&wide.addr[0], "to ff14::beef hops 8 on b0 len 2");
	assert_false(addr_is_link_local(&answer.peer.ip));
}

static void
a_wider_group_is_not_sent_to_from_a_link_local_address_SC_14(void **state)
{
	struct grasp_interface narrow;

	(void)state; /* SC-14 */
	assert_true(find("a1", &narrow));
	assert_int_equal(1, narrow.addrs);
	assert_int_equal(0, send_to(narrow.index, &neighbors, 0, 2));
	assert_int_equal(-EADDRNOTAVAIL, send_to(narrow.index, &beef, 8, 2));
}

static void
a_datagram_that_would_be_fragmented_is_refused_G_013_G_014(void **state)
{
	(void)state; /* G-013, G-014; the MTU is 1280 */
	assert_int_equal(0, send_to(wide.index, &neighbors, 0, GRASP_MULTICAST_MAX));
	assert_int_equal(
	    -EMSGSIZE, send_to(wide.index, &neighbors, 0, GRASP_MULTICAST_MAX + 1));
}

static void
all_instances_on_the_node_hear_a_multicast_G_053_I_22(void **state)
{
	static const struct grasp_io_ev_config cfg;
	CLEANUP(grasp_io_ev_free) struct grasp_io *other = NULL;

	(void)state; /* G-053, I-22 */
	assert_int_equal(0, grasp_io_ev_new(world.loop, &cfg, &other));
	assert_int_equal(0, other->ops->bind(other, 0, &events, &heard_too));
	assert_int_equal(0, other->ops->group_join(other, wide.index, &neighbors));
	assert_int_equal(0, world.io->ops->group_join(world.io, wide.index, &neighbors));
	assert_int_equal(0, world.io->ops->group_join(world.io, wide.index, &neighbors));
	heard.count = heard_too.count = 0;
	assert_int_equal(0, send_to(wide.index, &neighbors, 0, 7));
	assert_true(wait_for(has_heard, &heard));
	assert_true(wait_for(has_heard, &heard_too));
	assert_memory_equal(
	    &wide.addr[wide.addrs - 1], &heard.from.ip, sizeof heard.from.ip);
	assert_int_equal(wide.index, heard.from.ifindex);
	assert_int_equal(7, heard.len);
}

static bool
has_datagram(void *fd)
{
	char byte;

	return recv(*(int *)fd, &byte, 1, 0) == 1;
}

static void
groups_that_others_have_joined_are_not_heard_I_21(void **state)
{
	int other = socket_udp_listen(GRASP_LISTEN_PORT);

	(void)state; /* I-21 */
	assert_true(other >= 0);
	assert_int_equal(0, socket_group_join(other, wide.index, &cafe));
	assert_int_equal(0, world.io->ops->group_join(world.io, wide.index, &beef));
	heard.count = 0;
	assert_int_equal(0, send_to(wide.index, &cafe, 1, 5));
	assert_true(live_poll(&world, has_datagram, &other));
	assert_int_equal(0, send_to(wide.index, &beef, 1, 6));
	assert_true(wait_for(has_heard, &heard));
	assert_int_equal(1, heard.count);
	assert_int_equal(6, heard.len);
	assert_memory_equal(&beef, &heard.to, sizeof beef);
	close(other);
}

static void
an_interface_that_appears_is_told_and_can_be_used_G_056(void **state)
{
	unsigned wanted = changes + 1, before = changes;
	struct grasp_interface late;

	(void)state; /* G-056 */
	IP("link", "add", "late", "type", "veth", "peer", "name", "later");
	IP("link", "set", "later", "up");
	IP("link", "set", "late", "up");
	IP("addr", "add", "fd9e:9::1/64", "dev", "late");
	assert_true(wait_for(are_told, &wanted));
	assert_true(wait_for(has_wide_address, (char[]){ "late" }));
	assert_true(changes - before <= 6); /* bursts of news are told once each */
	assert_true(find("late", &late));
	assert_int_equal(0, world.io->ops->group_join(world.io, late.index, &neighbors));
	assert_int_equal(0, send_to(late.index, &beef, 1, 2));
}

static void
an_interface_that_goes_is_told_and_not_fatal_G_056(void **state)
{
	unsigned wanted = changes + 1;
	struct grasp_interface late;

	(void)state; /* G-056 */
	assert_true(find("late", &late));
	IP("link", "del", "late");
	assert_true(wait_for(are_told, &wanted));
	assert_true(wait_for(is_gone, (char[]){ "late" }));
	assert_true(send_to(late.index, &neighbors, 0, 2) < 0);
	ask_mirror(&neighbors, 0);
}

static bool
is_known_as_duplicate(void *arg)
{
	char text[256] = "";
	FILE *f = popen("ip -6 addr show dev a0 dadfailed", "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

	(void)arg;
	if (f)
		pclose(f);
	return n > 0 && strstr(text, PEER);
}

static void
an_address_that_is_somebody_elses_is_not_listed(void **state)
{
	struct in6_addr duplicate;
	struct grasp_interface is;

	(void)state;
	inet_pton(AF_INET6, PEER, &duplicate);
	IP("addr", "add", PEER "/64", "dev", "a0");
	assert_true(wait_for(is_known_as_duplicate, NULL));
	assert_true(find("a0", &is));
	for (int i = 0; i < is.addrs; i++)
		assert_memory_not_equal(&duplicate, &is.addr[i], sizeof duplicate);
}

static int
set_up(void **state)
{
	static const struct grasp_io_ev_config cfg;

	(void)state;
	world.loop = ev_loop_new(EVFLAG_AUTO);
	if (!world.loop || grasp_io_ev_new(world.loop, &cfg, &world.io) < 0 ||
	    world.io->ops->bind(world.io, GRASP_LISTEN_PORT, &events, &heard) < 0)
		return -1;
	return wait_for(has_both_kinds, NULL) && wait_for(is_listed, (char[]){ "a1" }) &&
		find("a0", &wide)
	    ? 0
	    : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	live_close(&world);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(wide_addresses_are_listed_before_link_local_ones),
		TEST(a_group_of_the_link_is_sent_to_from_a_link_local_address_I_07),
		TEST(
		    the_answer_comes_to_the_port_that_asked_and_keeps_its_scope_G_049_I_08),
		TEST(
		    a_wider_group_is_sent_to_from_a_wide_address_with_the_hops_asked_for_SC_11_SC_14_F_09),
		TEST(a_wider_group_is_not_sent_to_from_a_link_local_address_SC_14),
		TEST(a_datagram_that_would_be_fragmented_is_refused_G_013_G_014),
		TEST(all_instances_on_the_node_hear_a_multicast_G_053_I_22),
		TEST(groups_that_others_have_joined_are_not_heard_I_21),
		TEST(an_interface_that_appears_is_told_and_can_be_used_G_056),
		TEST(an_interface_that_goes_is_told_and_not_fatal_G_056),
		TEST(an_address_that_is_somebody_elses_is_not_listed),
	};

	return RUN_TESTS(tests, set_up, tear_down);
}
