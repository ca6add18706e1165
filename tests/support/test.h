/* SPDX-License-Identifier: Apache-2.0
 *
 * The cmocka header dance, and a runner that speaks TAP so that automake counts cases.
 * One group a program; test names are sentences. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define TEST(f) cmocka_unit_test(f)
#define RUN_TESTS(tests, setup, teardown)                                                          \
	(cmocka_set_message_output(CM_OUTPUT_TAP),                                                 \
	 cmocka_run_group_tests(tests, setup, teardown))
