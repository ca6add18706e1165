/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases of Telegraf's own parser test (plugins/parsers/influx/machine_test.go) and of its
 * Prometheus output, written down as what comes out here. */
#include "metrics/line.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"

static struct line line;
static char why[160];

static int
parse(const char *text)
{
	return line_parse(text, NULL, &line, why, sizeof why);
}

/* name{labels} value … @time */
static const char *
print(void)
{
	static uint8_t memory[65536];
	struct buf b;
	char number[64];

	buf_init_fixed(&b, memory, sizeof memory - 1);
	for (unsigned i = 0; i < line.len; i++) {
		snprintf(number, sizeof number, " %.17g", line.value[i].value);
		buf_puts(&b, i ? " " : "");
		buf_puts(&b, line.value[i].metric);
		metric_labels_print(&line.labels, &b);
		buf_puts(&b, number);
	}
	if (line.timed) {
		snprintf(number, sizeof number, " @%lld", (long long)line.time_ns);
		buf_puts(&b, number);
	}
	memory[b.pos] = '\0';
	return (const char *)memory;
}

struct sample {
	const char *text, *expected;
};

static void
expect(const struct sample *cases, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (parse(cases[i].text) != 0)
			fail_msg("%s: %s", cases[i].text, why);
		assert_string_equal(print(), cases[i].expected);
	}
}

static void
lines_of_telegrafs_parser_test_mean_the_same(void **state)
{
	static const struct sample cases[] = {
		{ "", "" },
		{ "cpu value=42", "cpu 42" },
		{ "cpu value=42\n", "cpu 42" },
		{ "cpu value=42\r\n", "cpu 42" },
		{ "cpu value=42\r", "cpu 42" },
		{ "cpu value=42 1516241192000000000", "cpu 42 @1516241192000000000" },
		{ "c\\pu value=42", "c_pu 42" },
		{ "cpu\\\\ value=42", "cpu 42" },
		{ "c value=42", "c 42" },
		{ "cp\\\\u value=42", "cp__u 42" },
		{ "cpu\\ abc value=42", "cpu_abc 42" },
		{ "cpu value=42e0", "cpu 42" },
		{ "cpu value=-42e0", "cpu -42" },
		{ "cpu value=42e-1", "cpu 4.2000000000000002" },
		{ "cpu value=42E0", "cpu 42" },
		{ "cpu value=42e+1", "cpu 420" },
		{ "cpu value=42.2", "cpu 42.200000000000003" },
		{ "cpu value=42.", "cpu 42" },
		{ "cpu value=-42", "cpu -42" },
		{ "cpu value=.42", "cpu 0.41999999999999998" },
		{ "cpu value=-.42", "cpu -0.41999999999999998" },
		{ "cpu value=00.42", "cpu 0.41999999999999998" },
		{ "cpu x=42,y=42", "cpu_x 42 cpu_y 42" },
		{ "cpu value=42i", "cpu 42" },
		{ "cpu value=-42i", "cpu -42" },
		{ "cpu value=0i", "cpu 0" },
		{ "cpu value=-0i", "cpu 0" },
		{ "cpu value=18446744073709551615u", "cpu 1.8446744073709552e+19" },
		{ "cpu value=1e-400", "cpu 0" },
		{ "cpu value=\"42\"", "" },
		{ "cpu value=\"4\n2\"", "" },
		{ "cpu value=\"4\r2\"", "" },
		{ "cpu value=true", "cpu 1" },
		{ "cpu a=t,b=T,c=True,d=TRUE,e=f,f=F,g=False,h=FALSE",
		    "cpu_a 1 cpu_b 1 cpu_c 1 cpu_d 1 cpu_e 0 cpu_f 0 cpu_g 0 cpu_h 0" },
		{ "cpu,host=localhost value=42", "cpu{host=\"localhost\"} 42" },
		{ "cpu,h\\ ost=localhost value=42", "cpu{h_ost=\"localhost\"} 42" },
		{ "cpu,h\\,ost=localhost value=42", "cpu{h_ost=\"localhost\"} 42" },
		{ "cpu,h\\=ost=localhost value=42", "cpu{h_ost=\"localhost\"} 42" },
		{ "cpu,host=localhost,cpu=cpu0 value=42",
		    "cpu{cpu=\"cpu0\",host=\"localhost\"} 42" },
		{ "cpu,host=two\\ words value=42", "cpu{host=\"two words\"} 42" },
		{ "cpu,host=two\\\\ words value=42", "cpu{host=\"two\\\\ words\"} 42" },
		{ "cpu,host=two\\\\\\ words value=42",
		    "cpu{host=\"two\\\\\\\\ words\"} 42" },
		{ "cpu value=42 -1", "cpu 42 @-1" },
		{ "cpu value=42 0", "cpu 42 @0" },
		{ "   cpu   value=42  1516241192000000000  ",
		    "cpu 42 @1516241192000000000" },
		{ "# blah blah", "" },
		{ "  # blah", "" },
		{ "\t \n", "" },
		{ "cpu \xe2\x98\xba=42", "cpu 42" },
	};

	(void)state;
	expect(cases, ARRAY_LEN(cases));
}

