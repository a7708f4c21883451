/* SPDX-License-Identifier: BSD-3-Clause */
/* The main of every test program. */
#include "check.h"

#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

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

/* A program hangs when no assertion has passed while it used so much CPU time (ranks that wait for each other
 * spin), or while it used next to none for so long (it sleeps). Neither depends on how busy the machine is;
 * ctest's limits on the wall are only the last resort. */
static const double MOST_CPU_S = 240.0, ASLEEP_S = 120.0, ASLEEP_CPU_S = 0.2;
enum { LOOK_EVERY_S = 1, EXIT_HUNG = 124 };

/* The test of all this cannot wait so long. */
static double limit_s(const char *variable, double otherwise)
{
    const char *text = getenv(variable);
    return text ? strtod(text, NULL) : otherwise;
}

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Says in which test it is, and ends the process, upon which mpirun ends the others. */
static void end_hung(const char *why)
{
    const CU_pTest test = CU_get_current_test();
    fprintf(stderr, "rank %d hangs in '%s' after %u asserts: %s\n", test_ctx->rank, test ? test->pName : "?",
            CU_get_number_of_asserts(), why);
    _exit(EXIT_HUNG);
}

static void *watch(void *unused)
{
    const double most_cpu_s = limit_s("MUIR_TEST_MOST_CPU_S", MOST_CPU_S),
                 asleep_s = limit_s("MUIR_TEST_ASLEEP_S", ASLEEP_S);
    unsigned asserts = 0;
    double passed_cpu_s = cpu_s(), moved_cpu_s = passed_cpu_s, moved_s = muir_now_s();
    for (;; sleep(LOOK_EVERY_S)) {
        const double now_cpu_s = cpu_s(), now_s = muir_now_s();
        const unsigned passed = CU_get_number_of_asserts();
        if (passed != asserts) asserts = passed, passed_cpu_s = now_cpu_s, moved_s = now_s;
        if (now_cpu_s > moved_cpu_s + ASLEEP_CPU_S) moved_cpu_s = now_cpu_s, moved_s = now_s;
        if (now_cpu_s > passed_cpu_s + most_cpu_s) end_hung("much CPU time since the last");
        if (now_s > moved_s + asleep_s) end_hung("nothing done since the last");
    }
    return unused;
}

int muir_test_main(int argc, char **argv, const char *suite, CU_TestInfo *tests)
{
    MPI_Init(&argc, &argv);
    if (muir_ctx_create(MPI_COMM_WORLD, &test_ctx) != MUIR_OK) MPI_Abort(MPI_COMM_WORLD, 1);

    CU_SuiteInfo suites[] = {{suite, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    pthread_t watcher;
    int failures = 1;
    if (pthread_create(&watcher, NULL, watch, NULL) != 0) MPI_Abort(MPI_COMM_WORLD, 1);
    if (CU_initialize_registry() == CUE_SUCCESS && CU_register_suites(suites) == CUE_SUCCESS) {
        CU_basic_set_mode(CU_BRM_SILENT);
        CU_basic_run_tests();
        failures = (int)CU_get_number_of_failures() + (CU_get_number_of_tests_run() == 0);
    }
    MPI_Allreduce(MPI_IN_PLACE, &failures, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    print_result(suite, failures);
    pthread_cancel(watcher);
    pthread_join(watcher, NULL);
    CU_cleanup_registry();
    muir_ctx_destroy(&test_ctx);
    MPI_Finalize();
    return failures > 0;
}
