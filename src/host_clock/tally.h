/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank executed, counted and timed; every file of the host clock adds to it. */
#ifndef MUIR_HOST_CLOCK_TALLY_H
#define MUIR_HOST_CLOCK_TALLY_H

#include <stdint.h>

/* What was executed, counted and timed on this rank. */
typedef struct muir_tally {
    double gemm_s, gemm_flop;
    double mem_s, mem_bytes;
    double coll_s, coll_bytes; /* all collectives of all axes */
    double p2p_s, p2p_bytes;   /* waiting for messages between stages */
    double check_s;            /* filling and checking: not part of the job */
    double fft_s, fft_flop;    /* 5 n log2 n each */
    double exposed_s;          /* in collectives that the job hides: all of it, or what overlap leaves */
    double flight_s;           /* from start to end of those that were on their way during products */
    double progress_s;         /* moving them on between tiles of products; also in exposed_s */
    double wait_s;             /* dilated: ahead of the timetable, progressing MPI until it was time */
    int64_t checked, wrong;    /* results looked at; results that were wrong for other reasons than flips */
    int64_t planted, caught;   /* flips put into results; those that a check found */
} muir_tally;

#endif
