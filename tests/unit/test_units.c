/* SPDX-License-Identifier: BSD-3-Clause */
/* Printed numbers and the shared words. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "base/words.h"
#include "check.h"

static void numbers_keep_three_digits_and_their_unit(void)
{
    CU_ASSERT_STRING_EQUAL(muir_si(12.34e9, "B/s").s, "12.3 GB/s");
    CU_ASSERT_STRING_EQUAL(muir_si(0.0, "s").s, "0 s");
    CU_ASSERT_STRING_EQUAL(muir_si(0.01234, "s").s, "12.3 ms");
    CU_ASSERT_STRING_EQUAL(muir_si(999.9, "W").s, "1.00 kW");
    CU_ASSERT_STRING_EQUAL(muir_si(-2.5e6, "W").s, "-2.50 MW");
    CU_ASSERT_STRING_EQUAL(muir_bytes_text(1536.0).s, "1.50 KiB");
    CU_ASSERT_STRING_EQUAL(muir_bytes_text(17.0).s, "17 B");
    CU_ASSERT_STRING_EQUAL(muir_time_text(200.0).s, "3 min 20 s");
    CU_ASSERT_STRING_EQUAL(muir_time_text(7500.0).s, "2 h 05 min");
    CU_ASSERT_STRING_EQUAL(muir_time_text(90.0 * 86400.0).s, "90 d 0 h");
    CU_ASSERT_STRING_EQUAL(muir_time_text(400.0 * 365.25 * 86400.0).s, "400 years");
    CU_ASSERT_STRING_EQUAL(muir_count_text(1000000).s, "1,000,000");
    CU_ASSERT_STRING_EQUAL(muir_count_text(-64).s, "-64");
    CU_ASSERT_STRING_EQUAL(muir_count_text(500032).s, "500,032");
}

static void what_has_no_digits_is_said_in_words(void)
{
    CU_ASSERT_STRING_EQUAL(muir_time_text(INFINITY).s, "infinite");
    CU_ASSERT_STRING_EQUAL(muir_si(-INFINITY, "W").s, "-infinite");
    CU_ASSERT_STRING_EQUAL(muir_time_text(NAN).s, "unknown");
    CU_ASSERT_STRING_EQUAL(muir_bytes_text(NAN).s, "unknown");
}

/* NVIDIA/nccl-tests doc/PERFORMANCE.md. */
static void busbw_factors_are_those_of_nccl_tests(void)
{
    CU_ASSERT_DOUBLE_EQUAL(muir_busbw_factor(MUIR_ALL_REDUCE, 8), 1.75, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(muir_busbw_factor(MUIR_ALL_GATHER, 8), 0.875, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(muir_busbw_factor(MUIR_REDUCE_SCATTER, 4), 0.75, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(muir_busbw_factor(MUIR_BROADCAST, 4), 1.0, 1e-15);
}

static void words_have_names_and_sizes(void)
{
    CU_ASSERT_STRING_EQUAL(muir_dtype_name(MUIR_BF16), "bf16");
    CU_ASSERT_EQUAL(muir_dtype_bytes(MUIR_FP32), 4);
    CU_ASSERT_STRING_EQUAL(muir_axis_name(MUIR_AXIS_PP), "pp");
    CU_ASSERT_STRING_EQUAL(muir_coll_kind_name(MUIR_REDUCE_SCATTER), "reduce_scatter");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"numbers keep three digits and their unit", numbers_keep_three_digits_and_their_unit},
        {"what has no digits is said in words", what_has_no_digits_is_said_in_words},
        {"busbw factors are those of nccl-tests", busbw_factors_are_those_of_nccl_tests},
        {"words have names and sizes", words_have_names_and_sizes},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "units", tests);
}
