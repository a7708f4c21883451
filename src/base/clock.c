/* SPDX-License-Identifier: BSD-3-Clause */
/* This machine's own time, from the monotonic clock. */
#include "base/clock.h"

#include <time.h>

double muir_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
