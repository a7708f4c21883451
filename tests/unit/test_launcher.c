/* SPDX-License-Identifier: BSD-3-Clause */
/* Launchers of another MPI library are told by their environment. */
#include <stdlib.h>
#include <string.h>

#include "base/launcher.h"
#include "check.h"

static const char *const variables[] = {
    "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE",  "PMI_RANK",
    "MV2_COMM_WORLD_SIZE",  "MV2_COMM_WORLD_RANK",  "PALS_SIZE", "PALS_RANKID",
    "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"};

static void forget_all(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
}

static void without_a_launcher_one_process_is_alone(void)
{
    forget_all();
    const muir_launcher l = muir_launcher_look();
    CU_ASSERT(!l.variable && l.processes == 1 && l.own == 0);
    CU_ASSERT_EQUAL(muir_launcher_check(muir_test_ctx()), MUIR_OK);
}

/* Each launcher's pair; a count that is no number is none. */
static void every_launcher_is_known(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i += 2) {
        forget_all();
        setenv(variables[i], "3", 1);
        setenv(variables[i + 1], "2", 1);
        const muir_launcher l = muir_launcher_look();
        CU_ASSERT(l.variable && strcmp(l.variable, variables[i]) == 0);
        CU_ASSERT(l.processes == 3 && l.own == 2);
        setenv(variables[i], "3x", 1);
        CU_ASSERT_PTR_NULL(muir_launcher_look().variable);
    }
    forget_all();
}

static void processes_that_mpi_leaves_alone_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    forget_all();
    setenv("PMI_SIZE", "1", 1);
    CU_ASSERT_EQUAL(muir_launcher_check(ctx), MUIR_OK);
    setenv("PMI_SIZE", "3", 1);
    setenv("PMI_RANK", "0", 1);
    CU_ASSERT_EQUAL(muir_launcher_check(ctx), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(ctx->message, "started 3 processes (PMI_SIZE), but to MPI each of them is alone"));
    muir_ctx_clear(ctx);
    forget_all();
}

/* mpirun inside a job of Slurm: what mpirun started counts. */
static void the_nearest_launcher_counts(void)
{
    forget_all();
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    CU_ASSERT_EQUAL(muir_launcher_check(muir_test_ctx()), MUIR_OK);
    forget_all();
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"without a launcher one process is alone", without_a_launcher_one_process_is_alone},
        {"every launcher is known", every_launcher_is_known},
        {"processes that MPI leaves alone are refused", processes_that_mpi_leaves_alone_are_refused},
        {"the nearest launcher counts", the_nearest_launcher_counts},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "launcher", tests);
}
