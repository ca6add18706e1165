/* SPDX-License-Identifier: Apache-2.0
 *
 * How the results of a plan item are reported, so that everybody who wants it gets what they need: the
 * part of struct plan_item (protocol/plan.h) behind id and program. A watch needs less than every value,
 * since it reckons with what is held (prediction.md §11): a fraction of the distance to its threshold. */
#pragma once
#include "controller/service.h"
#include "protocol/plan.h"

enum reporting_choice { REPORTING_SUPPRESSED, REPORTING_PERIODIC }; /* of a requirement */
extern const char *const reporting_choices[]; /* their words, NULL at the end */

void reporting_of(const struct requirement *r, bool host, struct plan_item *ret);
/* Makes *into tell what more tells, too. */
void reporting_merge(struct plan_item *into, const struct plan_item *more);
bool reporting_is(const struct plan_item *a, const struct plan_item *b);
