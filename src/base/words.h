/* SPDX-License-Identifier: BSD-3-Clause */
/* Words that models, collectives and both clocks share: data types, parallel axes, collective operations. */
#ifndef MUIR_BASE_WORDS_H
#define MUIR_BASE_WORDS_H

#include <stddef.h>

/* Constant, name, bytes per element. */
#define MUIR_DTYPE_LIST(X)                                                                                   \
    X(MUIR_FP32, "fp32", 4)                                                                                  \
    X(MUIR_BF16, "bf16", 2)                                                                                  \
    X(MUIR_FP16, "fp16", 2)                                                                                  \
    X(MUIR_FP8, "fp8", 1)                                                                                    \
    X(MUIR_INT8, "int8", 1)                                                                                  \
    X(MUIR_FP64, "fp64", 8)                                                                                  \
    X(MUIR_INT32, "int32", 4)

/* Constant, name. DP is the group that shares gradients of dense weights (replicas x context parts), EDP that
 * of expert weights; WORLD is the whole job. */
#define MUIR_AXIS_LIST(X)                                                                                    \
    X(MUIR_AXIS_TP, "tp")                                                                                    \
    X(MUIR_AXIS_CP, "cp")                                                                                    \
    X(MUIR_AXIS_EP, "ep")                                                                                    \
    X(MUIR_AXIS_DP, "dp")                                                                                    \
    X(MUIR_AXIS_EDP, "edp")                                                                                  \
    X(MUIR_AXIS_PP, "pp")                                                                                    \
    X(MUIR_AXIS_WORLD, "world")

/* Constant, name as nccl-tests users know it. */
#define MUIR_COLL_LIST(X)                                                                                    \
    X(MUIR_ALL_REDUCE, "all_reduce")                                                                         \
    X(MUIR_REDUCE_SCATTER, "reduce_scatter")                                                                 \
    X(MUIR_ALL_GATHER, "all_gather")                                                                         \
    X(MUIR_ALL_TO_ALL, "all_to_all")                                                                         \
    X(MUIR_BROADCAST, "broadcast")                                                                           \
    X(MUIR_SEND_RECV, "send_recv")                                                                           \
    X(MUIR_REDUCE, "reduce")                                                                                 \
    X(MUIR_ALL_TO_ALLV, "all_to_allv")                                                                       \
    X(MUIR_BARRIER, "barrier")

/* Constant, name: what a slot of a pipeline schedule does. BACKWARD is the gradient of the inputs, WEIGHT of
 * the weights. */
#define MUIR_PHASE_LIST(X)                                                                                   \
    X(MUIR_FORWARD, "forward")                                                                               \
    X(MUIR_BACKWARD, "backward")                                                                             \
    X(MUIR_WEIGHT, "weight")

#define MUIR_WORD_FIRST(constant, ...) constant,
typedef enum muir_dtype { MUIR_DTYPE_LIST(MUIR_WORD_FIRST) MUIR_DTYPE_COUNT } muir_dtype;
typedef enum muir_axis { MUIR_AXIS_LIST(MUIR_WORD_FIRST) MUIR_AXIS_COUNT } muir_axis;
typedef enum muir_coll_kind { MUIR_COLL_LIST(MUIR_WORD_FIRST) MUIR_COLL_KIND_COUNT } muir_coll_kind;
typedef enum muir_phase { MUIR_PHASE_LIST(MUIR_WORD_FIRST) MUIR_PHASE_COUNT } muir_phase;
#undef MUIR_WORD_FIRST

/* Names, never NULL. Local. */
const char *muir_dtype_name(muir_dtype dtype);
const char *muir_axis_name(muir_axis axis);
const char *muir_coll_kind_name(muir_coll_kind kind);
const char *muir_phase_name(muir_phase phase);

/* The one of that name, or MUIR_DTYPE_COUNT, MUIR_AXIS_COUNT, MUIR_COLL_KIND_COUNT. Local. */
muir_dtype muir_dtype_find(const char *name);
muir_axis muir_axis_find(const char *name);
muir_coll_kind muir_coll_kind_find(const char *name);

/* Bytes of one element. Local. */
size_t muir_dtype_bytes(muir_dtype dtype);

/* Factor from algorithm to bus bandwidth for p ranks, as nccl-tests defines it.
 *     2 (p - 1) / p  all_reduce
 *     (p - 1) / p    reduce_scatter, all_gather, all_to_all, all_to_allv
 *     1              otherwise
 * The size of all_gather and reduce_scatter is the total one.
 * Local. Source: NVIDIA/nccl-tests doc/PERFORMANCE.md. */
double muir_busbw_factor(muir_coll_kind kind, int p);

#endif
