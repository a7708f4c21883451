/* SPDX-License-Identifier: BSD-3-Clause */
/* Counter-based random numbers: a draw is a function of (seed, stream, step, index), never of history.
 * Generator: Threefry4x32-20, all additions, rotations and exclusive ors, so it vectorises on every
 * instruction set.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
 *
 * Numbering: draws come in blocks of 64. Draw i of a (stream, step) is word (i % 64) / 16 of the generator's
 * output for
 *     counter  {c mod 2^32, c / 2^32, step, 0}, c = 16 (i / 64) + i % 16
 *     key      {seed mod 2^32, seed / 2^32, stream, 0}
 * The order lets 16 counters run side by side in one vector register. */
#ifndef MUIR_BASE_RNG_H
#define MUIR_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

enum { MUIR_RNG_BLOCK = 64 };

/* What a number is drawn for. Never renumber: stored runs depend on it. */
typedef enum muir_stream {
    MUIR_STREAM_CHIP = 1,    /* fixed speed of a chip */
    MUIR_STREAM_SLOW = 2,    /* whether a server is one of the slow ones */
    MUIR_STREAM_DRIFT = 3,   /* slow drift of a server, one draw per knot */
    MUIR_STREAM_JITTER = 4,  /* fresh draw per chip and step */
    MUIR_STREAM_HOST = 5,    /* operands and check vectors of the host clock */
    MUIR_STREAM_FAULT = 16,  /* failures of a server: reliability/servers.c */
    MUIR_STREAM_SERVER = 17, /* what kind of server it is */
    MUIR_STREAM_EVENT = 18,  /* fleet-wide events: slow servers, flaps, planned interruptions */
    MUIR_STREAM_COMMON = 19, /* what the whole fleet shares from step to step */
    MUIR_STREAM_LENGTH = 20, /* lengths of sequences, per microbatch of a replica */
    MUIR_STREAM_EXPERT = 21, /* popularity of experts, per layer and chip of an expert group */
    MUIR_STREAM_FIT = 22,    /* servers and repairs drawn again: reliability/fit.c */
    MUIR_STREAM_POWER = 30,  /* power of a server at equal work */
    MUIR_STREAM_HEAT = 31,   /* how warm a chip and its server's place are: fleet_clock/heat.c */
    MUIR_STREAM_PLACEMENT = 32, /* order in which jobs take servers: network/jobs.c */
    MUIR_STREAM_FLIP = 40,   /* bit flips planted into results of the host clock */
    MUIR_STREAM_STATE = 41,  /* contents of real checkpoints */
} muir_stream;

/* What a number is drawn for at one place and ordinal of a stream (reliability/draws.h); purposes of one
 * stream differ. A gamma draw takes 128 from its own on. Never renumber: stored runs depend on it. */
typedef enum muir_purpose {
    /* MUIR_STREAM_SERVER: a server */
    MUIR_PURPOSE_SPREAD = 0, /* gamma */
    MUIR_PURPOSE_LEMON = 200,
    /* MUIR_STREAM_FAULT: a failure of a server */
    MUIR_PURPOSE_GAP = 0, /* since the one before */
    MUIR_PURPOSE_CAUSE = 1,
    MUIR_PURPOSE_IN_PLACE = 2,
    MUIR_PURPOSE_DETECTION = 3,
    MUIR_PURPOSE_REPAIR = 4,
    MUIR_PURPOSE_LONG = 5,
    MUIR_PURPOSE_LONG_TIME = 6,
    MUIR_PURPOSE_OPERATOR = 7,
    MUIR_PURPOSE_CHIP = 8,
    MUIR_PURPOSE_SINCE = 9,  /* silent corruption: when it began */
    MUIR_PURPOSE_TRIES = 10, /* restarts that fail */
    MUIR_PURPOSE_RESCUE = 11,
    MUIR_PURPOSE_FORESEEN = 12,
    MUIR_PURPOSE_MISDIAGNOSED = 13,
    MUIR_PURPOSE_WRONG = 14, /* the server that diagnosis names */
    MUIR_PURPOSE_RELAPSE = 15,
    MUIR_PURPOSE_CURED = 16,
    MUIR_PURPOSE_REST = 128, /* gamma: rest of a gap that has begun long ago */
    /* MUIR_STREAM_EVENT: an event of the whole fleet */
    MUIR_PURPOSE_EVENT_GAP = 0, /* since the one before */
    MUIR_PURPOSE_EVENT_CHIP = 1,
    MUIR_PURPOSE_SIZE = 2, /* also of a spike, in MUIR_STREAM_COMMON */
    MUIR_PURPOSE_LENGTH = 3,
    MUIR_PURPOSE_CYCLES = 4,
    MUIR_PURPOSE_DOWN = 5,
    MUIR_PURPOSE_UP = 6,
    MUIR_PURPOSE_WAIT = 20, /* for data */
    /* MUIR_STREAM_COMMON: a row; flaps take two from here on for each episode */
    MUIR_PURPOSE_ROW = 64,
} muir_purpose;

/* One Threefry4x32-20 block.
 * counter  in   [4] words
 * key      in   [4] words
 * out      out  [4] words
 * Local. */
void muir_threefry4x32(const uint32_t counter[4], const uint32_t key[4], uint32_t out[4]);

/* One draw of 32 random bits. Local. */
uint32_t muir_rng_at(uint64_t seed, muir_stream stream, uint32_t step, uint64_t index);

/* The same draw as a uniform number in (0, 1), exact in float.
 *     u = (23 high bits + 1/2) / 2^23
 * Local. */
float muir_rng_uniform_at(uint64_t seed, muir_stream stream, uint32_t step, uint64_t index);

/* The same draw as a standard normal number: the inverse of the normal distribution at the uniform draw,
 * relative error below 2e-4. Tails end at +-5.3. Local. */
float muir_rng_normal_at(uint64_t seed, muir_stream stream, uint32_t step, uint64_t index);

/* Standard normal or uniform draws 64 block .. 64 (block + count) - 1, the same bits as
 * muir_rng_normal_at and muir_rng_uniform_at.
 * block  in   the first block
 * count  in   blocks
 * out    out  [count,64]
 * Local. */
void muir_rng_normals(uint64_t seed, muir_stream stream, uint32_t step, uint64_t block, size_t count,
                      float *out);
void muir_rng_uniforms(uint64_t seed, muir_stream stream, uint32_t step, uint64_t block, size_t count,
                       float *out);

#endif
