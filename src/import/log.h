/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of a training log, and what of them is one figure. Private to import/. */
#ifndef MUIR_IMPORT_LOG_H
#define MUIR_IMPORT_LOG_H

#include "import/launch.h"

typedef struct muir_log_step {
    double value; /* seconds, or tokens per second and chip */
    double batch; /* global batch [sequences]; 0: not said */
} muir_log_step;

typedef struct muir_log {
    muir_log_step *steps; /* [n] */
    int n, room;
    const char *metric; /* static text: what the lines count */
    double scale;       /* to seconds; 0: tokens per second and chip */
    int unread;         /* lines whose number cannot be read */
    double memory_gib;  /* the most that a chip held; 0: not said */
    double flop_t;      /* the framework's own TFLOP/s a chip, its last; 0: not said */
    /* After muir_log_summarise. */
    double batch;                /* of the steps that count; 0: not said */
    int ramp, warm_up, outliers; /* left out: another batch, the start, far from the middle */
    int kept;
    double mean, median, deviation; /* of those kept */
} muir_log;

/* Steps, memory and arguments of a log of Megatron-LM, NeMo, torchtitan, MaxText or DeepSpeed. Local.
 * MUIR_ERR_MEM. */
muir_status muir_log_read(muir_ctx *ctx, const char *text, muir_log *log, muir_pairs *pairs);

/* Leaves out the start (until a step is within 10 % of the median, the first one always) and steps beyond
 * five spreads (1.4826 times the median deviation, at least 0.4 %). Local. MUIR_ERR_ARG: too few steps. */
muir_status muir_log_summarise(muir_ctx *ctx, muir_log *log);
void muir_log_free(muir_log *log);

#endif
