/* SPDX-License-Identifier: BSD-3-Clause */
/* The face for libFuzzer, which makes inputs and watches which code they reach: scripts/fuzz builds it. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer calls functions that have no place for state. */
static muir_fuzz fuzz;

static void end(void)
{
    muir_fuzz_end(&fuzz);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *name = getenv("MUIR_FUZZ_TARGET");
    const muir_fuzz_target *target = name ? muir_fuzz_find(name) : NULL;
    if (!target) {
        fprintf(stderr, "MUIR_FUZZ_TARGET=%s is no target of tests/fuzz/targets.def\n", name ? name : "");
        abort();
    }
    if (!muir_fuzz_begin(&fuzz, target)) abort();
    atexit(end);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (muir_fuzz_one(&fuzz, data, size)) abort();
    return 0;
}
