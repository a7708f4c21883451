/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank executed, counted and timed; every file of the host clock adds to it. */
#ifndef MUIR_HOST_CLOCK_TALLY_H
#define MUIR_HOST_CLOCK_TALLY_H

#include <stdint.h>

/* All of it, so that whoever adds tallies up forgets nothing: times, bytes and FLOP; numbers of things. */
#define MUIR_TALLY_LIST(REAL, COUNT)                                                                         \
    REAL(gemm_s) /* matrix products */                                                                       \
    REAL(gemm_flop)                                                                                          \
    REAL(mem_s) /* memory streams */                                                                         \
    REAL(mem_bytes)                                                                                          \
    REAL(coll_s) /* all collectives of all axes */                                                           \
    REAL(coll_bytes)                                                                                         \
    REAL(p2p_s) /* waiting for messages between stages */                                                    \
    REAL(p2p_bytes)                                                                                          \
    REAL(check_s)    /* filling and checking: not part of the job */                                         \
    REAL(fft_s)      /* transforms */                                                                        \
    REAL(fft_flop)   /* 5 n log2 n each */                                                                   \
    REAL(exposed_s)  /* in collectives that the job hides: all, or what overlap leaves */                    \
    REAL(flight_s)   /* start to end of those on their way during products */                                \
    REAL(progress_s) /* moving them on between tiles of products; also in exposed_s */                       \
    REAL(wait_s)     /* dilated: ahead of the timetable, progressing MPI until it was time */                \
    COUNT(checked)   /* results looked at */                                                                 \
    COUNT(wrong)     /* results that were wrong for other reasons than flips */                              \
    COUNT(planted)   /* flips put into results */                                                            \
    COUNT(caught)    /* flips that a check found */

/* What was executed, counted and timed on this rank. */
typedef struct muir_tally {
#define MUIR_TALLY_REAL(name) double name;
#define MUIR_TALLY_COUNT(name) int64_t name;
    MUIR_TALLY_LIST(MUIR_TALLY_REAL, MUIR_TALLY_COUNT)
#undef MUIR_TALLY_COUNT
#undef MUIR_TALLY_REAL
} muir_tally;

#endif