static void
what_telegraf_refuses_is_refused_with_the_column(void **state)
{
	static const struct sample cases[] = {
		{ "cpu value=42E", "column 11: an exponent has no digits" },
		{ "cpu value=.", "column 11: a value is expected" },
		{ "cpu value=-", "column 11: a value is expected" },
		{ "cpu value=+1", "column 11: a value is expected" },
		{ "cpu value=NaN", "column 11: a value is expected" },
		{ "cpu value=inf", "column 11: a value is expected" },
		{ "cpu value=0x10",
		    "column 12: a comma or a space is expected after a value" },
		{ "cpu value=9223372036854775808i", "column 11: a number is too large" },
		{ "cpu value=18446744073709551616u", "column 11: a number is too large" },
		{ "cpu value=1e400", "column 11: a number is too large" },
		{ "cpu value=01i",
		    "column 13: a comma or a space is expected after a value" },
		{ "cpu value=-1u",
		    "column 13: a comma or a space is expected after a value" },
		{ "cpu value=1.5i",
		    "column 14: a comma or a space is expected after a value" },
		{ "cpu value=howdy", "column 11: a value is expected" },
		{ "cpu value=truee",
		    "column 15: a comma or a space is expected after a value" },
		{ "cpu,xyzzy value=42",
		    "column 10: a \"=\" is expected after the name of a tag" },
		{ "cpu,xyzzy= value=42", "column 11: the value of a tag is expected" },
		{ "cpu,h ost=localhost value=42",
		    "column 6: a \"=\" is expected after the name of a tag" },
		{ "cpu,h,ost=localhost value=42",
		    "column 6: a \"=\" is expected after the name of a tag" },
		{ "cpu,h=ost=localhost value=42",
		    "column 10: fields are expected after a space" },
		{ "cpu value=", "column 11: a value is expected" },
		{ "cpu value",
		    "column 10: a \"=\" is expected after the name of a field" },
		{ "cpu", "column 4: fields are expected after a space" },
		{ ",", "column 1: the name of a measurement is expected" },
		{ "cpu, value=42", "column 5: the name of a tag is expected" },
		{ "cpu,x=y ", "column 9: the name of a field is expected" },
		{ "cpu value=42,", "column 14: the name of a field is expected" },
		{ "cpu value=42 value=43",
		    "column 14: a time in nanoseconds is expected" },
		{ "cpu value=42 12345678901234567890",
		    "column 14: a time in nanoseconds is expected" },
		{ "cpu value=42 9999999999999999999", "column 14: a time is too large" },
		{ "cpu value=42 1 2", "column 16: nothing more is expected here" },
		{ "cpu value=42 \"12345678901234567890\"",
		    "column 14: a time in nanoseconds is expected" },
		{ "cpu\\", "column 1: the name of a measurement is expected" },
		{ "cpu value=\"a\\b\"",
		    "column 13: in a string, \\ stands before \" or \\ only" },
		{ "cpu value=42\rcpu value=1",
		    "column 13: nothing more is expected here" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (parse(cases[i].text) != -EBADMSG)
			fail_msg("%s is taken", cases[i].text);
		assert_string_equal(why, cases[i].expected);
		assert_int_equal(line.len, 0);
	}
}

static void
a_string_that_is_open_at_the_end_may_go_on(void **state)
{
	(void)state;
	assert_int_equal(parse("cpu a=1,b=\"42"), -EAGAIN);
	assert_int_equal(parse("cpu a=1,b=\"42\\"), -EAGAIN);
	assert_int_equal(parse("cpu a=1,b=\"42\n more\",c=2"), 0);
	assert_string_equal(print(), "cpu_a 1 cpu_c 2");
	assert_int_equal(parse("cpu a=\"x\\\\\",b=\"say \\\"y\\\", z=3\",c=2"), 0);
	assert_string_equal(print(), "cpu_c 2");
}

/* docs/DATA_FORMATS_INPUT, inputs/cpu, disk, smart, modbus and ping of its manual. */
static void
lines_of_telegrafs_manual_become_metrics(void **state)
{
	static const struct sample cases[] = {
		{ "weather,location=us-midwest,season=summer temperature=82 "
		  "1465839830100400200",
		    "weather_temperature{location=\"us-midwest\",season=\"summer\"} 82 "
		    "@1465839830100400200" },
		{ "modbus.InputRegisters,host=orangepizero Current=0,Energy=60,"
		  "Frequency=60,Power=0,PowerFactor=0,Voltage=123.9000015258789 "
		  "1554079521000000000",
		    "modbus_InputRegisters_Current{host=\"orangepizero\"} 0 "
		    "modbus_InputRegisters_Energy{host=\"orangepizero\"} 60 "
		    "modbus_InputRegisters_Frequency{host=\"orangepizero\"} 60 "
		    "modbus_InputRegisters_Power{host=\"orangepizero\"} 0 "
		    "modbus_InputRegisters_PowerFactor{host=\"orangepizero\"} 0 "
		    "modbus_InputRegisters_Voltage{host=\"orangepizero\"} "
		    "123.90000152587891 @1554079521000000000" },
		{ "ping,url=example.org "
		  "result_code=0i,ttl=63i,average_response_ms=23.066 "
		  "1535747258000000000",
		    "ping_result_code{url=\"example.org\"} 0 "
		    "ping_ttl{url=\"example.org\"} "
		    "63 ping_average_response_ms{url=\"example.org\"} "
		    "23.065999999999999 @1535747258000000000" },
		{ "prometheus,url=u go_goroutines=15", "go_goroutines{url=\"u\"} 15" },
		{ "counter_shell count=1", "counter_shell_count 1" },
	};

	(void)state;
	expect(cases, ARRAY_LEN(cases));
}

static void
a_name_that_prometheus_does_not_allow_is_made_one(void **state)
{
	static const struct sample cases[] = {
		{ "a-b value=1", "a_b 1" },
		{ "1a value=1", "a 1" },
		{ "-a- value=1", "a 1" },
		{ "-1a value=1", "a 1" },
		{ "_-1_a value=1", "a 1" },
		{ "_a_ value=1", "_a_ 1" },
		{ "a:b,c:d=e value=1", "a:b{c_d=\"e\"} 1" },
		{ "\xc3\xa4\xc3\xb6u value=1", "u 1" },
		{ "temp\xc2\xb0"
		  "C value=1",
		    "temp_C 1" },
		{ "m b\\ c=1", "m_b_c 1" },
	};

	(void)state;
	expect(cases, ARRAY_LEN(cases));
	assert_int_equal(parse("--- value=1"), 0);
	assert_int_equal(line.len, 0);
	assert_int_equal(line.left_out, 1);
}

static void
the_last_of_two_fields_or_tags_of_a_name_counts(void **state)
{
	(void)state;
	assert_int_equal(parse("cpu,a=1,a=2 b=1,b=2"), 0);
	assert_string_equal(print(), "cpu_b{a=\"2\"} 2");
}

static void
more_tags_than_labels_are_left_out_by_name_or_by_choice(void **state)
{
	static const char *const two[] = { "f", "b", NULL };
	const char *text = "m,f=6,e=5,d=4,c=3,b=2,a=1 value=1";

	(void)state;
	assert_int_equal(parse(text), 0);
	assert_string_equal(print(), "m{a=\"1\",b=\"2\",c=\"3\",d=\"4\"} 1");
	assert_int_equal(line.left_out, 2);
	assert_int_equal(parse("m,host=h,a=1,z=2,i=3,j=4 value=1"), 0);
	assert_string_equal(print(), "m{a=\"1\",i=\"3\",j=\"4\",z=\"2\"} 1");
	assert_int_equal(line.left_out, 1);
	assert_int_equal(parse("m,host=h,a=1 value=1"), 0);
	assert_string_equal(print(), "m{a=\"1\",host=\"h\"} 1");
	assert_int_equal(line_parse(text, two, &line, why, sizeof why), 0);
	assert_string_equal(print(), "m{b=\"2\",f=\"6\"} 1");
	assert_int_equal(line.left_out, 0);
}

static void
a_total_is_a_counter(void **state)
{
	(void)state;
	assert_int_equal(parse("net bytes_total=1,bytes=2"), 0);
	assert_true(line.value[0].counter);
	assert_false(line.value[1].counter);
}

static void
what_is_too_long_or_too_much_is_bounded(void **state)
{
	static char text[LINE_MAX_LEN];
	size_t n = 0;

	(void)state;
	memset(text, 'a', 100);
	strcpy(text + 100, " value=1,b=2");
	assert_int_equal(parse(text), 0);
	assert_int_equal(line.len, 0);
	assert_int_equal(line.left_out, 2);
	n = (size_t)sprintf(text, "m ");
	for (unsigned i = 0; i <= LINE_FIELDS_MAX; i++)
		n += (size_t)sprintf(text + n, "%sf%u=1", i ? "," : "", i);
	assert_int_equal(parse(text), -EBADMSG);
	n = (size_t)sprintf(text, "m");
	for (unsigned i = 0; i <= LINE_TAGS_MAX; i++)
		n += (size_t)sprintf(text + n, ",t%u=1", i);
	strcpy(text + n, " value=1");
	assert_int_equal(parse(text), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_of_telegrafs_parser_test_mean_the_same),
		TEST(what_telegraf_refuses_is_refused_with_the_column),
		TEST(a_string_that_is_open_at_the_end_may_go_on),
		TEST(lines_of_telegrafs_manual_become_metrics),
		TEST(a_name_that_prometheus_does_not_allow_is_made_one),
		TEST(the_last_of_two_fields_or_tags_of_a_name_counts),
		TEST(more_tags_than_labels_are_left_out_by_name_or_by_choice),
		TEST(a_total_is_a_counter),
		TEST(what_is_too_long_or_too_much_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
