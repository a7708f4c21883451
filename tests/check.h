/* SPDX-License-Identifier: BSD-3-Clause */
/* What every test program shares: the main that runs a CUnit table on one or many ranks. */
#ifndef MUIR_TESTS_CHECK_H
#define MUIR_TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <mpi.h>

#include "base/ctx.h"

/* The context of the running test program; created by muir_test_main. Local. */
muir_ctx *muir_test_ctx(void);

/* Starts MPI, runs the table on every rank, adds failures over ranks, prints on rank 0, and returns main's
 * result: 1 if any rank failed an assertion. Collective over MPI_COMM_WORLD. */
int muir_test_main(int argc, char **argv, const char *suite, CU_TestInfo *tests);

#endif
