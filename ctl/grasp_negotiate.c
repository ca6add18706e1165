/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp negotiate: the initiator's side of a negotiation. What comes back is answered with the
 * values of --step, one after the other, and then accepted, or declined with --decline. */
#include "base/cbor.h"
#include "base/ctl.h"
#include "ctl/grasp.h"
#include "ctl/peer_reach.h"

#include <errno.h>
#include <string.h>

#define ROW_MAX	   (1u << 20)
#define STEPS_MAX  32
#define REASON_MAX 256

struct negotiate {
	struct asker asker;
	struct peer_reach reach;
	struct grasp_objective objective;
	struct addr peer;
	struct slice step[STEPS_MAX]; /* texts as given */
	size_t steps, taken;
	bool declines, answered;
	char reason[REASON_MAX];
	enum grasp_outcome outcome;
};

/* --- output -------------------------------------------------------------------------------------- */

static void
print(struct negotiate *n, bool ours, const char *message, int loop, struct slice value,
    const char *text)
{
	struct buf row;

	buf_init(&row, ROW_MAX);
	wr_open_map(&row);
	wr_key_text(&row, "from", ours ? "fogctl" : "peer");
	asker_key_addr(&row, "peer", &n->peer);
	wr_key_text(&row, "message", message);
	if (loop >= 0)
		wr_key_int(&row, "loop", loop);
	if (value.len)
		asker_key_diag(&row, "value", value);
	if (text)
		wr_key_text(&row, "text", text);
	wr_close(&row);
	asker_print(&n->asker, &row);
	buf_done(&row);
}

static const struct slice none;

/* --- our turn ------------------------------------------------------------------------------------ */

static void
end(struct negotiate *n, struct grasp_session *s)
{
	grasp_session_end(s, !n->declines, n->declines ? n->reason : NULL);
	print(n, true, "M_END", -1, none, n->declines ? "decline" : "accept");
	asker_end(&n->asker, LOCAL_DONE);
}

static int
send_step(struct negotiate *n, struct grasp_session *s, int loop)
{
	struct cbor_reader r;
	struct buf value;
	int err;

	buf_init(&value, GRASP_UNICAST_MAX);
	rd_init(&r, n->step[n->taken], 2);
	err = asker_value("--step", rd_text(&r), &value) ? -EINVAL : 0;
	if (!err)
		err = grasp_session_step(s, buf_slice(&value));
	if (!err)
		print(n, true, "M_NEGOTIATE", loop - 1, buf_slice(&value), NULL);
	n->taken++;
	buf_done(&value);
	return err;
}

static void
on_negotiated(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct negotiate *n = arg;
	int err = 0;

	n->answered = true;
	print(n, false, "M_NEGOTIATE", obj->loop_count, obj->value, NULL);
	if (n->taken == n->steps) {
		end(n, s);
		return;
	}
	err = send_step(n, s, obj->loop_count);
	if (!err)
		return;
	local_refuse("the step cannot be sent: %s",
	    err == -ELOOP ? "the loop count is exhausted" : strerror(-err));
	grasp_session_end(s, false, "gave up");
	asker_end(&n->asker, LOCAL_REFUSED);
}

/* --- the peer's ---------------------------------------------------------------------------------- */

static void
on_waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	struct negotiate *n = arg;
	char text[32];

	(void)s;
	n->answered = true;
	snprintf(text, sizeof text, "%u ms", ms);
	print(n, false, "M_WAIT", -1, none, text);
}

static void
tell_end(struct negotiate *n, enum grasp_outcome outcome, struct slice reason)
{
	struct buf text;

	buf_init(&text, GRASP_UNICAST_MAX);
	buf_puts(&text, outcome == GRASP_ACCEPTED ? "accept" : "decline");
	if (reason.len) {
		buf_puts(&text, ": ");
		buf_put_slice(&text, reason);
	}
	print(n, false, "M_END", -1, none, buf_text(&text));
	buf_done(&text);
	asker_end(&n->asker, outcome == GRASP_ACCEPTED ? LOCAL_DONE : LOCAL_REFUSED);
}

/* Whoever has said nothing was not the right one. */
static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct negotiate *n = arg;

	(void)s;
	n->outcome = outcome;
	if (outcome == GRASP_ACCEPTED || outcome == GRASP_DECLINED) {
		tell_end(n, outcome, reason);
	} else if (n->answered) {
		local_refuse("the negotiation failed: %s", grasp_outcome_name(outcome));
		asker_end(&n->asker, LOCAL_REFUSED);
	} else {
		peer_reach_next(&n->reach);
	}
}

static void
attempt(void *arg, const struct addr *peer)
{
	static const struct grasp_session_ops ops = {
		.negotiated = on_negotiated, .waiting = on_waiting, .ended = on_ended
	};
	struct negotiate *n = arg;
	struct grasp_session *session;
	struct grasp_link *link;
	int err;

	n->peer = *peer;
	n->outcome = GRASP_CLOSED;
	err = grasp_link_open(n->asker.node, peer, NULL, NULL, &link);
	if (err == 0)
		err = grasp_negotiate(link, &n->objective, 0, &ops, n, &session);
	if (err < 0)
		peer_reach_next(&n->reach);
	else
		print(n, true, "M_REQ_NEG", n->objective.loop_count, n->objective.value,
		    NULL);
}

static void
exhausted(void *arg, unsigned tried)
{
	struct negotiate *n = arg;

	if (tried == 0)
		local_refuse("nobody answers for %s", n->objective.name.data);
	else
		local_refuse("nobody negotiates %s: %s", n->objective.name.data,
		    grasp_outcome_name(n->outcome));
	asker_end(&n->asker, LOCAL_REFUSED);
}

/* --- the command --------------------------------------------------------------------------------- */

/* What is wrong with a value is better told before than in the middle. */
static int
check_steps(struct negotiate *n)
{
	struct cbor_reader r;
	struct buf value;
	int status = 0;

	n->steps = local_all(n->asker.args, "step", n->step, STEPS_MAX);
	for (size_t i = 0; i < n->steps && !status; i++) {
		buf_init(&value, GRASP_UNICAST_MAX);
		rd_init(&r, n->step[i], 2);
		status = asker_value("--step", rd_text(&r), &value);
		buf_done(&value);
	}
	n->declines = ctl_arg_text(n->asker.args, "decline", n->reason, sizeof n->reason);
	return status;
}

int
grasp_negotiate_run(struct slice args, struct printer *p)
{
	struct negotiate n = { 0 };
	char name[GRASP_NAME_MAX + 1];
	struct buf value;
	int status;

	buf_init(&value, GRASP_UNICAST_MAX);
	status = asker_objective(args, F_DISC | F_NEG, name, &value, &n.objective);
	if (ctl_arg_bool(args, "dry-run"))
		n.objective.flags |= F_NEG_DRY;
	if (!status)
		status = asker_open(&n.asker, args, p);
	if (!status)
		status = check_steps(&n);
	if (!status)
		status = peer_reach_start(
		    &n.reach, &n.asker, args, &n.objective, attempt, exhausted, &n);
	if (!status)
		status = asker_run(&n.asker);
	peer_reach_stop(&n.reach);
	asker_close(&n.asker);
	buf_done(&value);
	return status;
}
