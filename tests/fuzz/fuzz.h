/* SPDX-License-Identifier: BSD-3-Clause */
/* One input, read as muir reads it; who makes inputs calls this: libFuzzer (lib_fuzzer.c), or replay.c. */
#ifndef MUIR_TESTS_FUZZ_H
#define MUIR_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum { MUIR_FUZZ_ARGUMENTS = 64 };

typedef struct muir_fuzz_target {
    const char *name, *ending;
    int may_fail; /* whether exit code 1 is an answer */
    const char *const *arguments;
    muir_status (*reader)(muir_ctx *ctx, const char *path); /* NULL: the arguments are a command */
} muir_fuzz_target;

const muir_fuzz_target *muir_fuzz_find(const char *name); /* NULL if unknown */
const muir_fuzz_target *muir_fuzz_at(int i);              /* NULL behind the last */

/* A target at work. */
typedef struct muir_fuzz {
    const muir_fuzz_target *target;
    char folder[64], folder_before[4096];
    muir_ctx *mpi_ctx; /* NULL: the target needs no MPI */
} muir_fuzz;

/* Makes a folder and goes there: whatever an input makes muir write stays in it. MPI is started where the
 * target needs it. false, and a message: that failed. */
bool muir_fuzz_begin(muir_fuzz *fuzz, const muir_fuzz_target *target);

/* Goes to the folder before, and deletes the other with all that is in it. */
void muir_fuzz_end(muir_fuzz *fuzz);

/* Reads one input. NULL if muir answered as it promises: exit code 0, or a refusal in one line. Else what it
 * did instead; a crash ends the process. */
const char *muir_fuzz_one(muir_fuzz *fuzz, const uint8_t *data, size_t size);

/* Writes a checkpoint of the kind that the target reads. false: this build cannot. */
bool muir_fuzz_write_checkpoint(const char *path);

#endif
