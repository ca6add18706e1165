/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads sources that may block, in a thread, so that the loop never does. One thread serves all of
 * them in turn. A job that takes too long hangs: its thread is left behind with it, another one serves
 * the others, and the job is usable again when the read returns. There is no thread before the first
 * job is started. All functions belong to the loop. */
#pragma once
#include "metrics/source.h"

#define WORKER_HANGING_MAX 4
#define WORKER_BYTES_MAX   (512 * 1024) /* that one reading may tell */

struct workers;
struct job; /* one source: what is open of it, and what it told last */

int workers_new(struct workers **ret) MUST_CHECK;
/* Threads that hang are left behind; they free what is theirs if they ever return. */
void workers_free(struct workers *w);
DEFINE_FREEP(struct workers, workers_free)
/* Becomes readable when a job is done. */
int workers_fd(const struct workers *w);
unsigned workers_hanging(const struct workers *w);
/* Looks after the threads; how many ms from now it wants to be called again, INT64_MAX: not. */
int64_t workers_look(struct workers *w);

/* env is copied. */
int job_new(struct workers *w, const struct source *source, const struct source_env *env,
    struct job **ret) MUST_CHECK;
/* Closes the source, in the thread. NULL is fine. */
void job_free(struct job *j);

enum job_state {
	JOB_IDLE,
	JOB_BUSY,
	JOB_DONE, /* a result waits to be taken */
	JOB_HANGS /* took longer than its limit */
};
/* Reads what `due` tells, one flag a metric. -EBUSY unless idle. */
int job_start(struct job *j, const bool *due, int64_t limit_ms) MUST_CHECK;
enum job_state job_look(struct job *j);
/* Waits until it is done, so long at most. */
enum job_state job_wait(struct job *j, int64_t wait_ms);
/* How many ms ago it was read, when it is done. */
int64_t job_age(struct job *j);
/* Puts what was read (sink NULL: drops it), and is idle again. The source's result. */
int job_take(struct job *j, struct sink *sink);
