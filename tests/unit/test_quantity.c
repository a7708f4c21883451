/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as people write them: what is read, what is refused, and that muir reads what it prints. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "base/text.h"
#include "base/units.h"
#include "check.h"

static void values_are_read_as_people_write_them(void)
{
    static const struct {
        const char *text, *unit;
        double value;
    } known[] = {
        {"8", "chips", 8},
        {"1,024", "chips", 1024},
        {"1,000,000", "steps", 1e6},
        {"1e6", "steps", 1e6},
        {"8k", "steps", 8000},
        {"8K", "steps", 8000},
        {"2Ki", "steps", 2048},
        {"64 chips", "chips", 64},
        {"1 chip", "chips", 1},
        {"8k", "tokens", 8192},
        {"128k", "tokens", 131072},
        {"1M tokens", "tokens", 1048576},
        {"16Ki", MUIR_UNIT_WHOLE, 16384},
        {"50%", "", 0.5},
        {"35 %", "", 0.35},
        {"7%", "", 0.07},
        {".5", "", 0.5},
        {"+0.25", "", 0.25},
        {"-3.5", "degC", -3.5},
        {"27 C", "degC", 27},
        {"2h", "s", 7200},
        {"5 min", "s", 300},
        {"2 h 05 min", "s", 7500},
        {"3 min 20 s", "s", 200},
        {"1h30min", "s", 5400},
        {"20 ms", "s", 0.02},
        {"1.5us", "s", 1.5e-6},
        {"1.5 \xc2\xb5s", "s", 1.5e-6},
        {"90d", "days", 90},
        {"12h", "days", 0.5},
        {"2 weeks", "days", 14},
        {"3 d 12 h", "days", 3.5},
        {"1 year", "days", 365.25},
        {"90 min", "h", 1.5},
        {"400Gb/s", "byte/s", 50e9},
        {"400 Gbps", "byte/s", 50e9},
        {"50GB/s", "byte/s", 50e9},
        {"1KiB/s", "byte/s", 1024},
        {"3.35 TB/s", "byte/s", 3.35e12},
        {"80GiB", "byte", 85899345920.0},
        {"80 GB", "byte", 80e9},
        {"4 bytes", "byte", 4},
        {"989T", "FLOP/s", 989e12},
        {"989 TFLOP/s", "FLOP/s", 989e12},
        {"1979TOPS", "OP/s", 1979e12},
        {"700 W", "W", 700},
        {"1.2kW", "W", 1200},
        {"2kWh", "J", 7.2e6},
        {"50 Hz", "1/s", 50},
        {"10.8 GUSD", "USD", 10.8e9},
        {"75 USD/MWh", "USD/MWh", 75},
        {"0.474 1/1000 chip-days", "1/1000 chip-days", 0.474},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        double value = NAN;
        const bool is_read = muir_quantity_read(known[i].text, known[i].unit, &value);
        if (!is_read || value != known[i].value)
            fprintf(stderr, "'%s' in %s is %.17g, not %.17g\n", known[i].text, known[i].unit, value,
                    known[i].value);
        CU_ASSERT(is_read);
        CU_ASSERT_EQUAL(value, known[i].value);
    }
}

static void wrong_values_are_refused(void)
{
    static const struct {
        const char *text, *unit;
    } wrong[] = {
        {"", "s"},
        {"h", "s"},
        {"ten", "s"},
        {"nan", "s"},
        {"inf", ""},
        {"0x10", ""},
        {"1e999", ""},
        {"1.2.3", ""},
        {"--1", ""},
        {"1,02", "chips"},
        {"1,0245", "chips"},
        {"10,24", "chips"},
        {"1234,567", "chips"},
        {",123", "chips"},
        {"1,", "chips"},
        {"5m", "s"},
        {"5M", "s"},
        {"5 min 2 h", "s"},
        {"5 min 5 min", "s"},
        {"2 h -5 min", "s"},
        {"80G", "byte"},
        {"400G", "byte/s"},
        {"400GB", "byte/s"},
        {"400gb/s", "byte/s"},
        {"400W", "byte/s"},
        {"50%", "s"},
        {"50%", MUIR_UNIT_WHOLE},
        {"8k", MUIR_UNIT_WHOLE},
        {"8 chips", "steps"},
        {"5 GB", "W"},
        {"3 K", "degC"},
        {"1e", "steps"},
        {"5 %%", ""},
        {"5 x", ""},
        {"2 h 5", "s"},
        {"2 k", "s"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        double value = 77.0;
        const bool is_read = muir_quantity_read(wrong[i].text, wrong[i].unit, &value);
        if (is_read) fprintf(stderr, "'%s' in %s is read as %g\n", wrong[i].text, wrong[i].unit, value);
        CU_ASSERT_FALSE(is_read);
        CU_ASSERT_EQUAL(value, 77.0);
    }
}

/* To the three digits that are printed. */
static void check_printed(const char *text, const char *unit, double value)
{
    double read = NAN;
    const bool is_read = muir_quantity_read(text, unit, &read);
    if (!is_read || !(fabs(read / value - 1.0) < 0.006)) fprintf(stderr, "printed %s for %g\n", text, value);
    CU_ASSERT(is_read);
    CU_ASSERT(fabs(read / value - 1.0) < 0.006);
}

static void what_muir_prints_it_also_reads(void)
{
    for (double value = 1.3; value < 1e15; value *= 7.1) {
        check_printed(muir_time_text(1e-8 * value).s, "s", 1e-8 * value);
        check_printed(muir_bytes_text(1e3 * value).s, "byte", 1e3 * value);
        check_printed(muir_si(value, "B/s").s, "byte/s", value);
        check_printed(muir_si(value, "FLOP/s").s, "FLOP/s", value);
        check_printed(muir_si(value, "W").s, "W", value);
        check_printed(muir_si(value, "J").s, "J", value);
        check_printed(muir_si(value, "USD").s, "USD", value);
        check_printed(muir_count_text((long long)value).s, "chips", floor(value));
    }
}

static void quoted_values_are_short_and_on_one_line(void)
{
    char large[5000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    CU_ASSERT_STRING_EQUAL(muir_quote("a\nb\tc").s, "a?b?c");
    CU_ASSERT(strlen(muir_quote(large).s) < 90);
    CU_ASSERT_STRING_EQUAL(muir_quote(large).s + 60, "... (4,999 characters)");
    memcpy(large + 59, "\xc3\xa9", 2); /* a character of two bytes across the cut */
    CU_ASSERT_STRING_EQUAL(muir_quote(large).s + 59, "... (4,999 characters)");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"values are read as people write them", values_are_read_as_people_write_them},
        {"wrong values are refused", wrong_values_are_refused},
        {"what muir prints it also reads", what_muir_prints_it_also_reads},
        {"quoted values are short and on one line", quoted_values_are_short_and_on_one_line},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "quantity", tests);
}
