/* SPDX-License-Identifier: BSD-3-Clause */
/* The main of every test program. */
#include "check.h"

#include <CUnit/Basic.h>
#include <stdio.h>

/* The only state at file scope in muir: CUnit's test functions take no argument. */
static muir_ctx *test_ctx;

muir_ctx *muir_test_ctx(void)
{
    return test_ctx;
}

static void print_result(const char *suite, int failures)
{
    const unsigned run = CU_get_number_of_tests_run();
    if (muir_is_root(test_ctx))
        printf("%s on %d rank(s): %u tests, %u asserts a rank, %d failed\n", suite, test_ctx->size, run,
               CU_get_number_of_asserts(), failures);
    for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
        fprintf(stderr, "rank %d: %s:%u: %s\n", test_ctx->rank, f->strFileName, f->uiLineNumber,
                f->strCondition);
}

int muir_test_main(int argc, char **argv, const char *suite, CU_TestInfo *tests)
{
    MPI_Init(&argc, &argv);
    if (muir_ctx_create(MPI_COMM_WORLD, &test_ctx) != MUIR_OK) MPI_Abort(MPI_COMM_WORLD, 1);

    CU_SuiteInfo suites[] = {{suite, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    int failures = 1;
    if (CU_initialize_registry() == CUE_SUCCESS && CU_register_suites(suites) == CUE_SUCCESS) {
        CU_basic_set_mode(CU_BRM_SILENT);
        CU_basic_run_tests();
        failures = (int)CU_get_number_of_failures() + (CU_get_number_of_tests_run() == 0);
    }
    MPI_Allreduce(MPI_IN_PLACE, &failures, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    print_result(suite, failures);
    CU_cleanup_registry();
    muir_ctx_destroy(&test_ctx);
    MPI_Finalize();
    return failures > 0;
}
