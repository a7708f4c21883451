/* SPDX-License-Identifier: BSD-3-Clause */
/* This machine's own time. */
#ifndef MUIR_BASE_CLOCK_H
#define MUIR_BASE_CLOCK_H

/* Monotonic time since an arbitrary start [s], nanosecond resolution. Local. */
double muir_now_s(void);

#endif
