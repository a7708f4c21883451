/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbering of a job's chips: a permutation with an inverse, in both orders; strides that say the same. */
#include <stdlib.h>

#include "check.h"
#include "models/layout.h"

static muir_job job_of(int order)
{
    muir_job job = {.parallel = {.tp = 4, .cp = 2, .ep = 1, .pp = 3, .dp = 5, .order = order}};
    return job;
}

static void numbers_are_a_permutation_with_an_inverse(void)
{
    for (int order = MUIR_ORDER_PP_OUTERMOST; order <= MUIR_ORDER_DP_OUTERMOST; order++) {
        const muir_job job = job_of(order);
        const int64_t n = muir_job_chips(&job);
        int *seen = calloc((size_t)n, sizeof *seen);
        CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
        for (int64_t stage = 0; stage < 3; stage++)
            for (int64_t replica = 0; replica < 5; replica++)
                for (int64_t k = 0; k < 8; k++) {
                    const int64_t chip = muir_layout_chip(&job, stage, replica, k);
                    CU_ASSERT_FATAL(chip >= 0 && chip < n);
                    CU_ASSERT_EQUAL(seen[chip]++, 0);
                    const muir_chip_place place = muir_layout_place(&job, chip);
                    CU_ASSERT(place.stage == stage && place.replica == replica && place.in_group == k);
                }
        free(seen);
    }
}

static void groups_go_there_and_back(void)
{
    for (int order = MUIR_ORDER_PP_OUTERMOST; order <= MUIR_ORDER_DP_OUTERMOST; order++) {
        const muir_job job = job_of(order);
        int64_t first, last;
        for (int64_t group = 0; group < 15; group++)
            CU_ASSERT_EQUAL(
                muir_layout_group(&job, muir_layout_stage(&job, group), muir_layout_replica(&job, group)),
                group);
        muir_layout_groups_of(&job, 7, 16, &first, &last);
        CU_ASSERT(first == 0 && last == 2);
    }
}

/* Neighbours on an axis differ by its stride. */
static void strides_lead_to_neighbours(void)
{
    for (int order = MUIR_ORDER_PP_OUTERMOST; order <= MUIR_ORDER_DP_OUTERMOST; order++) {
        const muir_job job = job_of(order);
        const int64_t chip = muir_layout_chip(&job, 1, 2, 1);
        CU_ASSERT_EQUAL(muir_layout_chip(&job, 2, 2, 1), chip + muir_job_stride(&job, MUIR_AXIS_PP));
        CU_ASSERT_EQUAL(muir_layout_chip(&job, 1, 2, 2), chip + muir_job_stride(&job, MUIR_AXIS_TP));
        CU_ASSERT_EQUAL(muir_layout_chip(&job, 1, 2, 5), chip + muir_job_stride(&job, MUIR_AXIS_CP));
    }
    const muir_job inner = job_of(MUIR_ORDER_PP_OUTERMOST), outer = job_of(MUIR_ORDER_DP_OUTERMOST);
    CU_ASSERT_EQUAL(muir_job_stride(&inner, MUIR_AXIS_DP), 4); /* cp dp members in one row */
    CU_ASSERT_EQUAL(muir_job_stride(&outer, MUIR_AXIS_DP), 24);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"numbers are a permutation with an inverse", numbers_are_a_permutation_with_an_inverse},
        {"groups go there and back", groups_go_there_and_back},
        {"strides lead to neighbours", strides_lead_to_neighbours},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "layout", tests);
}
